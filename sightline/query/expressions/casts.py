"""CAST, TRY_CAST and `::`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as Number
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from sightline.query.expressions.code import CastError, Code
from sightline.query.runtime import casts, decimals, numbers, text, times
from sightline.query.types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGRAL,
    NULL,
    STRING,
    TIMESTAMP,
    Array,
    Decimal,
    Type,
    parse_type,
)  # fmt: skip

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions

_NAMES = {
    "TEXT": "string", "VARCHAR": "string", "CHAR": "string", "TIMESTAMPTZ": "timestamp", "TIMESTAMPLTZ": "timestamp",
    "TIMESTAMPNTZ": "timestamp_ntz", "VARBINARY": "binary",
}  # fmt: skip


def type_of_node(node: exp.DataType) -> Type:
    """Raises ValueError."""
    name = node.this.value if hasattr(node.this, "value") else str(node.this)
    inner = ", ".join(_type_text(each) for each in node.expressions)
    lower = _NAMES.get(name, name).lower()
    if lower in ("array", "struct"):
        return parse_type(f"{lower}<{inner}>")
    return parse_type(f"{lower}({inner})" if inner else lower)


def _type_text(node: exp.Expression) -> str:
    if isinstance(node, exp.DataType):
        return str(type_of_node(node))
    if isinstance(node, exp.ColumnDef):
        return f"`{node.name}`: {type_of_node(node.args['kind'])}"
    return str(node.name)


def _cast(e: Expressions, node: exp.Cast) -> Code:
    target = _target(e, node)
    value = node.this
    if isinstance(value, exp.Literal) and not value.is_string and target.numeric:
        return _suffixed(e, value.this, target, node)
    return explicit(e, e.compile(value), target, node)


def _suffixed(e: Expressions, number: str, target: Type, node: exp.Cast) -> Code:
    """`5L` and `CAST(5 AS BIGINT)` look the same; both are constants."""
    from sightline.query.expressions.literals import number as literal

    code = explicit(e, literal(e, number, node), target, node)
    return replace(code, literal=bool(node.this.meta.get("suffix")))


def _target(e: Expressions, node: exp.Cast) -> Type:
    try:
        return type_of_node(node.to)
    except ValueError as error:
        raise e.error(str(error), node) from None


def explicit(e: Expressions, code: Code, target: Type, node: exp.Expression) -> Code:
    try:
        return e.cast(code, target)
    except CastError as error:
        raise e.error(str(error), node) from None


def _try_cast(e: Expressions, node: exp.TryCast) -> Code:
    target = _target(e, node)
    return tried(e, e.compile(node.this), lambda code: explicit(e, code, target, node))


def tried(e: Expressions, code: Code, convert: Callable[[Code], Code]) -> Code:
    """`convert` of the value, or NULL where that fails; the value's own errors stay errors."""
    if code.constant or code.type == NULL:
        return attempted(e, convert(code))
    name = e.temporary()
    inner = attempted(e, convert(Code(name, code.type, False, code.stage)))
    return e.code(f"(None if ({name} := {code.text}) is None else {inner.text})", inner.type, True, code)


def attempted(e: Expressions, code: Code) -> Code:
    """`code`, or NULL where it fails."""
    if code.constant or code.type == NULL:
        return code
    name = e.use(numbers.attempt)
    return e.code(f"{name}(lambda: {code.text})", code.type, True, code)


def cast_code(e: Expressions, code: Code, target: Type) -> Code:
    """Raises CastError for a cast that Spark refuses."""
    if code.type == target:
        return code
    if code.type == NULL:
        return Code("None", target, True, 0, constant=True)
    if isinstance(code.type, Array) and isinstance(target, Array):
        return _array(e, code, code.type, target)
    template = _template(code.type, target)
    if template is None:
        raise CastError(f"{str(code.type).upper()} can't be cast to {str(target).upper()}")
    helper, extra = template
    if helper is None:
        return Code(code.text, target, code.nullable, code.stage, code.constant, code.value)
    name = helper if isinstance(helper, str) else e.use(helper)
    arguments = "".join(f", {each!r}" for each in extra)
    # NaN is NULL as a DECIMAL.
    gives_null = code.type.fractional and isinstance(target, Decimal)
    return e.null_safe(lambda a: f"{name}({a}{arguments})", target, code, gives_null=gives_null)


def _array(e: Expressions, code: Code, given: Array, target: Array) -> Code:
    element = cast_code(e, Code("element", given.element, True, 1), target.element)
    convert = eval(f"lambda element: {element.text}", e.namespace)
    name = e.keep(convert)
    return e.null_safe(lambda a: f"list(map({name}, {a}))", target, code)


Template = tuple[Callable[..., Any] | str | None, tuple[Any, ...]]


def _template(given: Type, target: Type) -> Template | None:
    """What is called with the value, and with what besides; None alone for no work, no template for a refused cast."""
    if target == STRING:
        return _to_string(given)
    if target.integral:
        return _to_whole(given, target)
    if target.fractional:
        return _to_float(given, target)
    if isinstance(target, Decimal):
        return _to_decimal(given, target)
    return _OTHER.get((given, target)) or (
        ("bool", ()) if target == BOOLEAN and given.numeric else _to_timestamp(given) if target == TIMESTAMP else None
    )


_OTHER: dict[tuple[Type, Type], Template] = {
    (STRING, BOOLEAN): (casts.boolean_of_text, ()),
    (STRING, BINARY): (casts.text_binary, ()),
    (STRING, DATE): (times.date_of_text, ()),
    (STRING, TIMESTAMP): (times.timestamp_of_text, ()),
    (DATE, TIMESTAMP): (times.timestamp_of_date, ()),
    (TIMESTAMP, DATE): (times.date_of_timestamp, ()),
}


def _to_string(given: Type) -> Template | None:
    if given.integral:
        return ("str", ())
    if isinstance(given, Decimal):
        return (decimals.decimal_text, (given.scale,))
    helpers: dict[Type, Callable[..., str]] = {
        BOOLEAN: casts.boolean_text,
        DOUBLE: text.double_text,
        FLOAT: text.float_text,
        DATE: times.date_text,
        TIMESTAMP: times.timestamp_text,
        BINARY: casts.binary_text,
    }
    return (helpers[given], ()) if given in helpers else None


def _to_whole(given: Type, target: Type) -> Template | None:
    low, high = numbers.LIMITS[target.name]
    if given.integral:
        wider = INTEGRAL.index(target) >= INTEGRAL.index(given)
        return (None, ()) if wider else (casts.whole_of_whole, (low, high, target.name))
    if given == STRING and target == BIGINT:
        return (casts.bigint_of_text, ())
    if given == BOOLEAN:
        return ("int", ())
    if given == TIMESTAMP:
        return (_seconds_of_timestamp, (low, high, target.name))
    helper: Callable[..., int] | None = None
    if given == STRING:
        helper = casts.whole_of_text
    elif given.fractional:
        helper = casts.whole_of_float32 if given == FLOAT else casts.whole_of_float
    elif isinstance(given, Decimal):
        through_double = given.precision > LONG_DIGITS and target != BIGINT
        helper = decimals.long_decimal_to_whole if through_double else decimals.decimal_to_whole
    return (helper, (low, high, target.name)) if helper else None


LONG_DIGITS = 18


def _seconds_of_timestamp(time_us: int, low: int, high: int, target: str) -> int:
    return casts.whole_of_whole(time_us // times.SECOND_US, low, high, target)


def _float_of_timestamp(time_us: int) -> float:
    return time_us / times.SECOND_US


def _float32_of_timestamp(time_us: int) -> float:
    return numbers.float32(time_us / times.SECOND_US)


def _float32_of_any(value: Any) -> float:
    return numbers.float32(float(value))


def _to_float(given: Type, target: Type) -> Template | None:
    narrow = target == FLOAT
    if given.integral:
        return (numbers.float32_of_int if narrow else "float", ())
    if given == STRING:
        return (casts.float_of_text if narrow else casts.double_of_text, ())
    if given == TIMESTAMP:
        return (_float32_of_timestamp if narrow else _float_of_timestamp, ())
    if given == FLOAT:
        return (None, ())
    if given in (DOUBLE, BOOLEAN) or isinstance(given, Decimal):
        return (_float32_of_any if narrow else "float", ())
    return None


def _decimal_of_timestamp(time_us: int, precision: int, scale: int) -> Any:
    return decimals.fit(Number(time_us).scaleb(-6), precision, scale)


def _to_decimal(given: Type, target: Decimal) -> Template | None:
    size = (target.precision, target.scale)
    if given.integral or given == BOOLEAN:
        return (decimals.decimal_of_whole, size)
    if given.fractional:
        return (decimals.decimal_of_float, size)
    if isinstance(given, Decimal):
        return (decimals.fit, size)
    if given == STRING:
        return (casts.decimal_of_text, size)
    return (_decimal_of_timestamp, size) if given == TIMESTAMP else None


def _to_timestamp(given: Type) -> Template | None:
    if given.integral:
        return (times.timestamp_of_seconds, ())
    return (times.timestamp_of_number, ()) if given.numeric else None


HANDLERS = {exp.Cast: _cast, exp.TryCast: _try_cast}
