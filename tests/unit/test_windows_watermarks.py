import datetime
import math
from decimal import Decimal

import pytest

from sightline.ids import window_id
from sightline.query.windows.watermarks import IdleDetector


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_idle_after_silence_at_the_end_of_the_partition():
    clock = Clock()
    detector = IdleDetector(5.0, clock)
    detector.assign(0)
    detector.assign(1)
    clock.now += 60
    assert detector.newly_idle() == []  # nothing is known of either
    detector.observe(0, 0, caught_up=True)
    detector.observe(1, 3, caught_up=False)
    clock.now += 4.9
    detector.observe(0, 0, caught_up=True)
    assert detector.newly_idle() == []
    clock.now += 0.1
    assert detector.newly_idle() == [0]
    assert detector.newly_idle() == []
    assert [detector.is_idle(each) for each in (0, 1)] == [True, False]


def test_a_record_ends_it():
    clock = Clock()
    detector = IdleDetector(5.0, clock)
    detector.assign(0)
    detector.observe(0, 1, caught_up=True)
    clock.now += 5
    assert detector.newly_idle() == [0]
    detector.observe(0, 1, caught_up=True)
    assert not detector.is_idle(0)
    clock.now += 5
    assert detector.newly_idle() == [0]
    detector.revoke(0)
    assert not detector.is_idle(0)
    assert detector.newly_idle() == []


def test_never_idle():
    clock = Clock()
    detector = IdleDetector(None, clock)
    detector.assign(0)
    detector.observe(0, 0, caught_up=True)
    clock.now += 1e6
    assert detector.newly_idle() == []


def test_ids_differ_where_groups_differ():
    keys = [
        (),
        (None,),
        ("",),
        ("n",),
        (1,),
        ("1",),
        (True,),
        (1.0,),
        (Decimal(1),),
        (datetime.date(1, 1, 1),),
        (b"1",),
    ]
    keys += [("a", "b"), ("ab", ""), ("a", None)]
    ids = [window_id("p", 0, each) for each in keys]
    ids += [window_id("p", 1, ()), window_id("q", 0, ()), window_id("p", 0, (), "0:1")]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("one", "same"),
    [(0.0, -0.0), (Decimal("1.5"), Decimal("1.50")), (Decimal("-0"), Decimal("0.00")), (math.nan, -math.nan)],
)
def test_ids_are_equal_where_sql_groups(one, same):
    assert window_id("p", 0, (one,)) == window_id("p", 0, (same,))


def test_an_id_never_changes():
    assert window_id("p", 10, ("a", 1), "0:2") == "85a9600870d471d15227f4c4554417c1"
