"""What generated code does with whole columns. In C where that was built; the words are Python's."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any, Protocol

from sightline import compiled


class Texts(Protocol):
    """A column of strings and NULLs, each made when it is asked for. The methods are this module's functions."""

    def rest(self, first: int) -> list[Any]: ...
    def take(self, indexes: list[int]) -> list[Any]: ...
    def equal(self, value: object, first: int) -> list[int]: ...
    def repeated(self, function: Callable[[Any], Any]) -> list[Any]: ...


Column = list[Any] | Texts


def rest(values: Column, first: int) -> list[Any]:
    """From the index `first` on."""
    if isinstance(values, list):
        return values[first:] if first else values
    return values.rest(first)


def take(values: Column, indexes: list[int]) -> list[Any]:
    return list_take(values, indexes) if isinstance(values, list) else values.take(indexes)


def equal(values: Column, value: object, first: int) -> list[int]:
    """The indexes, from `first` on, of those that equal `value`."""
    return list_equal(values, value, first) if isinstance(values, list) else values.equal(value, first)


def repeated(function: Callable[[Any], Any], values: Column) -> list[Any]:
    """`function` of each value, computed once for neighbours that are equal."""
    return list_repeated(function, values) if isinstance(values, list) else values.repeated(function)


def running_max(values: list[int], top: int, first: int) -> list[int]:
    """Of each value from `first` on, the largest so far, `top` included; `top` before. All are 64-bit integers."""
    return [top] * first + list(accumulate(values[first:], max, initial=top))[1:]


def largest(values: list[int], /) -> int:
    """Of 64-bit integers. Raises ValueError where there is none, and TypeError where one is no integer."""
    return max(values) + 0  # a lone NULL is not compared


def before(indexes: Sequence[int], index: int) -> int:
    """How many of them, which are in order, are below `index`."""
    return bisect_left(indexes, index)


def list_take(values: list[Any], indexes: list[int]) -> list[Any]:
    return [values[index] for index in indexes]


def list_equal(values: list[Any], value: object, first: int) -> list[int]:
    return [index for index, each in enumerate(values[first:], first) if each == value]


def list_repeated(function: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    last = result = _NONE
    return [result if each == last else (last := each, result := function(each))[1] for each in values]


_NONE = object()

if compiled.wanted():
    with suppress(ImportError):  # there was no compiler
        from sightline.query.runtime._vectors import largest as largest  # else it counts as unused: others use it
        from sightline.query.runtime._vectors import list_equal, list_repeated, list_take, running_max

FUNCTIONS = (rest, take, equal, repeated, running_max, before)
