"""What Linux says of threads."""

import os
import sys
import threading
from pathlib import Path

import pytest
from confluent_kafka import Producer

from sightline.io import clients
from sightline.scheduling import waiting_their_turn

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has the policy")

CONFIG = {"bootstrap.servers": "127.0.0.1:9", "log_level": 0}
"""Nobody is there: the threads are."""


def policies(thread_ids: set[int]) -> set[int]:
    return {os.sched_getscheduler(each) for each in thread_ids}


def threads() -> set[int]:
    return {int(each.name) for each in Path("/proc/self/task").iterdir()}


def test_all_threads_of_a_producer_wait_their_turn_and_nobody_else() -> None:
    before = threads()
    producer = clients.Producer(CONFIG)
    assert policies(threads() - before) == {os.SCHED_BATCH}
    assert policies({threading.get_native_id()}) == {os.SCHED_OTHER}
    before = threads()
    other = Producer(CONFIG)
    assert policies(threads() - before) == {os.SCHED_OTHER}
    del producer, other


def test_a_thread_waits_for_as_long_as_it_says() -> None:
    seen: list[int] = []

    def run() -> None:
        with pytest.raises(ValueError), waiting_their_turn():
            with waiting_their_turn():
                seen.append(os.sched_getscheduler(0))
            seen.append(os.sched_getscheduler(0))
            raise ValueError
        seen.append(os.sched_getscheduler(0))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [os.SCHED_BATCH, os.SCHED_BATCH, os.SCHED_OTHER]
