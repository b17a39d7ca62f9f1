"""A compiled expression."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sightline.errors import QueryError
from sightline.query.types import Type

ErrorAt = Callable[[str, int], QueryError]


class CastError(TypeError):
    """No CAST leads from one type to the other."""


@dataclass(frozen=True)
class Code:
    """Python source of a value, and the stage from which on it can be computed.

    `text` is safe to put inside any other expression. A `constant` has its `value` known now. `literal` is what the
    user wrote as one: Spark types a whole number beside a decimal by its digits only then.
    """

    text: str
    type: Type
    nullable: bool
    stage: int
    constant: bool = False
    value: Any = None
    literal: bool = False
