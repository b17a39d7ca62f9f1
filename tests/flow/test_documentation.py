"""The commands of the READMEs, run as they stand there."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sightline.io.kafka import admin, create_topics, topics
from tests.flow.test_demo import wait_for_line
from tools.kafka import Broker
from tools.processes import free_port
from tools.services import Service

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parents[2]

ELSEWHERE = {
    "make test": "what runs this",
    "make demo": "test_demo.py, and below with SECONDS=0",
}


CLUSTER_COMMANDS = ("sightline topics", "sightline models fetch", "sightline send")
"""Beginnings of what test_cli_documentation.py runs."""


def commands(readme: str) -> list[str]:
    """What its shell blocks say: all lines of a `sh` block, and those after a `$` of a `console` block."""
    found = []
    for kind, block in re.findall(r"^```(sh|console)\n(.*?)^```", (ROOT / readme).read_text(), re.M | re.S):
        lines = block.replace("\\\n", " ").splitlines()
        found += [line.removeprefix("$ ") for line in lines if line and (kind == "sh" or line.startswith("$ "))]
    return [re.sub(r"\s+# .*| +$", "", line) for line in found]


def test_no_command_is_forgotten():
    readmes = [str(path.relative_to(ROOT)) for path in ROOT.glob("*/**/README.md") if "build" not in path.parts]
    with_commands = {each for each in readmes if not each.startswith(".") and commands(each)}
    assert with_commands == {"examples/README.md", "sightline/cli/README.md", "sightline/models/README.md"} | {
        f"services/{each}/README.md" for each in ("stream_joiner", "featurizer", "alerting")
    } | {
        "helm/sightline/README.md",  # tests/e2e/documents
        "tests/e2e/README.md",  # .ci/run calls `make e2e`; kind needs a Docker engine
    }
    assert set(commands("README.md")) == set(ELSEWHERE)


def test_the_models_commands(tmp_path: Path):
    """On what `make models` left; measured on few photographs."""
    for command in commands("sightline/models/README.md"):
        program, *words = command.replace("measure", f"measure --sizes 128 --frames 8 --into {tmp_path}").split()
        argv = [str(Path(sys.executable).parent / program), *words]
        subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_queries_run_once_as_their_readme_says():
    """One shell for all of them: a command uses what one before it has set."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = "\n".join(each for each in commands("sightline/cli/README.md") if not each.startswith(CLUSTER_COMMANDS))
    subprocess.run(
        ["bash", "-euc", script],
        cwd=ROOT,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=120,
    )


def test_the_services_start_as_their_readmes_say(tmp_path: Path):
    """The test's own Kafka and ports take the place of the usual ones."""
    with Broker(tmp_path / "kafka") as broker, ExitStack() as running:
        create_topics(admin(broker.bootstrap_servers), topics())
        featurizer_port = free_port()
        places = {"localhost:9092": broker.bootstrap_servers, "localhost:8500": f"127.0.0.1:{featurizer_port}"}
        services = []
        for name, grpc_port in (("featurizer", featurizer_port), ("stream_joiner", None), ("alerting", free_port())):
            for command in commands(f"services/{name}/README.md"):
                _, _, module, *flags = (places.get(word, word) for word in command.split())
                assert module == f"services.{name}"
                flags += [f"--grpc-port={grpc_port}"] if grpc_port else []
                service = Service(name, tmp_path / f"{name}.log", *flags)
                running.callback(service.kill)
                if "--help" in flags:
                    assert service.wait() == 0
                else:
                    services.append(service)
        for service in services:
            service.wait_ready()
        assert [service.name for service in services] == ["featurizer", "stream_joiner", "alerting"]


@pytest.fixture(scope="module")
def endless_demo() -> Iterator[subprocess.Popen[str]]:
    """The first command of the examples: a demo that runs until Ctrl-C, with Kafka's address in build/demo/env."""
    assert commands("examples/README.md")[0] == "make demo SECONDS=0"
    with subprocess.Popen(
        ["make", "demo", "SECONDS=0"],
        cwd=ROOT, env=os.environ | {"HEADLESS": "1", "RATE": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            wait_for_line(process, "wall")
            yield process
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=120)


@pytest.mark.parametrize("program", ["examples/send_photo.py", "kcat -P"])
def test_a_photograph_sent_as_the_examples_say_alerts(endless_demo: subprocess.Popen[str], program: str):
    tool = program.split()[0]
    if tool == "kcat" and not shutil.which(tool):
        pytest.skip("kcat is not installed on this machine")
    *_, env, photos = (each for each in commands("examples/README.md")[:3])
    (send,) = (each for each in commands("examples/README.md") if program in each)
    subprocess.run(["bash", "-euc", "\n".join((env, photos, send))], cwd=ROOT, check=True, timeout=60)
    line = wait_for_line(endless_demo, "my-camera")[-1]
    assert re.search(r"(Egyptian|tiger) cat|tabby", line)
    assert "Piz Gloria" in line


def test_dead_letters_are_shown_by_kcat(endless_demo: subprocess.Popen[str]):
    if not shutil.which("kcat"):
        pytest.skip("kcat is not installed on this machine")
    env, (show,) = commands("examples/README.md")[1], [e for e in commands("examples/README.md") if "kcat -C" in e]
    subprocess.run(["bash", "-euc", f"{env}\n{show}"], cwd=ROOT, check=True, timeout=60)
