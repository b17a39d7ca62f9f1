"""Ids of windows' rows: equal for what is the same group, and for nothing else."""

import datetime
import math
from decimal import Decimal

import pytest

from sightline.ids import window_id


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
