"""How every command that talks to Kafka is told where it is, and waits for it."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sightline.errors import SightlineError
from sightline.io.brokers import SERVERS, Brokers

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

RETRY_S = 0.5
ASK_S = 2.0

T = TypeVar("T")

ENVIRONMENT = f"""\
Kafka's address can also be in {SERVERS}; how to be let in is said by SIGHTLINE_KAFKA_SECURITY_PROTOCOL
(PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL), _SASL_MECHANISM, _SASL_USERNAME, _SASL_PASSWORD, and by the PEM files _CA,
_CERTIFICATE, _KEY with _KEY_PASSWORD.
"""


class NotThereError(SightlineError):
    """What was waited for did not come in time."""


def add_servers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bootstrap-servers", metavar="H:P,...", help=f"Kafka brokers (default: ${SERVERS}, else localhost:9092)"
    )


def brokers(arguments: argparse.Namespace) -> Brokers:
    """Raises ConfigError naming the variable at fault."""
    return brokers_if_given(arguments) or _from_environment("localhost:9092")


def brokers_if_given(arguments: argparse.Namespace) -> Brokers | None:
    """Raises ConfigError naming the variable at fault."""
    servers = arguments.bootstrap_servers or os.environ.get(SERVERS)
    return _from_environment(servers) if servers else None


def _from_environment(servers: str) -> Brokers:
    return Brokers.from_environment(servers)


class Patient:
    """Asks brokers until they answer."""

    def __init__(self, brokers: Brokers, timeout_s: float) -> None:
        from sightline.io.kafka import Asking

        # Forty lines a second without a broker; what they say is said below, once.
        logging.getLogger("sightline.io.kafka").setLevel(logging.CRITICAL)
        self._brokers, self._timeout_s, self._asking = brokers, timeout_s, Asking(brokers)

    def ask(self, question: "Callable[[AdminClient], T]") -> T:
        """The answer; says on standard error what it waits for, once for each reason.

        Raises NotThereError when the time is over.
        """
        from sightline.io.kafka import KafkaException, TopicMissingError

        deadline_s, said = time.monotonic() + self._timeout_s, ""
        while True:
            try:
                return question(self._asking.client)
            except TopicMissingError as error:
                why = str(error)
            except KafkaException as error:
                why = f"Kafka at {self._brokers}: {self._asking.why(error)}"
            if time.monotonic() >= deadline_s:
                raise NotThereError(f"{why}; gave up after {self._timeout_s:g} s")
            if why != said:
                print(f"waiting: {why}", file=sys.stderr, flush=True)
                said = why
            time.sleep(RETRY_S)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a positive number is needed")
    return number
