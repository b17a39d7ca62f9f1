"""Reads topics with kafka-python: a client that shares no code with the ones that wrote them."""

import json
import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from demo.compare import AlertRecord
from demo.truth import Sighting

_QUIET_S, _TIMEOUT_S = 1.0, 30.0


def alerts(bootstrap_servers: str) -> list[AlertRecord]:
    """Every record of the alerts topic."""
    return [_alert(record) for record in read(bootstrap_servers, "alerts")]


def read(bootstrap_servers: str, topic: str) -> list[Any]:
    """All records from the beginning, until the end has not moved for a second. Raises TimeoutError after 30."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, group_id=None, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        records: list[Any] = []
        deadline, quiet_since = time.monotonic() + _TIMEOUT_S, time.monotonic()
        while True:
            came = [record for batch in consumer.poll(200).values() for record in batch]
            records += came
            if came:
                quiet_since = time.monotonic()
            ends = consumer.end_offsets(partitions)
            at_end = all(consumer.position(partition) >= ends[partition] for partition in partitions)
            if at_end and time.monotonic() - quiet_since > _QUIET_S:
                return records
            if time.monotonic() > deadline:
                raise TimeoutError(f"topic {topic!r} was not read to its end within {_TIMEOUT_S:.0f} s")
    finally:
        consumer.close()


def _alert(record: Any) -> AlertRecord:
    headers = {name: raw.decode() for name, raw in record.headers}
    columns = json.loads(record.value)["match"]
    sighting = Sighting(columns["place"], columns["label"], columns["score"])
    return AlertRecord(headers["ce_id"], headers["ce_rule"], headers["ce_eventid"], headers["ce_eventsource"], sighting)
