"""Aggregates against exact arithmetic that shares no code with them, however rows are split, merged and dumped."""

import datetime
import math
from decimal import ROUND_HALF_UP, Context
from decimal import Decimal as Number
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.query.types import BIGINT, BOOLEAN, DATE, DOUBLE, FLOAT, INT, STRING, Array, Decimal
from sightline.query.windows.aggregates import AggregateCall, Aggregation
from sightline.query.windows.functions.base import AggregateError
from tests.unit.windows_model import unhurried

MONEY = Decimal(precision=12, scale=2)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
MONIES = st.decimals(-9_999_999_999, 9_999_999_999, places=2)


def aggregate(calls, rows, parts=1, **limits):
    """`rows` dealt to `parts` accumulators by turns, each dumped, encoded and loaded, then merged."""
    aggregation = Aggregation(calls, **limits)
    width = sum(len(each.arguments) for each in calls)
    names = [f"v{index}" for index in range(width)]
    lines = ["def add(acc, " + ", ".join(names) + "):", *aggregation.update("acc", names, [True] * width)]
    namespace = dict(aggregation.namespace)
    exec("\n    ".join(lines), namespace)
    partials = [aggregation.fresh() for _ in range(parts)]
    for index, row in enumerate(rows):
        namespace["add"](partials[index % parts], *row)
    merged = aggregation.fresh()
    for each in partials:
        wire = msgspec.msgpack.encode(aggregation.dump(each))
        aggregation.merge(merged, aggregation.load(msgspec.msgpack.decode(wire)))
    assert merged[1] == len(rows)
    return aggregation.result(merged)


def one(function, kind, values, parts=1, **options):
    return aggregate([AggregateCall(function, (kind,), **options)], [(each,) for each in values], parts)[0]


@unhurried
@given(st.lists(st.none() | DOUBLES, max_size=120), st.integers(1, 5))
def test_doubles_are_summed_exactly(values, parts):
    present = [Fraction(each) for each in values if each is not None]
    total = rounded(sum(present)) if present else None
    assert one("sum", DOUBLE, values, parts) == total
    average = one("avg", DOUBLE, values, parts)
    assert average == (total / len(present) if present else None)


def rounded(exact):
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


@unhurried
@given(st.lists(st.sampled_from([math.inf, -math.inf, math.nan, 1.7e308, -1.7e308, 1e-300]), min_size=1, max_size=60))
def test_infinities_and_nan(values):
    special = {each for each in values if not math.isfinite(each)}
    result = one("sum", DOUBLE, values, parts=3)
    if any(map(math.isnan, special)) or {math.inf, -math.inf} <= special:
        assert math.isnan(result)
    elif special:
        assert special == {result}
    else:
        assert result == rounded(sum(map(Fraction, values)))


@unhurried
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)), st.integers(1, 4))
def test_integers(values, parts):
    present = [each for each in values if each is not None]
    total = sum(present)
    if not -(2**63) <= total < 2**63:
        with pytest.raises(AggregateError, match="ARITHMETIC_OVERFLOW"):
            one("sum", BIGINT, values, parts)
    else:
        assert one("sum", BIGINT, values, parts) == (total if present else None)
    assert one("avg", BIGINT, values, parts) == (float(Fraction(total, len(present))) if present else None)


@unhurried
@given(st.lists(st.none() | MONIES), st.integers(1, 4))
def test_decimals(values, parts):
    present = [each for each in values if each is not None]
    exact = Context(prec=60, rounding=ROUND_HALF_UP)
    total, average = one("sum", MONEY, values, parts), one("avg", MONEY, values, parts)
    if not present:
        assert total is None
        assert average is None
        return
    expected = sum(map(Fraction, present))
    assert Fraction(total) == expected
    quotient = exact.divide(Number(expected.numerator), Number(expected.denominator * len(present)))
    assert average == quotient.quantize(Number("0.000001"), context=exact)
    assert (total.as_tuple().exponent, average.as_tuple().exponent) == (-2, -6)


def test_types_of_results():
    calls = [AggregateCall(name, (MONEY,)) for name in ("sum", "avg", "min", "count")]
    calls += [AggregateCall(name, (INT,)) for name in ("sum", "avg", "max")]
    calls += [AggregateCall("sum", (FLOAT,)), AggregateCall("avg", (Decimal(precision=38, scale=37),))]
    assert [str(each) for each in Aggregation(calls).result_types] == [
        "decimal(22,2)",
        "decimal(16,6)",
        "decimal(12,2)",
        "bigint",
        "bigint",
        "double",
        "int",
        "double",
        "decimal(38,38)",
    ]


def test_a_decimal_sum_that_has_too_many_digits():
    most = Number("9" * 38)
    with pytest.raises(AggregateError, match=r"DECIMAL\(38,0\)"):
        one("sum", Decimal(precision=38), [most, most])


@pytest.mark.parametrize(
    ("kind", "values", "least", "greatest"),
    [
        (DOUBLE, [1.5, math.nan, -2.0, None], -2.0, math.nan),
        (DOUBLE, [math.nan], math.nan, math.nan),
        (STRING, ["b", "\U0001f600", "￿", None, "B"], "B", "\U0001f600"),
        (BOOLEAN, [True, None, False], False, True),
        (
            DATE,
            [datetime.date(2026, 1, 2), datetime.date(1969, 1, 1)],
            datetime.date(1969, 1, 1),
            datetime.date(2026, 1, 2),
        ),
        (MONEY, [Number("2.50"), Number("-1.00")], Number("-1.00"), Number("2.50")),
        (INT, [None, None], None, None),
    ],
)
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_extremes(kind, values, least, greatest, parts):
    for order in (values, values[::-1]):
        assert repr(one("min", kind, order, parts)) == repr(least)
        assert repr(one("max", kind, order, parts)) == repr(greatest)


def test_counts():
    rows = [(1, "a", 1), (1, None, 1), (2, "a", 2), (1, "a", 1)]
    calls = [AggregateCall("count"), AggregateCall("count", (STRING,)), AggregateCall("count", (INT,), distinct=True)]
    assert aggregate(calls, [(b, c) for _, b, c in rows], 2) == (4, 3, 2)
    pair = [AggregateCall("count", (INT, STRING), distinct=True), AggregateCall("count", (INT, STRING))]
    assert aggregate(pair, [(a, b, a, b) for a, b, _ in rows], 3) == (2, 3)


def test_distinct_floats_are_distinct_as_sql_has_it():
    assert one("count", DOUBLE, [0.0, -0.0, math.nan, float("nan"), -math.nan], 2, distinct=True) == 2


@pytest.mark.parametrize("parts", [1, 4])
def test_more_distinct_values_than_allowed(parts):
    calls = [AggregateCall("count", (INT,), distinct=True)]
    assert aggregate(calls, [(each,) for each in range(10)], parts, distinct_values_max=10) == (10,)
    with pytest.raises(AggregateError, match="distinct_values_max"):
        aggregate(calls, [(each,) for each in range(11)], parts, distinct_values_max=10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (AggregateCall("median", (INT,)), "MEDIAN is not supported"),
        (AggregateCall("sum", (STRING,)), "SUM of STRING"),
        (AggregateCall("max", (Array(element=INT),)), "can't be grouped or compared"),
        (AggregateCall("sum", (INT,), distinct=True), "DISTINCT"),
        (AggregateCall("avg"), "one argument"),
    ],
)
def test_what_is_not_supported(call, message):
    with pytest.raises(ValueError, match=message):
        Aggregation([call])
