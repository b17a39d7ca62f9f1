"""min and max."""

from collections.abc import Sequence
from typing import Any

from sightline.query.types import Type
from sightline.query.windows.functions.base import Accumulator, Function
from sightline.query.windows.values import ValueCodec


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
