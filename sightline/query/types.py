"""SQL types, as Spark names them, and what a value of each is at run time.

    BOOLEAN bool               TINYINT SMALLINT INT BIGINT int        FLOAT DOUBLE float
    DECIMAL decimal.Decimal    STRING str                             BINARY bytes
    DATE datetime.date         TIMESTAMP int, microseconds since the epoch, UTC
    ARRAY list                 STRUCT a msgspec.Struct with the fields c0, c1, …

NULL is None. FLOAT is kept rounded to 32 bits.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
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

    @property
    def nested(self) -> bool:
        """It is made of other types."""
        return isinstance(self, Array | Struct)


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
        return "struct<" + ", ".join(f"{_quoted(each.name)}: {each.type}" for each in self.fields) + ">"


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else "`" + name.replace("`", "``") + "`"


NULL = Type("void")
BOOLEAN = Type("boolean")
TINYINT, SMALLINT, INT, BIGINT = Type("tinyint"), Type("smallint"), Type("int"), Type("bigint")
FLOAT, DOUBLE = Type("float"), Type("double")
STRING, BINARY = Type("string"), Type("binary")
DATE, TIMESTAMP = Type("date"), Type("timestamp")

ARRAY_OF_STRING = Array(element=STRING)
INTEGRAL = (TINYINT, SMALLINT, INT, BIGINT)
"""From the narrowest to the widest."""

SCALARS = {each.name: each for each in (BOOLEAN, *INTEGRAL, FLOAT, DOUBLE, STRING, BINARY, DATE, TIMESTAMP)}

_ALIASES = {
    "integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint", "real": "float", "void": "void",
    "timestamp_ltz": "timestamp",
}  # fmt: skip
_TOKEN = re.compile(r"\s*(?:(`(?:[^`]|``)+`|\w+)|([<>(),:]))")
NESTING_MAX = 16


def parse_type(text: str) -> Type:
    """The type that `text` names: a scalar, `decimal(p, s)`, `array<…>`, `struct<name: type, …>`.

    Raises ValueError that says what is wrong.
    """
    reader = _Reader(text)
    found = reader.type(0)
    if reader.peek() is not None:
        raise ValueError(f"unexpected {reader.peek()!r} after the type {found}")
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._tokens, at = text, list[str](), 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if not match:
                raise ValueError(f"{text!r} is not a type of SQL")
            self._tokens.append(match.group(1) or match.group(2))
            at = match.end()

    def peek(self) -> str | None:
        return self._tokens[0] if self._tokens else None

    def type(self, depth: int) -> Type:
        if depth > NESTING_MAX:
            raise ValueError(f"types may be nested {NESTING_MAX} deep")
        word = self._next().lower()
        name = _ALIASES.get(word, word)
        if name in ("decimal", "dec", "numeric"):
            return self._decimal()
        if name == "array":
            self._expect("<")
            element = self.type(depth + 1)
            self._expect(">")
            return Array(element=element)
        if name == "struct":
            return self._struct(depth)
        if name in SCALARS:
            return SCALARS[name]
        if name in ("varchar", "char"):
            raise ValueError(f"{name} is not supported; write string")
        if name in ("map", "timestamp_ntz", "variant", "interval"):
            raise ValueError(f"the type {name} is not supported")
        close = get_close_matches(name, [*SCALARS, "decimal", "array", "struct"], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"unknown type {word!r}{hint} (known: {', '.join(SCALARS)}, decimal(p,s), array<…>, struct<…>)"
        )

    def _decimal(self) -> Type:
        precision, scale = 10, 0
        if self.peek() == "(":
            self._next()
            precision = self._integer()
            if self.peek() == ",":
                self._next()
                scale = self._integer()
            self._expect(")")
        if not (1 <= precision <= DECIMAL_PRECISION_MAX and 0 <= scale <= precision):
            raise ValueError(
                f"decimal({precision},{scale}): 1 to {DECIMAL_PRECISION_MAX} digits, scale of 0 to as many"
            )
        return Decimal(precision=precision, scale=scale)

    def _struct(self, depth: int) -> Type:
        self._expect("<")
        fields: list[Field] = []
        while self.peek() != ">":
            if fields:
                self._expect(",")
            name = self._next()
            if self.peek() == ":":
                self._next()
            if name.startswith("`"):
                name = name[1:-1].replace("``", "`")
            fields.append(Field(name, self.type(depth + 1)))
        self._next()
        if len({each.name.lower() for each in fields}) != len(fields):
            raise ValueError(f"two fields of one name in {self._text!r}")
        return Struct(fields=tuple(fields))

    def _integer(self) -> int:
        word = self._next()
        if not word.isdecimal():
            raise ValueError(f"{word!r} is not a number")
        return int(word)

    def _expect(self, token: str) -> None:
        found = self.peek()
        if found != token:
            raise ValueError(f"{token!r} is expected in {self._text!r}, {found or 'its end'!r} was found")
        self._next()

    def _next(self) -> str:
        if not self._tokens:
            raise ValueError(f"{self._text!r} ends too early for a type")
        return self._tokens.pop(0)
