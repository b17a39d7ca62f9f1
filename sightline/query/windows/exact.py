"""Sums of doubles without rounding: a result depends on which values were added, not on their order or grouping.

A sum is two slots of an accumulator: a list of floats whose exact sum counts, and an integer in units of 2^-1074 (the
smallest double), used only when the list's sum leaves the range of a double. Values are appended; past `PENDING_MAX`
the list is made short again. Its floats are then the rounded sum, the rounded rest, the rest of the rest and so on:
two or three in practice, and the same for the same exact sum (cf. Shewchuk 1997, and Python's `math.fsum`).
"""

from math import fsum, inf, isfinite, isnan, nan
from typing import Any

PENDING_MAX = 32

_UNIT_BITS = 1074


def compact(accumulator: list[Any], at: int) -> None:
    """Make the list at slot `at` short without changing its sum. An infinite or NaN sum is kept as such."""
    values: list[float] = accumulator[at]
    try:
        total = fsum(values)
    except OverflowError:
        if not all(map(isfinite, values)):
            values[:] = [_special(values)]
            return
        accumulator[at + 1] += sum(map(_units, values))
        values[:] = [0.0]
        return
    except ValueError:  # inf - inf
        values[:] = [nan]
        return
    if not isfinite(total):
        values[:] = [total]
        return
    parts = [total]
    values.append(-total)
    while rest := fsum(values):
        parts.append(rest)
        values.append(-rest)
    values[:] = parts


def total(accumulator: list[Any], at: int) -> float:
    """The sum, rounded once. The list must not be empty."""
    compact(accumulator, at)
    rounded: float = accumulator[at][0]
    if not accumulator[at + 1] or not isfinite(rounded):
        return rounded
    units: int = accumulator[at + 1] + sum(map(_units, accumulator[at]))
    try:
        return units / (1 << _UNIT_BITS)
    except OverflowError:
        return inf if units > 0 else -inf


def merge(into: list[Any], other: list[Any], at: int) -> None:
    into[at].extend(other[at])
    into[at + 1] += other[at + 1]
    if len(into[at]) > PENDING_MAX:
        compact(into, at)


def _units(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * ((1 << _UNIT_BITS) // denominator)


def _special(values: list[float]) -> float:
    special = [each for each in values if not isfinite(each)]
    if any(map(isnan, special)) or (inf in special and -inf in special):
        return nan
    return special[0]
