"""Spark's ANSI rules for types that meet, and for arguments of another type than a function takes."""

from sightline.query.types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
    DECIMAL_PRECISION_MAX,
    DOUBLE,
    INT,
    INTEGRAL,
    NULL,
    SMALLINT,
    STRING,
    TIMESTAMP,
    TINYINT,
    Array,
    Decimal,
    Field,
    Struct,
    Type,
)  # fmt: skip

INTEGRAL_DIGITS = {TINYINT: 3, SMALLINT: 5, INT: 10, BIGINT: 20}


def decimal_of(kind: Type) -> Decimal:
    """The decimal that holds every value of an integral type."""
    return kind if isinstance(kind, Decimal) else Decimal(precision=INTEGRAL_DIGITS[kind], scale=0)


def bounded(precision: int, scale: int) -> Decimal:
    """At most 38 digits; those after the point give way."""
    over = max(precision - DECIMAL_PRECISION_MAX, 0)
    return Decimal(precision=precision - over, scale=max(scale - over, 0))


def common_type(left: Type, right: Type) -> Type | None:
    """The type in which both are compared, or both branches of a CASE are given; None if there is none."""
    if left == right or right == NULL:
        return left
    if left == NULL:
        return right
    if STRING in (left, right):
        return _with_string(right if left == STRING else left)
    if left.numeric and right.numeric:
        return _numeric(left, right)
    if {left, right} == {DATE, TIMESTAMP}:
        return TIMESTAMP
    if isinstance(left, Array) and isinstance(right, Array):
        element = common_type(left.element, right.element)
        return None if element is None else Array(element=element)
    if isinstance(left, Struct) and isinstance(right, Struct):
        return _structs(left, right)
    return None


def common_type_of(kinds: list[Type]) -> Type | None:
    # Strings come last: beside a number a string is one, and which number depends on all of them.
    ordered = sorted(kinds, key=lambda each: each == STRING)
    found: Type | None = NULL
    for each in ordered:
        if found is not None:
            found = common_type(found, each)
    return found


def _with_string(other: Type) -> Type | None:
    if other.integral:
        return BIGINT
    if other.numeric:
        return DOUBLE
    return other if other in (BOOLEAN, DATE, TIMESTAMP, BINARY) else None


def _numeric(left: Type, right: Type) -> Type:
    if left.integral and right.integral:
        return max(left, right, key=INTEGRAL.index)
    if left.fractional or right.fractional:
        return DOUBLE
    a, b = decimal_of(left), decimal_of(right)
    scale = max(a.scale, b.scale)
    return bounded(max(a.precision - a.scale, b.precision - b.scale) + scale, scale)


def _structs(left: Struct, right: Struct) -> Type | None:
    if [each.name.lower() for each in left.fields] != [each.name.lower() for each in right.fields]:
        return None
    kinds = [common_type(a.type, b.type) for a, b in zip(left.fields, right.fields, strict=True)]
    fields = [Field(each.name, kind) for each, kind in zip(left.fields, kinds, strict=True) if kind is not None]
    return Struct(fields=tuple(fields)) if len(fields) == len(kinds) else None


def implicit_type(given: Type, wanted: Type) -> Type | None:
    """`wanted` if an argument of type `given` is turned into it without being asked, else None.

    A number is narrowed too: one that does not fit is an error of the row.
    """
    if given in (wanted, NULL):
        return wanted
    if isinstance(given, Array) and isinstance(wanted, Array):
        return wanted if implicit_type(given.element, wanted.element) else None
    if isinstance(given, Array | Struct) or isinstance(wanted, Array | Struct):
        return None
    allowed = STRING in (given, wanted) or (given.numeric and wanted.numeric) or {given, wanted} == {DATE, TIMESTAMP}
    return wanted if allowed else None
