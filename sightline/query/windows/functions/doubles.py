"""sum and avg of floating-point numbers."""

from collections.abc import Sequence
from typing import Any

from sightline.query.types import DOUBLE, Type
from sightline.query.windows import exact
from sightline.query.windows.functions.base import Accumulator, Function, dump_integer, load_count, load_integer


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
        return [list(accumulator[at]), dump_integer(accumulator[at + 1])]

    def load(self, values: Sequence[Any]) -> list[Any]:
        if not isinstance(values[0], list) or not all(isinstance(each, float) for each in values[0]):
            raise ValueError("no sum of doubles")
        return [list(values[0]), load_integer(values[1])]


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
        return super().load(values) + [load_count(values[2])]
