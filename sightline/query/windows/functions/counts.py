"""count(*), count(a) and count(DISTINCT a)."""

from collections.abc import Sequence
from typing import Any

from sightline.query.types import BIGINT, Type
from sightline.query.windows.functions.base import Accumulator, AggregateError, Function, load_count
from sightline.query.windows.values import ValueCodec

DISTINCT_VALUES_MAX = 1_000_000


class CountRows(Function):
    """count(*): the rows of the accumulator are counted anyway."""

    type, initial = BIGINT, ()

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        return []

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        pass

    def result(self, accumulator: Accumulator, at: int) -> Any:
        return accumulator[1]

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        return []

    def load(self, values: Sequence[Any]) -> list[Any]:
        return []


class Count(Function):
    """count(a[, b…]): rows in which no argument is NULL."""

    type, initial = BIGINT, ("0",)

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        return [f"{slots[0]} += 1"]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        into[at] += other[at]

    def result(self, accumulator: Accumulator, at: int) -> Any:
        return accumulator[at]

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        return [accumulator[at]]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return [load_count(values[0])]


class CountDistinct(Function):
    """count(DISTINCT a[, b…]): of rows in which no argument is NULL. Past `values_max` the group has no result."""

    type, initial = BIGINT, ("set()",)

    def __init__(self, arguments: Sequence[Type], values_max: int = DISTINCT_VALUES_MAX) -> None:
        self._codecs = [ValueCodec(each) for each in arguments]
        self._values_max = values_max

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        texts = [
            f"group_float({text})" if codec.type.fractional else text
            for text, codec in zip(values, self._codecs, strict=True)
        ]
        value = texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
        # One more than allowed is kept, as the mark of too many.
        return [f"w_held = {slots[0]}", f"if len(w_held) <= {self._values_max}: w_held.add({value})"]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        if len(into[at]) <= self._values_max:
            into[at] |= other[at]

    def result(self, accumulator: Accumulator, at: int) -> Any:
        if len(accumulator[at]) > self._values_max:
            raise AggregateError(f"a group has more than {self._values_max} distinct values (distinct_values_max)")
        return len(accumulator[at])

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        if len(self._codecs) == 1:
            return [[self._codecs[0].dump(each) for each in accumulator[at]]]
        return [[[c.dump(v) for c, v in zip(self._codecs, each, strict=True)] for each in accumulator[at]]]

    def load(self, values: Sequence[Any]) -> list[Any]:
        if not isinstance(values[0], list):
            raise ValueError("no set of values")
        if len(self._codecs) == 1:
            return [{self._codecs[0].load(each) for each in values[0]}]
        return [{self._load_tuple(each) for each in values[0]}]

    def _load_tuple(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(self._codecs):
            raise ValueError("no tuple of values")
        return tuple(codec.load(each) for codec, each in zip(self._codecs, value, strict=True))
