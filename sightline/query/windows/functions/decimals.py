"""sum and avg of DECIMAL."""

import decimal
from collections.abc import Sequence
from typing import Any

from sightline.query.types import DECIMAL_PRECISION_MAX, Decimal, Type
from sightline.query.windows.functions.base import Accumulator, AggregateError, Function, load_count
from sightline.query.windows.values import EXACT, ValueCodec, exponent

# Spark divides to so many decimals, half down, before it rounds to the result's scale, half up.
_QUOTIENT_SCALE = DECIMAL_PRECISION_MAX + 1

add_decimal = EXACT.add


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
        return super().load(values) + [load_count(values[1])]


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
