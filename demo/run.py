"""The demo from curtain to curtain: start, warm up, stream, settle, compare, say."""

import fcntl
import queue
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from demo import measure, replay, report
from demo.measure import Counts
from demo.options import Options
from demo.replay import Sent
from demo.screen import Screen
from demo.stage import Stage
from demo.start import WARM_UP_EVENTS, System, start
from demo.watch import Seen
from tools.processes import Process, ProcessError

SOURCE, WARM_UP_SOURCE = "/demo/cameras", "/demo/warm-up"
_WARM_UP_RATE = 40.0
_SETTLE_S = 60.0


def play(options: Options, screen: Screen) -> int:
    """Returns the exit code. Raises ProcessError if something does not start or ends by itself."""
    scratch = options.directory / "run"
    with (options.directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProcessError(f"another demo is running in {options.directory}") from None
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            with Stage(scratch) as stage:
                return _play(stage, options, screen)
        finally:
            (options.directory / "env").unlink(missing_ok=True)


def _play(stage: Stage, options: Options, screen: Screen) -> int:
    system = start(stage, options, screen)
    with closing(system.spool):
        return _perform(stage, system, options, screen)


def _perform(stage: Stage, system: System, options: Options, screen: Screen) -> int:
    with screen.step("warm-up, not counted") as progress:
        _warm_up(stage, system, options, progress)
    before = measure.read(system.joiner, system.featurizer)
    _introduce(system, options, screen)
    sent, seen = _stream(stage, system, options, screen)
    with screen.step("last events") as progress:
        seen += _settle(stage, system, before.finished + len(sent), progress)
    counted = measure.read(system.joiner, system.featurizer).since(before)
    ours = [alert for alert in seen if alert.event_source == SOURCE]
    return report.write(system, options, screen, sent, ours, counted)


def _replay(stage: Stage, system: System, options: Options, name: str, **flags: object) -> tuple[Process, Path]:
    """Start the sender; its log of what was sent appears in the file returned."""
    sent = stage.directory / f"{name}.jsonl"
    flags |= {"bootstrap-servers": system.bootstrap_servers, "spool": system.spool_folder, "sent": sent}
    argv = [f"--{flag}={value}" for flag, value in flags.items()]
    return stage.process(name, sys.executable, "-m", "demo.replay", *argv, f"--seed={options.seed}"), sent


def _warm_up(stage: Stage, system: System, options: Options, progress: Callable[[str], None]) -> None:
    """Real events through the whole chain, so that nothing of the measured ones is a first time."""
    before = measure.read(system.joiner, system.featurizer).finished
    sender, sent = _replay(
        stage, system, options, "warm-up", source=WARM_UP_SOURCE, rate=_WARM_UP_RATE, count=WARM_UP_EVENTS
    )
    _until_ended(stage, sender, lambda: time.sleep(0.05))
    _settle(stage, system, before + len(replay.read_sent(sent)), progress)
    progress(f"{WARM_UP_EVENTS} events")


def _introduce(system: System, options: Options, screen: Screen) -> None:
    wall = f"{system.alerting.url}/"
    lines = {"BOOTSTRAP_SERVERS": system.bootstrap_servers, "WALL": wall}
    (options.directory / "env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    length = "until Ctrl-C" if options.endless else f"for {options.seconds:g} s, Ctrl-C stops"
    screen.say(f"\n  {options.rate:g} events/s {length}")
    screen.say(f"  Kafka  {system.bootstrap_servers}\n  wall   [bold]{wall}[/]\n")
    if not options.headless:
        screen.show_page(wall)


def _stream(stage: Stage, system: System, options: Options, screen: Screen) -> tuple[list[Sent], list[Seen]]:
    """Alerts as they come, until the sender has sent all or, in a run without end, until Ctrl-C."""
    sender, sent = _replay(
        stage, system, options, "replay",
        source=SOURCE, rate=options.rate, first=WARM_UP_EVENTS, count=options.events,
    )  # fmt: skip
    seen: list[Seen] = []

    def show() -> None:
        for alert in _arrived(system):
            seen.append(alert)
            if alert.event_source != WARM_UP_SOURCE:
                screen.alert(alert)

    try:
        _until_ended(stage, sender, show)
        if options.endless:
            screen.say("no more photographs are sent; everything stays up until Ctrl-C")
            while True:
                stage.check()
                show()
    except KeyboardInterrupt:
        if not options.endless:
            raise
        screen.say("\nthe stream ends here; once more Ctrl-C leaves without the summary")
        sender.stop()
    return replay.read_sent(sent), seen


def _until_ended(stage: Stage, sender: Process, meanwhile: Callable[[], None]) -> None:
    while sender.exit_code is None:
        stage.check()
        meanwhile()
    if sender.exit_code:
        raise ProcessError(f"{sender.name} ended with exit code {sender.exit_code}\n{sender.log_tail()}")


def _arrived(system: System, wait_s: float = 0.2) -> list[Seen]:
    """The alerts since the last call; waits for one, and then takes what there is."""
    alerts: list[Seen] = []
    try:
        alerts.append(system.watch.alerts.get(timeout=wait_s))
        while True:
            alerts.append(system.watch.alerts.get_nowait())
    except queue.Empty:
        return alerts


def _settle(stage: Stage, system: System, finished: int, progress: Callable[[str], None]) -> list[Seen]:
    """Wait, not for ever, until the joiner has finished that many events and a second passes without an alert."""
    seen: list[Seen] = []
    deadline, quiet_since = time.monotonic() + _SETTLE_S, time.monotonic()
    while time.monotonic() < deadline:
        stage.check()
        if came := _arrived(system):
            seen += came
            quiet_since = time.monotonic()
        counts: Counts = measure.read(system.joiner, system.featurizer)
        progress(f"{counts.finished} of {finished} events finished")
        if counts.finished >= finished and time.monotonic() - quiet_since > 1:
            break
    return seen
