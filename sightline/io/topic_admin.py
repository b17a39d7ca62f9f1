"""Brings a cluster's topics to what is wanted: makes what is missing, alters settings, adds partitions."""

import time
from enum import StrEnum
from typing import NamedTuple

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    TopicDescription,
)

from sightline.io.kafka import Topic

APPEAR_POLL_S = 0.05
BROKERS_DEFAULT = -1
"""As a replication factor."""


class Outcome(StrEnum):
    MADE = "made"
    ALTERED = "altered"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Result(NamedTuple):
    """What became of one topic, in words for a person."""

    topic: Topic
    outcome: Outcome
    details: tuple[str, ...]


class _RefusedError(Exception):
    """Kafka or we can't do it; the message says why and what to do."""


def reconcile(
    client: AdminClient, topic: Topic, replication_factor: int = BROKERS_DEFAULT, timeout_s: float = 30
) -> Result:
    """Raises KafkaException while no broker answers.

    Settings that `topic` does not name stay as they are. The partitions of a compacted topic are not increased: keys
    would move to other partitions and their old rows would stay behind.
    """
    try:
        return _reconcile(client, topic, replication_factor, timeout_s)
    except _RefusedError as error:
        return Result(topic, Outcome.REFUSED, (str(error),))


def _reconcile(client: AdminClient, topic: Topic, replication_factor: int, timeout_s: float) -> Result:
    found = _find(client, topic.name, timeout_s)
    if found is None:
        made = _make(client, topic, replication_factor, timeout_s)
        found = _appeared(client, topic.name, timeout_s)
        if made:
            return Result(topic, Outcome.MADE, (f"partitions={topic.partitions}", *_settings(topic)))
    altered = [*_alter_config(client, topic, timeout_s), *_grow(client, topic, found, timeout_s)]
    notes = [*altered, *_replication_note(found, replication_factor)]
    return Result(topic, Outcome.ALTERED if altered else Outcome.UNCHANGED, tuple(notes))


def _find(client: AdminClient, name: str, timeout_s: float) -> TopicDescription | None:
    (future,) = client.describe_topics(TopicCollection([name]), request_timeout=timeout_s).values()
    try:
        return future.result()
    except KafkaException as error:
        if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
            return None
        raise _refused(error) from None


def _appeared(client: AdminClient, name: str, timeout_s: float) -> TopicDescription:
    """A topic that was made a moment ago, once the broker that answers knows it."""
    deadline_s = time.monotonic() + timeout_s
    while (found := _find(client, name, timeout_s)) is None:
        if time.monotonic() > deadline_s:
            raise _RefusedError(f"was made and is not there after {timeout_s:g} s")
        time.sleep(APPEAR_POLL_S)
    return found


def _make(client: AdminClient, topic: Topic, replication_factor: int, timeout_s: float) -> bool:
    """False if it is there meanwhile."""
    new = NewTopic(topic.name, topic.partitions, replication_factor, config=dict(topic.config))
    (future,) = client.create_topics([new], operation_timeout=timeout_s, request_timeout=timeout_s).values()
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].name() == "TOPIC_ALREADY_EXISTS":
            return False
        raise _refused(error) from None
    return True


def _alter_config(client: AdminClient, topic: Topic, timeout_s: float) -> list[str]:
    """What was changed, as `name: old -> new`."""
    present = _config(client, topic.name, timeout_s)
    changes = {name: value for name, value in topic.config.items() if present.get(name) != value}
    if not changes:
        return []
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in changes.items()]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic.name, incremental_configs=entries)
    (future,) = client.incremental_alter_configs([resource], request_timeout=timeout_s).values()
    try:
        future.result()
    except KafkaException as error:
        raise _refused(error) from None
    return [f"{name}: {present.get(name)} -> {value}" for name, value in changes.items()]


def _config(client: AdminClient, name: str, timeout_s: float) -> dict[str, str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    (future,) = client.describe_configs([resource], request_timeout=timeout_s).values()
    try:
        return {entry.name: entry.value for entry in future.result().values()}
    except KafkaException as error:
        raise _refused(error) from None


def _grow(client: AdminClient, topic: Topic, found: TopicDescription, timeout_s: float) -> list[str]:
    there = len(found.partitions)
    if there == topic.partitions:
        return []
    if there > topic.partitions:
        raise _RefusedError(
            f"has {there} partitions, {topic.partitions} are wanted: Kafka can't take partitions away; "
            f"set partitions to {there}, or delete the topic with its records first"
        )
    if "compact" in _config(client, topic.name, timeout_s).get("cleanup.policy", ""):
        raise _RefusedError(
            f"has {there} partitions, {topic.partitions} are wanted: it is compacted, and with more partitions keys "
            f"would move and their old rows stay behind; set partitions to {there}, or copy it to a new topic"
        )
    (future,) = client.create_partitions(
        [NewPartitions(topic.name, topic.partitions)], operation_timeout=timeout_s, request_timeout=timeout_s
    ).values()
    try:
        future.result()
    except KafkaException as error:
        raise _refused(error) from None
    return [f"partitions: {there} -> {topic.partitions}"]


def _replication_note(found: TopicDescription, wanted: int) -> list[str]:
    there = len(found.partitions[0].replicas)
    if wanted in (BROKERS_DEFAULT, there):
        return []
    return [f"has {there} replicas and not {wanted}: kafka-reassign-partitions.sh can change that"]


def _settings(topic: Topic) -> list[str]:
    return [f"{name}={value}" for name, value in topic.config.items()]


def _refused(error: KafkaException) -> Exception:
    """What the broker says about the topic itself; anything else is the broker's own trouble."""
    kafka = error.args[0]
    is_passing = kafka.name().startswith("_") or kafka.retriable()
    return KafkaException(kafka) if is_passing else _RefusedError(kafka.str())
