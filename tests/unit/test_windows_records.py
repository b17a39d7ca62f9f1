"""What travels comes back as it was, and what is not ours is refused by ValueError alone."""

import datetime
import math
from decimal import Decimal as Number

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.query.types import BIGINT, BOOLEAN, DATE, DOUBLE, INT, STRING, Decimal
from sightline.query.windows.aggregates import AggregateCall
from sightline.query.windows.records import VERSION, Codec, Marker, RepartitionRecord, Tombstone
from sightline.query.windows.spec import NEVER_US, WindowSpec
from sightline.query.windows.windowing import Partial, windowing
from tests.unit.windows_model import unhurried

MONEY = Decimal(precision=12, scale=2)
SPEC = WindowSpec(size_us=10, slide_us=10)
CALLS = [
    AggregateCall("count"),
    AggregateCall("sum", (BIGINT,)),
    AggregateCall("sum", (DOUBLE,)),
    AggregateCall("avg", (MONEY,)),
    AggregateCall("max", (DATE,)),
    AggregateCall("count", (INT, STRING), distinct=True),
]
WINDOWS = windowing(SPEC, [STRING, MONEY, DATE, BOOLEAN, DOUBLE], CALLS)
CODEC = Codec(WINDOWS)
TIMES = st.integers(-(2**53), 2**53)

KEYS = st.tuples(
    st.none() | st.text(),
    st.none() | st.decimals(-1_000, 1_000, places=2),
    st.none() | st.dates(),
    st.none() | st.booleans(),
    st.none() | st.floats(allow_nan=False).map(lambda each: each + 0.0),
)
ACCUMULATORS = st.builds(
    lambda rows, total, double, money, day, pairs: [-1, rows, total, [double], 0, money, rows, day, pairs],
    st.integers(1, 2**40),
    st.none() | st.integers(-(2**90), 2**90),
    st.floats(allow_nan=False),
    st.none() | st.decimals(-1_000, 1_000, places=2),
    st.none() | st.dates(),
    st.sets(st.tuples(st.integers(-9, 9), st.text(max_size=3)), max_size=4),
)
PARTIALS = st.builds(Partial, TIMES, KEYS, st.integers(0, 2**62), ACCUMULATORS)


@unhurried
@given(PARTIALS)
def test_changelog(partial):
    entry = CODEC.entry(partial)
    assert CODEC.read_changelog(*entry) == partial
    assert CODEC.read_changelog(entry.key, None) == Tombstone(partial.start_us, partial.key)
    assert CODEC.tombstone(partial.start_us, partial.key).key == entry.key


def test_marker():
    marker = Marker(7, NEVER_US)
    record = CODEC.marker(marker)
    assert CODEC.read_changelog(*record) == marker
    assert CODEC.read_changelog(record.key, None) is None


@unhurried
@given(st.lists(PARTIALS, max_size=5), st.integers(1, 500), st.booleans())
def test_repartition_in_pieces(partials, bytes_max, idle):
    record = RepartitionRecord(3, 9, 1_000, idle, partials)
    read = [CODEC.read_repartition(each) for each in CODEC.repartition(record, bytes_max)]
    pieces = [each for each in read if each is not None]
    assert len(pieces) == len(read)
    assert [each for piece in pieces for each in piece.partials] == partials
    assert [(each.watermark_us, each.idle) for each in pieces[:-1]] == [(NEVER_US, False)] * (len(pieces) - 1)
    assert (pieces[-1].watermark_us, pieces[-1].idle) == (1_000, idle)
    assert {(each.source, each.included) for each in pieces} == {(3, 9)}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=8),
)


@unhurried
@given(
    st.binary(max_size=40) | VALUES.map(msgspec.msgpack.encode),
    st.binary() | VALUES.map(msgspec.msgpack.encode),
)
def test_garbage(key, value):
    valid = CODEC.entry(Partial(0, ("a", None, None, True, 1.0), 5, WINDOWS.aggregation.fresh())).key
    for attempt in (
        lambda: CODEC.read_repartition(key),
        lambda: CODEC.read_changelog(key, value),
        lambda: CODEC.read_changelog(valid, key),
    ):
        with pytest.raises(ValueError, match=r".+"):
            attempt()


@unhurried
@given(st.lists(VALUES, min_size=8, max_size=8), st.lists(VALUES, min_size=5, max_size=5))
def test_garbage_of_the_right_length(accumulator, key):
    group = [0, key, 5, accumulator]
    whole = msgspec.msgpack.encode([VERSION, 0, 1, 2, False, [group]])
    try:
        CODEC.read_repartition(whole)
    except ValueError:
        return
    # Only what is of the right types is read.
    assert all(each is None or isinstance(each, str | bool | float) for each in key)


def test_a_record_of_another_input_is_passed_over():
    (piece,) = CODEC.repartition(RepartitionRecord(3, 9, 1_000, False))
    another = Codec(WINDOWS, "another")
    assert another.read_repartition(piece) is None
    partial = Partial(0, ("a", None, None, True, 1.0), 5, WINDOWS.aggregation.fresh())
    for record in (
        CODEC.entry(partial),
        CODEC.tombstone(partial.start_us, partial.key),
        CODEC.marker(Marker(7, NEVER_US)),
    ):
        assert another.read_changelog(*record) is None


def test_another_version():
    (piece,) = CODEC.repartition(RepartitionRecord(3, 9, 1_000, False))
    changed = msgspec.msgpack.encode([VERSION + 1, *msgspec.msgpack.decode(piece)[1:]])
    with pytest.raises(ValueError, match=f"version {VERSION + 1}"):
        CODEC.read_repartition(changed)


def test_nan_stays_one_key():
    key = (None, Number("1.10"), datetime.date(1, 1, 1), False, math.nan)
    read = CODEC.read_changelog(*CODEC.entry(Partial(0, key, 0, WINDOWS.aggregation.fresh())))
    assert isinstance(read, Partial)
    assert {key: 1}[read.key] == 1
