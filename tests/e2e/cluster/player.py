"""Runs in a pod, from the stream-joiner's image: sends photographs, watches the alerts, reads the alerts topic.

    python player.py send    --plan plan --photos photos --source /e2e/find-bond --rate 20 --sent sent --stop stop
    python player.py watch   --address sightline-alerting:8600 --seen seen
    python player.py records --source /e2e/find-bond

The sender is open loop: an event's time is when it was DUE, and it is sent whatever happens downstream. Sender and
subscriber share a clock. SIGHTLINE_KAFKA_* and SIGHTLINE_TLS_* in the environment let it in.
"""

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any

import grpc
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from sightline.events import EVENT_TYPE, encode_headers, format_time_us
from sightline.io import tls
from sightline.io.brokers import Brokers
from sightline.proto import alerts_pb2, alerts_pb2_grpc

CLIENT = {
    "socket.connection.setup.timeout.ms": 2_000,
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 500,
    "topic.metadata.refresh.interval.ms": 5_000,
}
# Alerting comes back within seconds: gRPC's own pause between attempts, which grows to minutes, would be measured.
RECONNECT = [(f"grpc.{name}_reconnect_backoff_ms", ms) for name, ms in (("initial", 100), ("min", 500), ("max", 500))]
_REPLAY = 10_000
_READ_TIMEOUT_S = 60


def client(options: argparse.Namespace) -> dict[str, Any]:
    return Brokers.from_environment(options.bootstrap_servers).client_config() | CLIENT


def send(options: argparse.Namespace) -> None:
    """Events as the plan has them, round and round, until the file `stop` is there and all are acknowledged.

    A line of the plan is a camera, its location, and where its photograph begins in the file and how long it is.
    """
    config = client(options) | {"acks": "all", "enable.idempotence": True}
    config |= {"linger.ms": 0, "partitioner": "murmur2_random", "message.timeout.ms": 0, "message.max.bytes": 32 << 20}
    producer = Producer(config)
    producer.list_topics("events", timeout=60)  # connects before the first event is due
    plan = [json.loads(line) for line in options.plan.read_text().splitlines()]
    photos = options.photos.read_bytes()
    begin_us = time.time_ns() // 1000 + 200_000
    with options.sent.open("w") as sent:
        for number in itertools.count():
            camera, location, start, length = plan[number % len(plan)]
            due_us = begin_us + int(number * 1e6 / options.rate)
            while (left_s := due_us / 1e6 - time.time()) > 0:
                producer.poll(0)
                time.sleep(min(0.02, left_s))
            if options.stop.exists():
                break
            attributes = {"id": f"{camera}-{number}", "source": options.source, "camera": camera}
            attributes |= {"locationid": location, "type": EVENT_TYPE, "time": format_time_us(due_us)}
            headers = encode_headers(attributes, "image/jpeg")
            producer.produce("events", key=camera, value=photos[start : start + length], headers=headers)
            producer.poll(0)
            sent.write(f"{number}\n")
            sent.flush()
    if left := producer.flush(180):
        raise SystemExit(f"{left} events were not acknowledged")


def watch(options: argparse.Namespace) -> None:
    """Every alert once, with when it came, whatever happens to the connection. Until it is killed."""
    known: set[str] = set()
    with options.seen.open("a") as seen:
        while True:
            # A new channel: a pod that is replaced has another address.
            with tls.channel(tls.ClientTls.from_environment(), options.address, RECONNECT) as channel:
                stub = alerts_pb2_grpc.AlertsStub(channel)
                try:
                    for alert in stub.Subscribe(alerts_pb2.SubscribeRequest(replay=_REPLAY), wait_for_ready=True):
                        received_us = time.time_ns() // 1000
                        if alert.id not in known:
                            known.add(alert.id)
                            seen.write(json.dumps(_seen(alert, received_us)) + "\n")
                            seen.flush()
                except grpc.RpcError:
                    time.sleep(0.1)


def _seen(alert: Any, received_us: int) -> dict[str, Any]:
    stages = {**alert.stage_us, "deliver": received_us - alert.alert_time.ToMicroseconds()}
    event = {"event_id": alert.event_id, "source": alert.event_source, "event_us": alert.event_time.ToMicroseconds()}
    return event | {"received_us": received_us, "stage_us": stages}


def records(options: argparse.Namespace) -> None:
    """Prints the records of the alerts topic, from its beginning to its end, that tell of events of `source`."""
    config = client(options) | {"group.id": "none", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer(config)
    deadline = time.monotonic() + _READ_TIMEOUT_S
    left = set(consumer.list_topics("alerts", timeout=_READ_TIMEOUT_S).topics["alerts"].partitions)
    consumer.assign([TopicPartition("alerts", number, 0) for number in left])
    while left:
        if time.monotonic() > deadline:
            raise SystemExit(f"partitions {left} of alerts were not read to their end within {_READ_TIMEOUT_S} s")
        record = consumer.poll(1)
        if record is None:
            continue
        if error := record.error():
            if error.code() == KafkaError._PARTITION_EOF:
                left.discard(record.partition())
            continue
        headers = {name: raw.decode() for name, raw in record.headers() or ()}
        if headers["ce_eventsource"] == options.source:
            print(json.dumps({"headers": headers, "alert": json.loads(record.value())}))
    consumer.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for command in (send, watch, records):
        commands.add_parser(command.__name__).set_defaults(command=command)
    for name, kind in {"plan": Path, "photos": Path, "sent": Path, "stop": Path, "seen": Path, "rate": float}.items():
        for each in commands.choices.values():
            each.add_argument(f"--{name}", type=kind)
    for each in commands.choices.values():
        for name in ("bootstrap-servers", "address", "source"):
            each.add_argument(f"--{name}")
    options = parser.parse_args()
    options.command(options)


if __name__ == "__main__":
    main()
