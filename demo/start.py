"""Start-up: what can go side by side does, and each step shows how far it is."""

import sys
import time
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from demo import places, spool
from demo.options import Options
from demo.screen import Screen
from demo.spool import Spool
from demo.stage import Stage
from demo.watch import Watch
from sightline.io import kafka
from tools.processes import Process, ProcessError, free_port
from tools.services import Service

WARM_UP_EVENTS = 120
_AHEAD_S = 20


class System(NamedTuple):
    """What runs, and how to reach it."""

    bootstrap_servers: str
    featurizer: Service
    joiner: Service
    alerting: Service
    featurizer_address: str
    alerts_address: str
    watch: Watch
    spool: Spool
    spool_folder: Path


def start(stage: Stage, options: Options, screen: Screen) -> System:
    wanted = WARM_UP_EVENTS + (options.events or round(_AHEAD_S * options.rate))
    photographs, photographer = _take_photographs(stage, options, wanted)
    featurizer, address, joiner_address = _featurizer(stage, options)
    with screen.step("Kafka"):
        bootstrap = stage.broker()
    with screen.step("table of locations") as progress:
        progress(f"{places.load(bootstrap)} places")
    joiner = stage.service(
        "stream_joiner", pipeline=options.pipeline, bootstrap_servers=bootstrap, featurizer_address=joiner_address
    )
    alerts_port = free_port()
    alerting = stage.service(
        "alerting",
        rules=options.rules,
        pipelines=options.pipeline,
        bootstrap_servers=bootstrap,
        grpc_port=alerts_port,
    )
    with screen.step("the broker's JIT") as progress:
        progress(f"{_warm_broker(bootstrap, options.broker_warm_up_s)} records")
    with screen.step("featurizer, stream joiner, alerting") as progress:
        for service in (featurizer, joiner, alerting):
            service.wait_ready(progress)
        progress("ready")
    with screen.step("photographs, each one taken anew") as progress:
        _wait_for(photographer, photographs, wanted, progress)
    alerts_address = f"127.0.0.1:{alerts_port}"
    watch = Watch(alerts_address)
    watch.start()
    folder = spool.folder_of(options.directory / "photos", options.seed)
    return System(bootstrap, featurizer, joiner, alerting, address, alerts_address, watch, photographs, folder)


def _take_photographs(stage: Stage, options: Options, wanted: int) -> tuple[Spool, Process]:
    parent = options.directory / "photos"
    flags = ["--folder", parent, "--seed", options.seed, "--count", wanted]
    if options.endless:
        flags += ["--per-second", options.rate]
    process = stage.process("spool", sys.executable, "-m", "demo.spool", *flags)
    return Spool(spool.folder_of(parent, options.seed)), process


def _featurizer(stage: Stage, options: Options) -> tuple[Service, str, str]:
    """The service, its TCP address, and the address the joiner shall use."""
    port = free_port()
    arguments: dict[str, object] = {"model_root": options.model_root, "grpc_port": port}
    address = joiner_address = f"127.0.0.1:{port}"
    if options.transport == "unix":
        socket = stage.directory.resolve() / "featurizer.sock"
        arguments["unix_socket"], joiner_address = socket, f"unix:{socket}"
    return stage.service("featurizer", **arguments), address, joiner_address


def _wait_for(photographer: Process, photographs: Spool, wanted: int, progress: object) -> None:
    assert callable(progress)
    while (have := len(photographs)) < wanted:
        progress(f"{have} of {wanted}")
        if photographer.exit_code:
            raise ProcessError(f"taking photographs failed\n{photographer.log_tail()}")
        time.sleep(0.1)
    progress(f"{wanted}, {photographs.bytes / 1e6:.0f} MB")


def _warm_broker(bootstrap: str, seconds: float) -> int:
    """One record at a time there and back: Java's first requests are 2 to 5 times slower than those after 20,000."""
    topic = "demo-warm-up"
    kafka.create_topics(kafka.admin(bootstrap), [kafka.Topic(topic)])
    producer = Producer(kafka.producer_config(bootstrap))
    consumer = Consumer(kafka.reader_config(bootstrap))
    consumer.assign([TopicPartition(topic, 0, 0)])
    deadline, done = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        producer.produce(topic, value=bytes(512))
        producer.flush(1)
        done += consumer.poll(1) is not None
    consumer.close()
    return done
