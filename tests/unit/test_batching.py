"""The batcher's decisions, as tables: what was offered, what the clock says, what runs."""

import pytest

from sightline.batching import Admission, Batcher


def offered(*works: tuple[str, int, int, float | None], batch: int = 4, queue: int = 100) -> Batcher[str]:
    """A batcher that waits with `works`: name, rows, priority, deadline."""
    batcher: Batcher[str] = Batcher(batch_rows_max=batch, queue_rows_max=queue)
    for work, rows, priority, expires_s in works:
        assert batcher.offer(work, rows, priority=priority, expires_s=expires_s) is Admission.ACCEPTED
    return batcher


@pytest.mark.parametrize(
    ("works", "batches"),
    [
        pytest.param([], [], id="nothing waits"),
        pytest.param([("a", 1, 0, None)], [["a0-1"]], id="alone, at once"),
        pytest.param(
            [("a", 1, 0, None), ("b", 2, 0, None), ("c", 1, 0, None)], [["a0-1", "b0-2", "c0-1"]], id="all that waits"
        ),
        pytest.param(
            [(name, 1, 0, None) for name in "abcdef"],
            [["a0-1", "b0-1", "c0-1", "d0-1"], ["e0-1", "f0-1"]],
            id="bounded",
        ),
        pytest.param(
            [("a", 1, 0, None), ("b", 1, -1, None), ("c", 1, 7, None), ("d", 1, 7, None)],
            [["c0-1", "d0-1", "a0-1", "b0-1"]],
            id="largest priority first, then first come",
        ),
        pytest.param([("a", 9, 0, None)], [["a0-4"], ["a4-8"], ["a8-9"]], id="larger than a batch: split"),
        pytest.param(
            [("a", 3, 0, None), ("b", 3, 0, None), ("c", 1, 0, None)],
            [["a0-3", "b0-1"], ["b1-3", "c0-1"]],
            id="what does not fit any more goes on in the next",
        ),
    ],
)
def test_batches(works, batches):
    batcher = offered(*works)
    ran = []
    while batcher.rows:
        taken = batcher.take(now_s=0)
        assert not taken.expired
        assert taken.rows == sum(part.stop - part.start for part in taken.parts) <= 4
        ran.append([f"{part.work}{part.start}-{part.stop}" for part in taken.parts])
    assert ran == batches
    assert batcher.take(now_s=0) == ([], [])


@pytest.mark.parametrize(
    ("now_s", "runs", "expired"),
    [(0.9, ["a", "b", "c"], []), (1.0, ["b", "c"], ["a"]), (5.0, ["c"], ["a", "b"])],
)
def test_deadlines(now_s, runs, expired):
    batcher = offered(("a", 1, 0, 1.0), ("b", 2, 0, 2.0), ("c", 1, 0, None))
    taken = batcher.take(now_s)
    assert [part.work for part in taken.parts] == runs
    assert taken.expired == expired
    assert batcher.rows == 0


def test_expired_work_takes_no_room():
    batcher = offered(("late", 4, 9, 1.0), ("a", 4, 0, None))
    taken = batcher.take(now_s=2)
    assert taken == ([("a", 0, 4)], ["late"])


def test_the_rest_of_split_work_expires():
    batcher = offered(("a", 6, 0, 1.0))
    assert batcher.take(now_s=0) == ([("a", 0, 4)], [])
    assert batcher.rows == 2
    assert batcher.take(now_s=1) == ([], ["a"])
    assert batcher.rows == 0


def test_later_work_of_higher_priority_overtakes_the_rest_of_split_work():
    batcher = offered(("bulk", 6, 0, None))
    batcher.take(now_s=0)
    batcher.offer("urgent", 1, priority=1)
    assert batcher.take(now_s=0).parts == [("urgent", 0, 1), ("bulk", 4, 6)]


@pytest.mark.parametrize(
    ("waiting", "rows", "admission"),
    [
        (0, 5, Admission.ACCEPTED),
        (4, 1, Admission.ACCEPTED),
        (5, 1, Admission.QUEUE_FULL),
        (3, 3, Admission.QUEUE_FULL),
        (0, 6, Admission.TOO_MANY_ROWS),
    ],
)
def test_the_queue_is_bounded(waiting, rows, admission):
    batcher = offered(*[("w", 1, 0, None)] * waiting, queue=5)
    assert batcher.offer("new", rows) is admission
    assert batcher.rows == waiting + (rows if admission is Admission.ACCEPTED else 0)


def test_a_batch_taken_makes_room():
    batcher = offered(("a", 5, 0, None), queue=5)
    assert batcher.offer("b", 4) is Admission.QUEUE_FULL
    batcher.take(now_s=0)
    assert batcher.offer("b", 4) is Admission.ACCEPTED


def test_groups_never_share_a_batch_and_take_turns():
    batcher: Batcher[str] = Batcher(batch_rows_max=4, queue_rows_max=100)
    for work, rows, priority in [("a1", 3, 0), ("b1", 1, 0), ("a2", 3, 0), ("b2", 1, 9), ("a3", 1, 0)]:
        batcher.offer(work, rows, priority=priority, group=work[0])
    ran = []
    while batcher.rows:
        ran.append([f"{part.work}:{part.start}-{part.stop}" for part in batcher.take(now_s=0).parts])
    assert ran == [["b2:0-1", "b1:0-1"], ["a1:0-3", "a2:0-1"], ["a2:1-3", "a3:0-1"]]


def test_a_group_that_has_expired_leaves_its_turn_to_the_next():
    batcher: Batcher[str] = Batcher(batch_rows_max=4, queue_rows_max=100)
    batcher.offer("a1", 2, expires_s=1, group="a")
    batcher.offer("b1", 1, group="b")
    batcher.offer("a2", 1, group="a")
    assert batcher.take(now_s=2) == ([("b1", 0, 1)], ["a1"])
    assert batcher.drop(lambda work: work == "a2") == 1
    assert batcher.take(now_s=2) == ([], [])


def test_dropped_work_never_runs_and_the_order_of_the_rest_stays():
    batcher = offered(("a", 6, 0, None), ("b", 1, 0, None), ("c", 1, 5, None), ("d", 1, 0, None))
    batcher.take(now_s=0)  # c, and half of a
    assert batcher.drop(lambda work: work == "a") == 3
    assert batcher.rows == 2
    assert [part.work for part in batcher.take(now_s=0).parts] == ["b", "d"]
    assert batcher.drop(lambda work: True) == 0
