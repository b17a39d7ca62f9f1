"""All aggregate calls of a query as one accumulator: a list [epoch, rows, slots of each call…].

`epoch` is the checkpoint in which the accumulator last changed and `rows` how many rows it holds; both belong to the
state around it. Rows are added by generated source (`start`, `update`), everything else by methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightline.query.types import Decimal, Type
from sightline.query.windows import exact
from sightline.query.windows.functions.base import Accumulator, Function
from sightline.query.windows.functions.counts import DISTINCT_VALUES_MAX, Count, CountDistinct, CountRows
from sightline.query.windows.functions.decimals import AvgDecimal, SumDecimal, add_decimal
from sightline.query.windows.functions.doubles import AvgDouble, SumDouble
from sightline.query.windows.functions.extremes import Extreme
from sightline.query.windows.functions.integers import AvgInteger, SumInteger
from sightline.query.windows.values import group_float

FIRST_SLOT = 2

NAMESPACE: dict[str, Any] = {
    "w_compact": exact.compact,
    "w_add_decimal": add_decimal,
    "group_float": group_float,
}
"""What the functions' `update` lines refer to."""


@dataclass(frozen=True)
class AggregateCall:
    """`function` is count, sum, min, max or avg; no `arguments` is count(*)."""

    function: str
    arguments: tuple[Type, ...] = ()
    distinct: bool = False


class Aggregation:
    """Raises ValueError for a call that is not supported, in words for the user."""

    def __init__(self, calls: Sequence[AggregateCall], distinct_values_max: int = DISTINCT_VALUES_MAX) -> None:
        self.calls = tuple(calls)
        self._functions: list[tuple[Function, int]] = []
        at = FIRST_SLOT
        for call in calls:
            function = _function(call, distinct_values_max)
            self._functions.append((function, at))
            at += len(function.initial)
        self._width = at
        self.result_types = tuple(function.type for function, _ in self._functions)
        self.namespace: dict[str, Any] = dict(NAMESPACE)
        self._fresh = eval(f"lambda: {self.start()}")

    def start(self, epoch: str = "-1") -> str:
        """Source of an accumulator without rows."""
        slots = [each for function, _ in self._functions for each in function.initial]
        return f"[{', '.join([epoch, '0', *slots])}]"

    def fresh(self) -> Accumulator:
        accumulator: Accumulator = self._fresh()
        return accumulator

    def update(self, accumulator: str, values: Sequence[str], nullable: Sequence[bool]) -> list[str]:
        """Source lines that add one row to the list named `accumulator`.

        `values` names the local variables of all arguments, call after call; `nullable` says which may be None.
        The lines use the local `w_held`, and names of `namespace`.
        """
        lines = [f"{accumulator}[1] += 1"]
        position = 0
        for call, (function, at) in zip(self.calls, self._functions, strict=True):
            taken = slice(position, position + len(call.arguments))
            position = taken.stop
            slots = [f"{accumulator}[{at + index}]" for index in range(len(function.initial))]
            update = function.update(slots, values[taken])
            guards = [f"{name} is not None" for name, may in zip(values[taken], nullable[taken], strict=True) if may]
            if guards and update:
                lines += [f"if {' and '.join(guards)}:"] + [f"    {each}" for each in update]
            else:
                lines += update
        if position != len(values):
            raise ValueError(f"{len(values)} argument variables, {position} are expected")
        return lines

    def merge(self, into: Accumulator, other: Accumulator) -> None:
        """Add the rows of `other` to `into`."""
        into[1] += other[1]
        for function, at in self._functions:
            function.merge(into, other, at)

    def result(self, accumulator: Accumulator) -> tuple[Any, ...]:
        """A value a call, of `result_types`. Raises AggregateError."""
        return tuple([function.result(accumulator, at) for function, at in self._functions])

    def dump(self, accumulator: Accumulator) -> list[Any]:
        """The accumulator without its epoch, of types that msgpack knows."""
        values = [accumulator[1]]
        for function, at in self._functions:
            values += function.dump(accumulator, at)
        return values

    def load(self, values: Any) -> Accumulator:
        """An accumulator again. Raises ValueError for what `dump` never gives."""
        if not isinstance(values, list | tuple) or len(values) != self._width - 1 or type(values[0]) is not int:
            raise ValueError("no accumulator of these aggregates")
        accumulator: Accumulator = [-1, values[0]]
        for function, at in self._functions:
            accumulator += function.load(values[at - 1 : at - 1 + len(function.initial)])
        return accumulator


def _function(call: AggregateCall, distinct_values_max: int) -> Function:
    name, arguments = call.function.lower(), call.arguments
    if name == "count":
        if call.distinct and arguments:
            return CountDistinct(arguments, distinct_values_max)
        return Count() if arguments else CountRows()
    if name not in ("sum", "avg", "min", "max"):
        raise ValueError(f"the aggregate {name.upper()} is not supported yet")
    if len(arguments) != 1:
        raise ValueError(f"{name.upper()} takes one argument")
    (argument,) = arguments
    if name in ("min", "max"):
        return Extreme(argument, name == "max")
    if call.distinct:
        raise ValueError(f"{name.upper()}(DISTINCT …) is not supported yet")
    if isinstance(argument, Decimal):
        return SumDecimal(argument) if name == "sum" else AvgDecimal(argument)
    if argument.integral:
        return SumInteger() if name == "sum" else AvgInteger()
    if argument.fractional:
        return SumDouble() if name == "sum" else AvgDouble()
    raise ValueError(f"{name.upper()} of {str(argument).upper()} is not supported")
