"""Waiting for the alert of an event: in the topic of alerts, or at alerting's gRPC service."""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from sightline.cli.kafka_options import ASK_S, NotThereError, Patient

if TYPE_CHECKING:
    from sightline.io.brokers import Brokers

POLL_S = 0.2
REPLAY = 1_000
RETRY_S = 0.2


class AlertWaiter(Protocol):
    """Made before the events are sent, so that none is missed. `where` is for a person."""

    where: str

    def wait(self, event_ids: set[str], timeout_s: float) -> str | None:
        """The first alert as JSON; None when the time is over."""

    def close(self) -> None: ...


def waiter(arguments: argparse.Namespace, brokers: "Brokers") -> AlertWaiter:
    if arguments.alerts_address:
        return AtService(arguments.alerts_address, arguments.timeout_s)
    return InTopic(brokers, arguments.alerts_topic, arguments.timeout_s)


class InTopic:
    """Sees the alerts of every instance of alerting."""

    def __init__(self, brokers: "Brokers", topic: str, timeout_s: float) -> None:
        from confluent_kafka import TopicPartition

        from sightline.io import clients
        from sightline.io.kafka import describe, end_offsets, reader_config

        self.where = f"topic {topic!r}"
        patient = Patient(brokers, timeout_s)
        partitions = patient.ask(lambda client: describe(client, [topic], ASK_S))[topic].partitions
        places = [TopicPartition(topic, each) for each in range(partitions)]
        ends = patient.ask(lambda client: end_offsets(client, places, ASK_S))
        self._consumer = clients.Consumer(reader_config(brokers))
        self._consumer.assign([TopicPartition(topic, each, end) for each, end in ends.items()])

    def wait(self, event_ids: set[str], timeout_s: float) -> str | None:
        from sightline.alerts.records import decode

        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            message = self._consumer.poll(POLL_S)
            if message is None or message.error():
                continue
            alert = decode(message.value(), message.headers())
            if alert.event_id in event_ids:
                return _json(alert, alert.alert_time_us - alert.time_us)
        return None

    def close(self) -> None:
        self._consumer.close()


class AtService:
    """Sees the alerts of the instance that answers."""

    def __init__(self, address: str, timeout_s: float) -> None:
        import grpc
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        from sightline.io.tls import ClientTls, channel

        self.where = f"alerting at {address}"
        self._channel = channel(ClientTls.from_environment(), address, [])
        stub, said = health_pb2_grpc.HealthStub(self._channel), ""
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                stub.Check(health_pb2.HealthCheckRequest(), timeout=ASK_S)
                return
            except grpc.RpcError as error:
                why = f"{self.where}: {error.details()}"
            if time.monotonic() > deadline_s:
                self._channel.close()
                raise NotThereError(f"{why}; gave up after {timeout_s:g} s")
            if why != said:
                print(f"waiting: {why}", file=sys.stderr, flush=True)
                said = why
            time.sleep(RETRY_S)

    def wait(self, event_ids: set[str], timeout_s: float) -> str | None:
        import grpc

        from sightline.proto import alerts_pb2, alerts_pb2_grpc

        stub = alerts_pb2_grpc.AlertsStub(self._channel)  # type: ignore[no-untyped-call]
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            # What came between sending and this call is in the replay.
            request = alerts_pb2.SubscribeRequest(replay=REPLAY)
            try:
                for alert in stub.Subscribe(request, timeout=left_s):
                    if alert.event_id in event_ids:
                        return _json(alert, alert.alert_time.ToMicroseconds() - alert.event_time.ToMicroseconds())
            except grpc.RpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise NotThereError(f"{self.where}: {error.code().name}: {error.details()}") from None
            time.sleep(min(RETRY_S, max(0.0, deadline_s - time.monotonic())))
        return None

    def close(self) -> None:
        self._channel.close()


def _json(alert: Any, took_us: int) -> str:
    """Of an alert as the topic has it, or as the service sends it: they name these fields alike."""
    fields = {name: getattr(alert, name) for name in ("id", "rule", "severity", "summary", "event_id")}
    fields |= {"milliseconds": took_us / 1e3, "stage_us": dict(alert.stage_us)}
    return json.dumps(fields, ensure_ascii=False)
