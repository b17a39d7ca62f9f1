"""What the chart asks of Prometheus, asked of a real one that scrapes the running product.

No cluster is needed: Kafka and the three services are processes, scraped with the labels that pods would have.
"""

import math
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.monitoring import chart
from tests.e2e.monitoring.prometheus import Prometheus
from tests.flow.system import System
from tests.integration.harness import eventually

NEEDED = ("helm", "prometheus", "promtool")
MISSING = [each for each in NEEDED if not shutil.which(each)]
if not chart.CHART.is_dir():
    MISSING.append(str(chart.CHART))

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not found: {', '.join(MISSING)}"),
    pytest.mark.timeout(400),
]

ELSEWHERE = ("kube_", "container_", "node_", "kafka_")
"""Metrics of other exporters: their queries must only be understood."""

SLOW = "SightlineAlertsLate"
"""May fire or not: how fast this machine is just now is no concern of the test."""

PHOTOS = 40


@pytest.fixture(scope="module")
def objects() -> list[dict[str, object]]:
    return chart.rendered()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[System]:
    """The preferred pool has no pod: images go to the second one."""
    with System(tmp_path_factory.mktemp("system"), root, preferred="gpu.invalid:8500") as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, system: System, objects: list[dict[str, object]]
) -> Iterator[Prometheus]:
    """It saw a stream of photographs begin and be worked off, with an image among them that is none."""
    pods = {
        "stream_joiner": {"job": "stream-joiner"},
        "featurizer": {"job": "featurizer", "sightline_dev_pool": "cpu"},
        "alerting": {"job": "alerting"},
    }
    targets = {
        f"127.0.0.1:{system.services[name].http_port}": {
            **labels,
            "namespace": chart.NAMESPACE,
            "pod": f"{chart.RELEASE}-{labels['job']}-0",
        }
        for name, labels in pods.items()
    }
    running = Prometheus(tmp_path_factory.mktemp("prometheus"), targets, chart.rules(objects))
    try:
        running.wait_until(running.ready, 30)
        eventually(lambda: len(running.query("up == 1")) == len(targets), what="every target is scraped")
        for number in range(PHOTOS):
            system.send_photo()
            if number == 0:
                system.send_image(b"no image", "no-image")
        matched = 'sum(sightline_events_total{outcome!="dead_letter"})'
        eventually(lambda: running.query(matched) and running.query(matched)[0][1] >= PHOTOS, what="all photographs")
        eventually(lambda: running.query("sum(rate(sightline_queue_seconds_count[1m]))")[0][1] > 0, what="a rate")
        yield running
    finally:
        running.kill()


def test_rules_are_valid(objects: list[dict[str, object]], tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": chart.rules(objects)}))
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_query_finds_something(prometheus: Prometheus, objects: list[dict[str, object]]) -> None:
    """A misspelt metric or label would find nothing. Of an alert, what its condition compares."""
    alerts = [
        chart.Query(rule["alert"], chart.measured(rule["expr"]))
        for group in chart.rules(objects)
        for rule in group["rules"]
    ]
    queries = [*chart.dashboards(objects), *chart.scalers(objects), *alerts]
    assert len(queries) >= 10
    empty = {}
    for where, expression in queries:
        found = prometheus.query(expression)
        if not found and "gpu" not in where and not any(prefix in expression for prefix in ELSEWHERE):
            empty[where] = expression
    assert not empty


def test_scalers_get_one_number_that_makes_sense(prometheus: Prometheus, objects: list[dict[str, object]]) -> None:
    """KEDA refuses a query with several series; one for a pool that has no pod finds none, and says so."""
    for where, expression in chart.scalers(objects):
        found = prometheus.query(expression)
        assert len(found) <= 1, where
        for _, value in found:
            assert math.isfinite(value) and value >= 0, where
        if "gpu" not in where:
            assert len(found) == 1, where


def test_a_dead_letter_and_the_second_pool_are_told_and_nothing_else(prometheus: Prometheus) -> None:
    """One bad image among good ones, and otherwise the product as it should be."""
    (alert,) = eventually(lambda: prometheus.firing().get("SightlineDeadLetters"), what="the alert on the dead letter")
    assert (alert["pipeline"], alert["reason"]) == ("find-bond", "not_an_image")
    (alert,) = prometheus.firing()["SightlineFallback"]
    assert (alert["pipeline"], alert["pool"]) == ("find-bond", "127.0.0.1")
    assert prometheus.firing().keys() - {SLOW} == {"SightlineDeadLetters", "SightlineFallback"}


def test_without_a_featurizer_the_lag_grows_and_both_are_told(
    prometheus: Prometheus, system: System, objects: list[dict[str, object]]
) -> None:
    """What makes the joiner's scaler act; afterwards all is as before."""
    (lag,) = [each for each in chart.scalers(objects) if "joiner" in each.where]
    assert prometheus.query(lag.expression)[0][1] == 0
    system.services["featurizer"].kill()
    for _ in range(PHOTOS):
        system.send_photo()
    eventually(lambda: prometheus.query(lag.expression)[0][1] > PHOTOS / 4, what="the lag")
    eventually(lambda: "SightlineNoFeaturizer" in prometheus.firing(), what="the alert on the missing featurizer")
    system.start("featurizer").wait_ready()
    eventually(lambda: prometheus.query(lag.expression)[0][1] == 0, what="no lag")
