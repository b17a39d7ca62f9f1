"""Waiting for Kafka at the start of a service."""

import asyncio
import logging

from services.common.lifecycle import Lifecycle
from sightline.io.kafka import Asking, Brokers, KafkaException, TopicInfo, TopicMissingError, cluster_id, describe

log = logging.getLogger(__name__)

ASK_S = 2.0
RETRY_S = 0.5


async def wait_for_topics(brokers: Brokers, names: list[str], lifecycle: Lifecycle) -> tuple[str, dict[str, TopicInfo]]:
    """The cluster's id, and id and size of each topic, as soon as the brokers answer and all of them exist."""
    asking = Asking(brokers)
    said = ""
    while True:
        try:
            cluster = await asyncio.to_thread(cluster_id, asking.client, ASK_S)
            return cluster, await asyncio.to_thread(describe, asking.client, names, ASK_S)
        except TopicMissingError as missing:
            waiting = str(missing)
        except KafkaException as error:
            waiting = f"Kafka at {brokers} ({asking.why(error)})"
        lifecycle.waiting(waiting)
        if waiting != said:
            log.warning("waiting for %s", waiting)
            said = waiting
        await asyncio.sleep(RETRY_S)
