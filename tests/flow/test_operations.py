"""The commands of docs/operations.md that talk to Kafka, run as they stand there against the running product.

The test's own broker and service take the place of the pods: `kubectl exec` runs the command here, `kubectl scale` ends
and starts the joiner. What only a cluster can do is run by the tests on one.
"""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.records import read
from tests.flow.system import System
from tests.flow.test_documentation import commands
from tests.integration.harness import eventually, headers_of
from tools.kafka.broker import LIBS

pytestmark = pytest.mark.timeout(400)

DOCUMENT = "docs/operations.md"
GROUP = "sightline-joiner-find-bond"
CLUSTER = ("helm ", "kubectl rollout ", "kubectl create secret ", "sightline doctor")
"""Beginnings of commands that need a cluster."""

KUBECTL = r"""
kubectl() {
  shift 3  # exec sightline-kafka-0 --
  local words=() word
  for word in "$@"; do
    case $word in
      '/opt/kafka/libs/*') words+=("$LIBS/*") ;;
      localhost:9092) words+=("$BROKER") ;;
      *) words+=("$word") ;;
    esac
  done
  "${words[@]}"
}
"""


class Shell:
    """One shell's functions; each command in a shell of its own, since the test acts between them."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._functions = "\n".join(each for each in commands(DOCUMENT) if re.match(r"\w+\(\)", each))

    def run(self, command: str) -> str:
        """Its output; `kubectl scale` is done to the process."""
        if scaled := re.search(r"kubectl scale .*stream-joiner.* --replicas=(\d)", command):
            joiner = self._system.services["stream_joiner"]
            if scaled[1] == "0":
                joiner.send(signal.SIGTERM)
                joiner.wait()
            else:
                self._system.start("stream_joiner").wait_ready()
            return ""
        script = f"{KUBECTL}\nLIBS='{LIBS}' BROKER={self._system.bootstrap}\n{self._functions}\n{command}"
        done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert not re.search(r"^Error", done.stdout, re.MULTILINE), f"{command}\n{done.stdout}"
        return done.stdout


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[System]:
    """Photographs and one image that is none went through it; the joiner is a static member, as in the chart."""
    with pytest.MonkeyPatch.context() as patch, System(tmp_path_factory.mktemp("system"), root) as running:
        patch.setenv("SIGHTLINE_JOINER_INSTANCE", "sightline-stream-joiner-find-bond-0")
        for _ in range(20):
            running.send_photo()
        running.send_image(b"no image", "no-image")
        assert running.verdict().right
        yield running


def documented(*words: str) -> list[str]:
    """Commands with all of these words, in their order."""
    found = [each for each in commands(DOCUMENT) if all(word in each for word in words)]
    assert found, f"no command with {words}"
    return found


def test_every_command_is_run_by_somebody() -> None:
    ours = ("groups", "kafka", "kubectl scale", "until groups")
    for each in commands(DOCUMENT):
        assert each.startswith((*CLUSTER, *ours)), each


def test_lag_is_shown(system: System) -> None:
    shell = Shell(system)
    for command in documented("--describe --group"):
        lines = [line.split() for line in shell.run(command).splitlines() if "find-bond" in line or "alerting" in line]
        assert {line[1] for line in lines} <= {"events", "matches"} and lines, command
        assert sum(int(line[5]) for line in lines if line[5] != "-") == 0, "all was read"


def test_a_replay_sends_the_same_matches_again_and_alerts_nobody_twice(system: System) -> None:
    def joined() -> float:
        return system.services["stream_joiner"].metric("sightline_events_total")

    shell, before = Shell(system), read(system.bootstrap, "matches")
    first = commands(DOCUMENT).index(documented("scale", "--replicas=0")[0])
    for command in commands(DOCUMENT)[first : first + 5]:
        said = shell.run(command)
        if "--reset-offsets" in command:
            assert "events" in said
    eventually(lambda: joined() >= len(system.sent) + 1, what="every event is read again")
    eventually(lambda: len(read(system.bootstrap, "matches")) == 2 * len(before), what="every match is sent again")
    ids = [headers_of(each)["ce_id"] for each in read(system.bootstrap, "matches")]
    assert sorted(ids) == sorted(2 * [headers_of(each)["ce_id"] for each in before])
    assert system.verdict().right, "none missed, none doubled"


def test_dead_letters_are_shown_with_their_reason(system: System) -> None:
    (command,) = documented("ConsoleConsumer")
    assert "sl_reason:not_an_image" in Shell(system).run(command)


def test_topics_are_described(system: System) -> None:
    shell = Shell(system)
    (partitions,), (settings,) = documented("TopicCommand"), documented("ConfigCommand")
    assert "PartitionCount: 4" in re.sub(r"\s+", " ", shell.run(partitions))
    assert "max.message.bytes" in shell.run(settings)


def test_what_is_asked_of_alert_rules_is_answered(root: Path) -> None:
    """Each alert of the chart has a heading of its own here, and the other way round."""
    rules = root / "helm/sightline/templates/monitoring/prometheusrule.yaml"
    if not rules.is_file():
        pytest.skip("the chart is not here")
    wanted = set(re.findall(r"- alert: (\w+)", rules.read_text()))
    assert set(re.findall(r"^### (Sightline\w+)$", (root / DOCUMENT).read_text(), re.M)) == wanted


def test_figures_of_the_sizing_table_are_those_that_were_measured(root: Path) -> None:
    text = (root / DOCUMENT).read_text()
    measured = json.loads((root / "benchmarks/results/sizing.json").read_text())
    for size, found in measured["whole"].items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {size}"))
        figures = {float(each) for each in re.findall(r"[\d.]+", row.replace(size, ""))}
        for part in ("featurizer", "stream_joiner", "kafka"):
            assert round(found["cpu_ms_per_event"][part], 1) in figures, (size, part)


ON_A_GPU = {
    "1 on the GPU": "gpu",
    "2 that share it": "gpu_shared_by_2",
    "4 that share it": "gpu_shared_by_4",
    "1 on 16 cores, the same float32": "cpu_tensorflow",
    "1 of the CPU pool: 2 threads, int8": "cpu",
}


@pytest.mark.parametrize(("label", "pool"), ON_A_GPU.items())
def test_figures_of_the_table_of_gpus_are_those_that_were_measured(root: Path, label: str, pool: str) -> None:
    (row,) = (line for line in (root / DOCUMENT).read_text().splitlines() if line.startswith(f"| {label} |"))
    measured = json.loads((root / "benchmarks/results/gpu.json").read_text())["pools"][pool]
    small, large = measured["saturated"]["450x300"], measured["saturated"]["1280x720"]
    paced = small["at_60_percent"]["round_trip_ms"]
    assert [float(each) for each in re.findall(r"[\d.]+", row.removeprefix(f"| {label} |"))] == [
        small["images_per_s"],
        large["images_per_s"],
        round(small["cpu_ms_per_image"], 1),
        round(large["cpu_ms_per_image"], 1),
        small["share_of_time"]["inference"],
        measured["gpu_memory_mb"],
        round(paced["p50"], 1),
        round(paced["p99"], 1),
    ]


def test_a_batch_on_a_gpu_takes_what_was_measured(root: Path) -> None:
    gpu = json.loads((root / "benchmarks/results/gpu.json").read_text())["pools"]["gpu"]
    took = ", ".join(f"{gpu['batches'][rows]['inference_ms']['p50']:.1f}" for rows in ("1", "8", "32", "64"))
    assert f"a batch of 1, 8, 32, 64 done in {took} ms" in (root / DOCUMENT).read_text()
