"""What Linux says of threads, read from /proc as anybody else would."""

import sys
import threading
from pathlib import Path

import pytest
from confluent_kafka import Producer

from sightline.io import clients
from sightline.scheduling import waiting_their_turn

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has the policy")

OTHER, BATCH = "0", "3"
CONFIG = {"bootstrap.servers": "127.0.0.1:9", "log_level": 0}
"""Nobody is there: the threads are."""


def policies(threads: set[str]) -> set[str]:
    """By https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, field 41."""
    stats = [Path(f"/proc/self/task/{each}/stat").read_text() for each in threads]
    return {stat.rpartition(")")[2].split()[38] for stat in stats}


def threads() -> set[str]:
    return {each.name for each in Path("/proc/self/task").iterdir()}


def test_all_threads_of_a_producer_wait_their_turn_and_nobody_else() -> None:
    before = threads()
    producer = clients.Producer(CONFIG)
    theirs = threads() - before
    assert theirs
    assert policies(theirs) == {BATCH}
    assert policies({str(threading.get_native_id())}) == {OTHER}
    before = threads()
    other = Producer(CONFIG)
    assert policies(threads() - before) == {OTHER}
    del producer, other


def test_a_thread_waits_for_as_long_as_it_says() -> None:
    seen: list[set[str]] = []

    def run() -> None:
        me = {str(threading.get_native_id())}
        with pytest.raises(ValueError), waiting_their_turn():
            with waiting_their_turn():
                seen.append(policies(me))
            seen.append(policies(me))
            raise ValueError
        seen.append(policies(me))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [{BATCH}, {BATCH}, {OTHER}]
