"""Whether a table's snapshot can be continued from its topic."""

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from sightline.query.tables import Position

TIMEOUT_S = 5.0

MARGIN = 0.9
"""Of `delete.retention.ms`: reading on takes time too."""


def why_not(
    client: AdminClient, consumer: Consumer, partitions: list[TopicPartition], position: Position, now_ms: float
) -> str | None:
    """Why reading on from `position` would not give the table's rows; None if it does. Raises KafkaException.

    Compaction forgets a deletion `delete.retention.ms` after it has forgotten what it deleted. All deletions up to
    `complete_ms` are in the rows, so before then plus the retention none can have gone unseen.
    """
    if position.offsets.keys() != {each.partition for each in partitions}:
        return "the topic has other partitions now"
    for each in partitions:
        low, high = consumer.get_watermark_offsets(each, TIMEOUT_S)
        if not low <= position.offsets[each.partition] <= high:
            return f"partition {each.partition} holds offsets {low} to {high}, not {position.offsets[each.partition]}"
    topic = ConfigResource(ResourceType.TOPIC, partitions[0].topic)
    config = client.describe_configs([topic], request_timeout=TIMEOUT_S)[topic].result()
    age_ms, retention_ms = now_ms - position.complete_ms, float(config["delete.retention.ms"].value)
    if age_ms > MARGIN * retention_ms:
        return f"it is {age_ms / 1e3:.0f} s old, and the topic remembers deletions for {retention_ms / 1e3:.0f} s"
    return None
