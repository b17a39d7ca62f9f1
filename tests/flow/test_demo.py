"""`python -m demo` for real: every process, the real network, and nothing left behind however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)

_READY_S, _STOPPED_S = 120, 30


@pytest.fixture(scope="module")
def model_root(root: Path) -> Path:
    folder = root / "build" / "models"
    if not folder.is_dir():
        pytest.fail("no model in build/models: run `make models` first")
    return folder


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where the demo writes; at the end no process may have it in its command line."""
    folder = tmp_path / "demo"
    yield folder
    assert processes_of(folder) == []


def demo(root: Path, directory: Path, *flags: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "demo", "--headless", "--directory", str(directory), *flags]
    return subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def processes_of(directory: Path) -> list[str]:
    """Command lines of the processes whose log lies in the directory: all that a demo starts write there."""
    return [
        (process / "cmdline").read_text().replace("\0", " ")
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and _writes_to(process, directory)
    ]


def _writes_to(process: Path, directory: Path) -> bool:
    try:
        return (process / "fd" / "1").readlink().is_relative_to(directory)
    except OSError:
        return False


def wait_for_line(process: subprocess.Popen[str], text: str) -> list[str]:
    """Lines up to the one that contains `text`."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    pytest.fail(f"the demo ended before {text!r}:\n{''.join(lines)}")


def test_the_demo_alerts_on_all_it_should_and_nothing_else(root: Path, directory: Path, model_root: Path):
    process = demo(root, directory, "--seconds", "10")
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    summary = json.loads((directory / "summary.json").read_text())
    assert (summary["missed"], summary["doubled"], summary["false_alerts"]) == (0, 0, 0)
    assert summary["alerts"] == summary["expected_alerts"] > 0
    assert summary["events_sent"] == 200
    assert summary["alerts"] <= summary["images_scored"] <= summary["events_joined"] < summary["events_sent"]
    assert summary["dead_letters"] == 0
    assert summary["event_to_alert_ms"]["n"] == summary["alerts"]
    assert 0.7 < summary["model_recall"] <= 1
    assert 0.9 < summary["model_precision"] <= 1
    assert {"name", "size", "engine"} <= summary["model"].keys()


@pytest.mark.parametrize("moment", ["… Kafka", "… featurizer", "Ctrl-C stops", "… truth"])
def test_ctrl_c_leaves_nothing_running(root: Path, directory: Path, model_root: Path, moment: str):
    with demo(root, directory, "--seconds", "3", "--rate", "100") as process:
        before = wait_for_line(process, moment)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=_STOPPED_S)
    output = "".join(before) + output
    assert process.returncode == 130, output
    assert "Traceback" not in output


def test_kill_leaves_nothing_running(root: Path, directory: Path, model_root: Path):
    with demo(root, directory, "--seconds", "60") as process:
        wait_for_line(process, "… warm-up")
        assert len(processes_of(directory)) >= 4
        process.kill()
    deadline = time.monotonic() + 5
    while processes_of(directory) and time.monotonic() < deadline:
        time.sleep(0.05)


def test_the_stream_without_end_ends_with_a_summary(root: Path, directory: Path, model_root: Path):
    with demo(root, directory, "--seconds", "0") as process:
        before = wait_for_line(process, "until Ctrl-C")
        time.sleep(3)
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, "".join(before) + output
    assert json.loads((directory / "summary.json").read_text())["events_sent"] > 20


def test_a_second_demo_is_refused(root: Path, directory: Path):
    with demo(root, directory, "--seconds", "60") as first:
        wait_for_line(first, "… Kafka")
        with demo(root, directory, "--seconds", "60") as second:
            output, _ = second.communicate(timeout=_READY_S)
            assert second.returncode == 2
            assert "another demo is running" in output
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=_STOPPED_S)
