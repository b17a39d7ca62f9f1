"""The committed offset never passes a record that is not done, and outputs leave in order, whatever finishes first."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sightline.offsets import PartitionLog, Slot

Log = PartitionLog[str]


def test_an_output_waits_for_the_records_before_it() -> None:
    log = Log("t", 0, 10)
    first, second = log.open(10), log.open(11)
    assert second.finish(["b"]) == []
    assert [slot.outputs for slot in first.finish(["a"])] == [["a"], ["b"]]
    assert log.done_until == 10
    second.acknowledge()
    assert log.done_until == 10
    first.acknowledge()
    assert log.done_until == 12


def test_what_was_looked_at_and_not_opened_is_done() -> None:
    log = Log("t", 0, 0)
    log.passed(5)
    slot = log.open(5)
    log.passed(9)
    assert (log.done_until, log.released_until) == (5, 5)
    slot.finish(["a"])
    assert (log.done_until, log.released_until) == (5, 9)
    slot.acknowledge()
    assert log.done_until == 9


def test_records_that_are_done_together() -> None:
    log = Log("t", 0, 0)
    slot = log.release(3, records=4, outputs=4)
    log.passed(9)
    assert (len(log), log.done_until, log.released_until) == (4, 3, 9)
    slot.acknowledge_all()
    assert (len(log), log.done_until) == (0, 9)


def test_a_closed_log_drops_late_answers() -> None:
    log = Log("t", 0, 0)
    slot = log.open(0)
    log.close()
    assert slot.finish(["late"]) == []
    assert len(log) == 0


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_any_order_of_finishing_and_acknowledging(outputs: list[int], random: Random) -> None:
    log = Log("t", 0, 0)
    slots = [log.open(offset) for offset in range(len(outputs))]
    acknowledged: dict[int, int] = dict.fromkeys(range(len(outputs)), 0)
    released: list[Slot[str]] = []
    waiting: list[Slot[str]] = []
    unfinished = slots.copy()
    while unfinished or waiting:
        if unfinished and (not waiting or random.random() < 0.5):
            slot = unfinished.pop(random.randrange(len(unfinished)))
            for each in slot.finish(["x"] * outputs[slot.offset]):
                released.append(each)
                waiting += [each] * len(each.outputs or ())
        else:
            slot = waiting.pop(random.randrange(len(waiting)))
            slot.acknowledge()
            acknowledged[slot.offset] += 1
        done = {s.offset for s in released if acknowledged[s.offset] == outputs[s.offset]}
        expected = next((offset for offset in range(len(outputs)) if offset not in done), len(outputs))
        assert log.done_until == expected
    assert [slot.offset for slot in released] == list(range(len(outputs)))
    assert len(log) == 0
