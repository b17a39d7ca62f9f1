"""The product on a broker of its own works off a backlog; what each process spent is read from the kernel."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from benchmarks.sizing.spent import cpu_s, rss_bytes
from demo import places
from demo.stage import Stage
from sightline.events import EVENT_TYPE, encode_headers, format_time_us
from sightline.io.kafka import producer_config
from tools.processes import free_port
from tools.services import Service

DISTINCT = 100
WARM_UP = 300
THREADS = 1
WATCHED = [
    each for each in places.CAMERAS if any(p.watched and p.location_id == each.location_id for p in places.PLACES)
]


def measure(directory: Path, models: Path, photos: list[bytes], events: int) -> dict[str, Any]:
    with Stage(directory) as stage:
        bootstrap = stage.broker()
        places.load(bootstrap)
        port = free_port()
        services = {
            "featurizer": stage.service(
                "featurizer", model_root=models, grpc_port=port, threads=THREADS, decode_threads=THREADS
            ),
            "stream_joiner": stage.service(
                "stream_joiner",
                pipeline="pipelines/find-bond.yaml",
                bootstrap_servers=bootstrap,
                featurizer_address=f"127.0.0.1:{port}",
            ),
            "alerting": stage.service(
                "alerting", rules="rules", pipelines="pipelines/find-bond.yaml", bootstrap_servers=bootstrap
            ),
        }
        pids = {name: each.wait_ready().pid for name, each in services.items()} | {"kafka": stage.broker_pid}
        _send(bootstrap, photos, WARM_UP, "warm-up")
        _finished(stage, services, WARM_UP)
        before, begin = _cpu_s(pids), time.monotonic()
        alerts_before = _alerts(services)
        _send(bootstrap, photos, events, "sizing")
        _finished(stage, services, WARM_UP + events)
        wall_s = time.monotonic() - begin
        spent = {name: each - before[name] for name, each in _cpu_s(pids).items()}
        alerts = _alerts(services) - alerts_before
        return _figures(spent, pids, services, photos, events, alerts, wall_s)


def _figures(
    spent: Mapping[str, float],
    pids: Mapping[str, int],
    services: Mapping[str, Service],
    photos: list[bytes],
    events: int,
    alerts: float,
    wall_s: float,
) -> dict[str, Any]:
    featurizer = services["featurizer"]
    batches = featurizer.metric("sightline_batch_rows_count")
    per_event = {name: round(each * 1e3 / events, 3) for name, each in spent.items() if name != "alerting"}
    return {
        "image_bytes": round(sum(map(len, photos)) / len(photos)),
        "cpu_ms_per_event": per_event,
        "alerting_cpu_ms_per_alert": round(spent["alerting"] * 1e3 / max(1.0, alerts), 3),
        "alerts": round(alerts),
        "events_per_s": round(events / wall_s, 1),
        "batch_rows_mean": round(featurizer.metric("sightline_batch_rows_sum") / max(1.0, batches), 1),
        "rss_mb": {name: round(rss_bytes(pid) / 1e6) for name, pid in pids.items()},
    }


def _send(bootstrap: str, photos: list[bytes], count: int, source: str) -> None:
    """As fast as the broker takes them."""
    producer = Producer(producer_config(bootstrap) | {"linger.ms": 5, "queue.buffering.max.kbytes": 1 << 20})
    for number in range(count):
        camera = WATCHED[number % len(WATCHED)]
        attributes: dict[str, str | None] = {
            "id": f"{source}-{number}",
            "source": f"/bench/{source}",
            "type": EVENT_TYPE,
        }
        attributes |= {
            "camera": camera.name,
            "locationid": camera.location_id,
            "time": format_time_us(time.time_ns() // 1000),
        }
        value = photos[number % len(photos)]
        producer.produce("events", key=camera.name, value=value, headers=encode_headers(attributes, "image/jpeg"))
        producer.poll(0)
    if left := producer.flush(120):
        sys.exit(f"the broker did not take {left} events")


def _finished(stage: Stage, services: Mapping[str, Service], events: int) -> None:
    """Every event has its outcome, and every match was decided on."""
    joiner = services["stream_joiner"]
    while True:
        stage.check()
        if joiner.metric("sightline_events_total") >= events:
            matches = joiner.metric("sightline_events_total", outcome="matched")
            if services["alerting"].metric("sightline_alerts_total") >= matches:
                return
        time.sleep(0.1)


def _alerts(services: Mapping[str, Service]) -> float:
    return services["alerting"].metric("sightline_alerts_total")


def _cpu_s(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_s(pid) for name, pid in pids.items()}
