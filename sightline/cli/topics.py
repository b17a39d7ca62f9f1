"""sightline topics: make the topics that are missing, and bring the others to what is wanted."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sightline.cli.kafka_options import ASK_S, ENVIRONMENT, Patient, add_servers, brokers, positive

if TYPE_CHECKING:
    from sightline.io.kafka import Topic
    from sightline.io.topic_admin import Result

EXTRA = "io"

_EXAMPLES = f"""{ENVIRONMENT}
examples:
  sightline topics                                   events, locations, matches, alerts and dead-letters
  sightline topics --file topics.yaml --replication-factor 3 --bootstrap-servers kafka:9092

topics.yaml:
  topics:
    - name: events
      partitions: 8
      config: {{retention.ms: "86400000", max.message.bytes: "5308416"}}
    - {{name: locations, config: {{cleanup.policy: compact}}}}

A second run changes nothing. Settings that the file doesn't name stay as they are. The partitions of a topic may grow,
but not of a compacted one; what is refused is said with its reason, and ends the command with 1 after the others.
"""


class _Topic(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    partitions: int = 1
    config: dict[str, str | int | float | bool] = {}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    topics: list[_Topic]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="sightline topics",
        description="Make Kafka's topics, or bring those that are there to what is wanted. Waits for the brokers.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_servers(parser)
    parser.add_argument("--file", type=Path, help="YAML file of topics (default: the product's own)")
    parser.add_argument("--partitions", type=positive, default=4, help="of the product's own topics (%(default)s)")
    parser.add_argument("--replication-factor", type=positive, metavar="N", help="of new topics (the brokers' default)")
    parser.add_argument("--timeout-s", type=float, default=120, help="to wait for the brokers (%(default)s)")
    return _run(parser.parse_args(argv))


def _run(arguments: argparse.Namespace) -> int:
    from sightline.io.kafka import cluster_id, topics
    from sightline.io.topic_admin import BROKERS_DEFAULT, Outcome, reconcile

    wanted = read(arguments.file) if arguments.file else topics(arguments.partitions)
    patient = Patient(brokers(arguments), arguments.timeout_s)
    patient.ask(lambda client: cluster_id(client, ASK_S))
    refused = 0
    factor = arguments.replication_factor or BROKERS_DEFAULT
    for topic in wanted:
        result = patient.ask(partial(reconcile, topic=topic, replication_factor=factor))
        _say(result)
        refused += result.outcome is Outcome.REFUSED
    if refused:
        print(f"sightline topics: {refused} of {len(wanted)} topics are not as wanted", file=sys.stderr)
    return 1 if refused else 0


def _say(result: "Result") -> None:
    details = f": {', '.join(result.details)}" if result.details else ""
    print(f"{result.topic.name}: {result.outcome}{details}", flush=True)


def read(path: Path) -> "list[Topic]":
    """Raises ConfigError naming file, line and key."""
    from sightline.config import Document
    from sightline.io.kafka import Topic

    document = Document(path)
    found: list[Topic] = []
    for number, each in enumerate(document.convert(_File).topics):
        if each.partitions < 1:
            raise document.error(f"is {each.partitions}; at least 1 is needed", f"$.topics[{number}].partitions")
        if each.name in {topic.name for topic in found}:
            raise document.error(f"{each.name!r} is there twice", f"$.topics[{number}].name")
        config = {name: _text(value) for name, value in each.config.items()}
        found.append(Topic(each.name, each.partitions, config))
    return found


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
