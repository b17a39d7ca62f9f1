"""The Kafka side of alerting, in a thread of its own: wait for broker and topics, hold one session after another."""

import logging
import threading
import time

from confluent_kafka.admin import AdminClient

from services.alerting.errors import SessionLostError
from services.alerting.parts import Parts, Places
from services.alerting.session import Session
from sightline.io import kafka

log = logging.getLogger(__name__)

_RETRY_S = 0.2
_RETRY_S_MAX = 2.0
_REMIND_S = 30.0
_ASK_TIMEOUT_S = 5.0


class Pipeline:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stop = threading.Event()

    def stop(self) -> None:
        """From any thread: `run` finishes what is in flight, commits, leaves the group and returns."""
        self._stop.set()

    def run(self) -> None:
        """Until `stop`. Raises FatalError where no new session can help."""
        while (places := self._wait_for_topics()) is not None:
            session = Session(self._parts, places)
            try:
                session.run(self._stop)
                return
            except SessionLostError as error:
                log.warning("joining the group anew: %s", error)
            except kafka.KafkaException as error:
                log.warning("joining the group anew: %s", error.args[0].str())
            self._parts.metrics.sessions_lost.inc()

    def _wait_for_topics(self) -> Places | None:
        """Where each topic of matches is, once all topics are there; None when stopped."""
        brokers = self._parts.settings.brokers
        asking = kafka.Asking(brokers)
        pause_s, said, said_s = _RETRY_S, "", 0.0
        while not self._stop.is_set():
            try:
                return self._places(asking.client)
            except kafka.KafkaException as error:
                why = f"Kafka at {brokers} ({asking.why(error)})"
            except kafka.TopicMissingError as error:
                why = f"Kafka's topics: {error}"
            if why != said or time.monotonic() - said_s > _REMIND_S:
                log.warning("waiting for %s", why)
                self._parts.waiting(why)
                said, said_s = why, time.monotonic()
            self._stop.wait(pause_s)
            pause_s = min(pause_s * 2, _RETRY_S_MAX)
        return None

    def _places(self, client: AdminClient) -> Places:
        settings = self._parts.settings
        names = [*self._parts.topics, settings.alerts_topic, settings.dead_letter_topic]
        found = kafka.describe(client, names, _ASK_TIMEOUT_S)
        alerts = found[settings.alerts_topic].partitions
        for topic in self._parts.topics:
            if found[topic].partitions > alerts:
                raise kafka.TopicMissingError(
                    f"topic {settings.alerts_topic!r} has {alerts} partitions, it needs {found[topic].partitions} as "
                    f"{topic!r} has"
                )
        cluster_id = kafka.cluster_id(client, _ASK_TIMEOUT_S)
        return {topic: (cluster_id, found[topic].topic_id) for topic in self._parts.topics}
