"""The aggregate functions of Spark 4.1 with ANSI on, one class each, as pieces of an accumulator list.

A function owns the slots from `at` on. Its state is such that partial states can be merged in any order and grouping
with the same result. NULLs never reach `update`; a function that saw no value gives NULL, a count 0.

Differences from Spark, both where Spark's own result depends on the order of rows:
- An overflow is judged on the whole sum, not on the sums on the way.
- Doubles are summed exactly and rounded once. Spark rounds at each addition, in avg of integers also: there it equals
  this until the sum passes 2^53, and is off by at most one part in 2^53 for each row after that.
"""

import decimal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from sightline.query.types import BIGINT, DECIMAL_PRECISION_MAX, DOUBLE, Decimal, Type
from sightline.query.windows import exact
from sightline.query.windows.values import EXACT, ValueCodec, exponent, group_float

Accumulator = list[Any]

BIGINT_MAX = 2**63 - 1
DISTINCT_VALUES_MAX = 1_000_000

# Spark divides to so many decimals, half down, before it rounds to the result's scale, half up.
_QUOTIENT_SCALE = DECIMAL_PRECISION_MAX + 1

add_decimal = EXACT.add


class AggregateError(ValueError):
    """The result of a group can't be given: Spark would fail with this message's error class."""


class Function(ABC):
    """`initial` is the source of each slot's first value."""

    type: Type
    initial: tuple[str, ...]

    @abstractmethod
    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        """Source lines that add one row; `slots` and `values` are the source of each slot and argument."""

    @abstractmethod
    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None: ...

    @abstractmethod
    def result(self, accumulator: Accumulator, at: int) -> Any:
        """Raises AggregateError."""

    @abstractmethod
    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        """One msgpack value a slot."""

    @abstractmethod
    def load(self, values: Sequence[Any]) -> list[Any]:
        """Raises ValueError for what `dump` never gives."""


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
        return [_count(values[0])]


class Extreme(Function):
    """min and max. NaN is the greatest float; -0.0 is given as 0.0, which it equals."""

    initial = ("None",)

    def __init__(self, type_: Type, greatest: bool) -> None:
        self.type, self._greatest = type_, greatest
        self._codec = ValueCodec(type_)

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        (slot,), (value,) = slots, values
        better = f"{value} > w_held" if self._greatest else f"{value} < w_held"
        kept = value
        if self.type.fractional:
            better += f" or {value} != {value}" if self._greatest else " or w_held != w_held"
            kept = f"{value} + 0.0"
        return [f"w_held = {slot}", f"if w_held is None or {better}: {slot} = {kept}"]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        held, value = into[at], other[at]
        if value is None:
            return
        if held is None:
            into[at] = value
        elif self._greatest:
            into[at] = held if held != held or value <= held else value
        else:
            into[at] = value if held != held or value < held else held

    def result(self, accumulator: Accumulator, at: int) -> Any:
        return accumulator[at]

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        return [self._codec.dump(accumulator[at])]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return [self._codec.load(values[0])]


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
        return [_dump_integer(accumulator[at])]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return [None if values[0] is None else _integer(values[0])]


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
        return [_dump_integer(accumulator[at]), accumulator[at + 1]]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return [_integer(values[0]), _count(values[1])]


class SumDouble(Function):
    type: Type = DOUBLE
    initial: tuple[str, ...] = ("[]", "0")

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        accumulator, _, index = slots[0].rpartition("[")
        return [
            f"w_held = {slots[0]}",
            f"w_held.append({values[0]})",
            f"if len(w_held) > {exact.PENDING_MAX}: w_compact({accumulator}, {index[:-1]})",
        ]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        exact.merge(into, other, at)

    def result(self, accumulator: Accumulator, at: int) -> Any:
        return exact.total(accumulator, at) if accumulator[at] else None

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        if accumulator[at]:
            exact.compact(accumulator, at)
        return [list(accumulator[at]), _dump_integer(accumulator[at + 1])]

    def load(self, values: Sequence[Any]) -> list[Any]:
        if not isinstance(values[0], list) or not all(isinstance(each, float) for each in values[0]):
            raise ValueError("no sum of doubles")
        return [list(values[0]), _integer(values[1])]


class AvgDouble(SumDouble):
    initial = ("[]", "0", "0")

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        return super().update(slots, values) + [f"{slots[2]} += 1"]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        super().merge(into, other, at)
        into[at + 2] += other[at + 2]

    def result(self, accumulator: Accumulator, at: int) -> Any:
        return exact.total(accumulator, at) / accumulator[at + 2] if accumulator[at + 2] else None

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        return super().dump(accumulator, at) + [accumulator[at + 2]]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return super().load(values) + [_count(values[2])]


class SumDecimal(Function):
    """DECIMAL(p, s) gives DECIMAL(p + 10, s)."""

    initial: tuple[str, ...] = ("None",)

    def __init__(self, argument: Decimal) -> None:
        self._sum = Decimal(precision=min(argument.precision + 10, DECIMAL_PRECISION_MAX), scale=argument.scale)
        self._codec = ValueCodec(self._sum)
        self.type: Type = self._sum

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        return [
            f"w_held = {slots[0]}",
            f"{slots[0]} = {values[0]} if w_held is None else w_add_decimal(w_held, {values[0]})",
        ]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        if other[at] is not None:
            into[at] = other[at] if into[at] is None else add_decimal(into[at], other[at])

    def result(self, accumulator: Accumulator, at: int) -> Any:
        return None if accumulator[at] is None else fit(accumulator[at], self._sum)

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        return [self._codec.dump(accumulator[at])]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return [self._codec.load(values[0])]


class AvgDecimal(SumDecimal):
    """DECIMAL(p, s) gives DECIMAL(p + 4, s + 4)."""

    initial = ("None", "0")

    def __init__(self, argument: Decimal) -> None:
        super().__init__(argument)
        self._average = Decimal(
            precision=min(argument.precision + 4, DECIMAL_PRECISION_MAX),
            scale=min(argument.scale + 4, DECIMAL_PRECISION_MAX),
        )
        self.type = self._average

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        return super().update(slots, values) + [f"{slots[1]} += 1"]

    def merge(self, into: Accumulator, other: Accumulator, at: int) -> None:
        super().merge(into, other, at)
        into[at + 1] += other[at + 1]

    def result(self, accumulator: Accumulator, at: int) -> Any:
        if accumulator[at] is None:
            return None
        total = fit(accumulator[at], self._sum)
        return fit(_divide(total, accumulator[at + 1]), self._average)

    def dump(self, accumulator: Accumulator, at: int) -> list[Any]:
        return super().dump(accumulator, at) + [accumulator[at + 1]]

    def load(self, values: Sequence[Any]) -> list[Any]:
        return super().load(values) + [_count(values[1])]


class CountDistinct(Function):
    """count(DISTINCT a[, b…]): of rows in which no argument is NULL. Past `values_max` the group has no result."""

    type, initial = BIGINT, ("set()",)
    floats: ClassVar[str] = "group_float"

    def __init__(self, arguments: Sequence[Type], values_max: int = DISTINCT_VALUES_MAX) -> None:
        self._codecs = [ValueCodec(each) for each in arguments]
        self._values_max = values_max

    def update(self, slots: Sequence[str], values: Sequence[str]) -> list[str]:
        texts = [
            f"{self.floats}({text})" if codec.type.fractional else text
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


NAMESPACE: dict[str, Any] = {
    "w_compact": exact.compact,
    "w_add_decimal": add_decimal,
    "group_float": group_float,
}
"""What the update lines refer to."""


def fit(value: decimal.Decimal, type_: Decimal) -> decimal.Decimal:
    """`value` with the type's scale, rounded half up. Raises AggregateError if it has too many digits."""
    quantized = value.quantize(exponent(type_), context=EXACT)
    if abs(int(quantized.scaleb(type_.scale, context=EXACT))) >= 10**type_.precision:
        raise AggregateError(f"[NUMERIC_VALUE_OUT_OF_RANGE] the result does not fit {str(type_).upper()}")
    return quantized


def _divide(total: decimal.Decimal, count: int) -> decimal.Decimal:
    units = int(total.scaleb(_QUOTIENT_SCALE, context=EXACT))
    quotient, rest = divmod(abs(units), count)
    quotient += 2 * rest > count
    return decimal.Decimal(-quotient if units < 0 else quotient).scaleb(-_QUOTIENT_SCALE, context=EXACT)


def _dump_integer(value: int | None) -> int | str | None:
    """Msgpack's integers have 64 bits."""
    return value if value is None or -BIGINT_MAX <= value <= BIGINT_MAX else str(value)


def _integer(value: Any) -> int:
    if type(value) not in (int, str):
        raise ValueError(f"{value!r} is no integer")
    return int(value)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
