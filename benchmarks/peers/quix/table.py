"""A table's topic read once at start."""

import json

from confluent_kafka import Consumer, TopicPartition


def load(bootstrap: str, topic: str, column: str) -> dict[str, str]:
    """Key to one column."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "table", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0))
    rows: dict[str, str] = {}
    at = 0
    while at < end:
        for message in consumer.consume(10_000, 0.2):
            rows[message.key().decode()] = json.loads(message.value())[column]
            at = message.offset() + 1
    consumer.close()
    return rows
