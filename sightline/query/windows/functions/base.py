"""What every aggregate function does, and how its integers are written down."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from sightline.query.types import Type

Accumulator = list[Any]

BIGINT_MAX = 2**63 - 1


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


def dump_integer(value: int | None) -> int | str | None:
    """Msgpack's integers have 64 bits."""
    return value if value is None or -BIGINT_MAX <= value <= BIGINT_MAX else str(value)


def load_integer(value: Any) -> int:
    if type(value) not in (int, str):
        raise ValueError(f"{value!r} is no integer")
    return int(value)


def load_count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
