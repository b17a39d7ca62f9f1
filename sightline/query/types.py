"""SQL types, as Spark names them, and what a value of each is at run time.

    BOOLEAN bool               TINYINT SMALLINT INT BIGINT int        FLOAT DOUBLE float
    DECIMAL decimal.Decimal    STRING str                             BINARY bytes
    DATE datetime.date         TIMESTAMP int, microseconds since the epoch, UTC
    ARRAY list                 STRUCT a msgspec.Struct with the fields c0, c1, …

NULL is None. FLOAT is kept rounded to 32 bits.
"""

from dataclasses import dataclass
from typing import NamedTuple

DECIMAL_PRECISION_MAX = 38


@dataclass(frozen=True)
class Type:
    """A scalar type without parameters; the others are subclasses. `str()` gives SQL's text in lower case."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def integral(self) -> bool:
        return self in INTEGRAL

    @property
    def fractional(self) -> bool:
        return self in (FLOAT, DOUBLE)

    @property
    def numeric(self) -> bool:
        return self.integral or self.fractional or isinstance(self, Decimal)


@dataclass(frozen=True)
class Decimal(Type):
    """`precision` digits at most, `scale` of them after the point."""

    name: str = "decimal"
    precision: int = 10
    scale: int = 0

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True)
class Array(Type):
    name: str = "array"
    element: Type = Type("void")

    def __str__(self) -> str:
        return f"array<{self.element}>"


class Field(NamedTuple):
    name: str
    type: Type


@dataclass(frozen=True)
class Struct(Type):
    name: str = "struct"
    fields: tuple[Field, ...] = ()

    def __str__(self) -> str:
        return "struct<" + ", ".join(f"{each.name}: {each.type}" for each in self.fields) + ">"


NULL = Type("void")
BOOLEAN = Type("boolean")
TINYINT, SMALLINT, INT, BIGINT = Type("tinyint"), Type("smallint"), Type("int"), Type("bigint")
FLOAT, DOUBLE = Type("float"), Type("double")
STRING, BINARY = Type("string"), Type("binary")
DATE, TIMESTAMP = Type("date"), Type("timestamp")

INTEGRAL = (TINYINT, SMALLINT, INT, BIGINT)
"""From the narrowest to the widest."""

SCALARS = {each.name: each for each in (BOOLEAN, *INTEGRAL, FLOAT, DOUBLE, STRING, BINARY, DATE, TIMESTAMP)}
