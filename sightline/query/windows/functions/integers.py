"""sum and avg of integers."""

from collections.abc import Sequence
from typing import Any

from sightline.query.types import BIGINT, DOUBLE, Type
from sightline.query.windows.functions.base import (
    BIGINT_MAX,
    Accumulator,
    AggregateError,
    Function,
    dump_integer,
    load_count,
    load_integer,
)


class SumInteger(Function):
    type: Type = BIGINT
    initial: tuple[str, ...] = ("None",)

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        return [f"w_held = {slots[0]}", f"{slots[0]} = {values[0]} if w_held is None else w_held + {values[0]}"]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        if other[at] is not None:
            into[at] = other[at] if into[at] is None else into[at] + other[at]

    def result(self, accumulator: Accumulator, at: int) -> Any:
        value = accumulator[at]
        if value is not None and not -BIGINT_MAX - 1 <= value <= BIGINT_MAX:
            raise AggregateError("[ARITHMETIC_OVERFLOW] the sum does not fit BIGINT; CAST to DECIMAL before summing")
        return value

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        return [dump_integer(accumulator[at])]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return [None if values[0] is None else load_integer(values[0])]


class AvgInteger(SumInteger):
    """The exact sum over the count, rounded once."""

    type, initial = DOUBLE, ("0", "0")

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        return [f"{slots[0]} += {values[0]}", f"{slots[1]} += 1"]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        into[at] += other[at]
        into[at + 1] += other[at + 1]

    def result(self, accumulator: Accumulator, at: int) -> Any:
        return accumulator[at] / accumulator[at + 1] if accumulator[at + 1] else None

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        return [dump_integer(accumulator[at]), accumulator[at + 1]]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return [load_integer(values[0]), load_count(values[1])]
