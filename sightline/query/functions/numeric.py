"""Numbers."""

import math
from collections.abc import Callable

from sightline.query.expressions.arithmetic import arithmetic
from sightline.query.expressions.casts import attempted
from sightline.query.expressions.code import Code
from sightline.query.expressions.coercion import common_type
from sightline.query.expressions.conditional import aligned
from sightline.query.expressions.decimals import arithmetic as decimal_arithmetic
from sightline.query.expressions.decimals import negative
from sightline.query.functions.registry import Call, define, family
from sightline.query.runtime import decimals, maths, numbers
from sightline.query.types import BIGINT, BOOLEAN, DOUBLE, FLOAT, INT, NULL, STRING, Decimal, Struct, Type

family("numeric")


def _abs(call: Call) -> Code:
    e, code = call.e, call.codes[0]
    if code.type.integral:
        fits = e.use(numbers.FITS[code.type.name])
        return e.null_safe(lambda a: f"{fits}(abs({a}))", code.type, code)
    if isinstance(code.type, Decimal):
        name, kind = e.use(decimals.decimal_abs), code.type
        return e.null_safe(lambda a: f"{name}({a}, {kind.precision}, {kind.scale})", kind, code)
    return e.null_safe(lambda a: f"abs({a})", code.type, code)


def _positive(call: Call) -> Code:
    return call.codes[0]


def _negative(call: Call) -> Code:
    e, code = call.e, call.codes[0]
    if isinstance(code.type, Decimal):
        return negative(e, code, code.type)
    if code.type.integral:
        fits = e.use(numbers.FITS[code.type.name])
        return e.null_safe(lambda a: f"{fits}(-{a})", code.type, code)
    return e.null_safe(lambda a: f"-{a}", code.type, code)


def _extreme(call: Call) -> Code:
    helper = numbers.greatest if call.function.name == "greatest" else numbers.least
    kinds = {each.type for each in call.codes} - {NULL}
    if STRING in kinds and len(kinds) > 1:
        raise call.error(f"{call.function.signature} mixes STRING with other types: write a CAST")
    codes = aligned(call.e, call.codes, call.function.name.upper(), call.node)
    if isinstance(codes[0].type, Struct):
        raise call.error("structs can't be compared")
    name, nullable = call.e.use(helper), all(each.nullable for each in codes)
    return call.e.code(f"{name}({', '.join(each.text for each in codes)})", codes[0].type, nullable, *codes)


def _operator(symbol: str) -> Callable[[Call], Code]:
    def build(call: Call) -> Code:
        left, right = call.codes
        return arithmetic(call.e, symbol, left, right, call.node)

    return build


def _try(symbol: str) -> Callable[[Call], Code]:
    """The operands' own errors stay errors: only the operation itself is tried."""

    def build(call: Call) -> Code:
        e = call.e
        left, right = call.codes
        if NULL in (left.type, right.type):
            return arithmetic(e, symbol, left, right, call.node)
        held = [Code(e.temporary(), each.type, False, each.stage) for each in call.codes]
        inner = attempted(e, arithmetic(e, symbol, held[0], held[1], call.node))
        guards = [f"({name.text} := {each.text}) is None" for name, each in zip(held, call.codes, strict=True)]
        if symbol in "/%":
            # Spark looks at the divisor first.
            guards = [guards[1], f"{held[1].text} == 0", guards[0]]
        return e.code(f"(None if {' or '.join(guards)} else {inner.text})", inner.type, True, left, right)

    return build


def _pmod(call: Call) -> Code:
    e, (left, right) = call.e, call.codes
    kind: Type | None = common_type(left.type, right.type)
    kind = DOUBLE if kind == NULL else kind
    if kind is None or not kind.numeric or STRING in (left.type, right.type):
        raise call.error(f"{call.function.signature} needs numbers")
    if isinstance(kind, Decimal):
        return decimal_arithmetic(e, "pmod", left, right)
    left, right = e.cast(left, kind), e.cast(right, kind)
    code = e.call(
        numbers.positive_remainder_float if kind.fractional else numbers.positive_remainder,
        kind,
        left,
        right,
        last_first=True,
    )
    return e.call(numbers.float32, FLOAT, code) if kind == FLOAT else code


def _bin(call: Call) -> Code:
    return call.e.call(maths.binary_digits, STRING, call.codes[0])


def _bit_count(call: Call) -> Code:
    code = call.codes[0]
    if code.type.name != "boolean" and not code.type.integral:
        raise call.error(f"{call.function.signature}: a whole number or BOOLEAN is needed")
    return call.e.call(maths.bit_count, INT, code)


def _shift(call: Call) -> Code:
    e, (value, by) = call.e, call.codes
    value = value if value.type == BIGINT else e.cast(value, INT)
    bits = e.constant(64 if value.type == BIGINT else 32, INT)
    return e.call(maths.SHIFTS[call.function.name], value.type, value, by, bits)


def _nanvl(call: Call) -> Code:
    e, (value, otherwise) = call.e, call.codes
    kind = FLOAT if value.type == FLOAT and otherwise.type in (FLOAT, NULL) else DOUBLE
    if not all(each.type.numeric or each.type in (NULL, STRING) for each in call.codes):
        raise call.error(f"{call.function.signature} needs numbers")
    value, otherwise = e.cast(value, kind), e.cast(otherwise, kind)
    name = e.temporary()
    text = f"(None if ({name} := {value.text}) is None else {name} if {name} == {name} else {otherwise.text})"
    return e.code(text, kind, value.nullable or otherwise.nullable, value, otherwise)


def _isnan(call: Call) -> Code:
    e, code = call.e, call.codes[0]
    name = e.use(maths.is_nan)
    return e.code(f"{name}({e.cast(code, DOUBLE).text})", BOOLEAN, False, code)


def _log(call: Call) -> Code:
    if len(call.codes) == 1:
        return call.e.call(maths.ln, DOUBLE, *call.codes, gives_null=True)
    return call.e.call(maths.log, DOUBLE, *call.codes, gives_null=True)


def _constant(value: float) -> Callable[[Call], Code]:
    return lambda call: call.e.constant(value, DOUBLE)


define("abs(value number) -> number", None, "Without its sign.", ("abs(-2)", "2"), build=_abs)
define("positive(value number) -> number", None, "The value itself.", ("positive(-2)", "-2"), build=_positive)
define("negative(value number) -> number", None, "With the other sign.", ("negative(2)", "-2"), build=_negative)
define("sign(value double) -> double", maths.sign, "-1, 0 or 1.", ("sign(-2)", "-1.0D"), aliases=("signum",))
define("sqrt(value double) -> double", maths.sqrt, "The square root; NaN of a negative number.", ("sqrt(4)", "2.0D"))
define("cbrt(value double) -> double", maths.cbrt, "The cube root.", ("cbrt(27.0)", "3.0D"))
define("exp(value double) -> double", maths.exp, "e to this power.", ("exp(0)", "1.0D"))
define("expm1(value double) -> double", maths.expm1, "exp(value) - 1, exact near 0.", ("expm1(0)", "0.0D"))
define(
    "ln(value double) -> double",
    maths.ln,
    "The natural logarithm; NULL of 0 and below.",
    ("ln(1)", "0.0D"),
    ("ln(0)", "NULL"),
    gives_null=True,
)
define(
    "log([base double,] value double) -> double",
    None,
    "The logarithm, natural if there is no base.",
    ("log(2, 8)", "3.0D"),
    build=_log,
)
define("log2(value double) -> double", maths.log2, "The logarithm to base 2.", ("log2(8)", "3.0D"), gives_null=True)
define(
    "log10(value double) -> double", maths.log10, "The logarithm to base 10.", ("log10(100)", "2.0D"), gives_null=True
)
define(
    "log1p(value double) -> double", maths.log1p, "ln(1 + value), exact near 0.", ("log1p(0)", "0.0D"), gives_null=True
)
define(
    "pow(base double, exponent double) -> double",
    maths.power,
    "A power.",
    ("pow(2, 10)", "1024.0D"),
    aliases=("power",),
)
for _name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"):
    define(
        f"{_name}(value double) -> double",
        getattr(maths, _name),
        f"{_name}, in radians.",
        (f"{_name}(0)", "acos(0)" if _name == "acos" else "1.0D" if _name in ("cos", "cosh") else "0.0D"),
    )
define("cot(value double) -> double", maths.cot, "The cotangent.", ("round(cot(1), 6)", "0.642093D"))
define("atan2(y double, x double) -> double", maths.atan2, "The angle of the point (x, y).", ("atan2(0, 1)", "0.0D"))
define("degrees(radians double) -> double", maths.degrees, "Radians as degrees.", ("degrees(pi())", "180.0D"))
define("radians(degrees double) -> double", maths.radians, "Degrees as radians.", ("radians(0)", "0.0D"))
define("hypot(a double, b double) -> double", maths.hypot, "sqrt(a² + b²).", ("hypot(3, 4)", "5.0D"))
define("pi() -> double", None, "π.", ("round(pi(), 4)", "3.1416D"), build=_constant(math.pi))
define("e() -> double", None, "Euler's number.", ("round(e(), 4)", "2.7183D"), build=_constant(math.e))
define(
    "greatest(value any, other any, ...) -> any",
    None,
    "The greatest that is not NULL; NaN is above all.",
    ("greatest(1, NULL, 3)", "3"),
    build=_extreme,
)
define(
    "least(value any, other any, ...) -> any",
    None,
    "The least that is not NULL.",
    ("least(2, NULL, 3)", "2"),
    build=_extreme,
)
define(
    "mod(value any, by any) -> number",
    None,
    "As `%`: the remainder, with the sign of `value`.",
    ("mod(-7, 3)", "-1"),
    build=_operator("%"),
)
define(
    "pmod(value any, by any) -> number",
    None,
    "The remainder that is not negative.",
    ("pmod(-7, 3)", "2"),
    build=_pmod,
)
define(
    "try_add(left any, right any) -> number",
    None,
    "The sum, NULL if it does not fit.",
    ("try_add(2147483647, 1)", "NULL"),
    build=_try("+"),
)
define(
    "try_subtract(left any, right any) -> number",
    None,
    "The difference, NULL if it does not fit.",
    ("try_subtract(-2147483648, 1)", "NULL"),
    build=_try("-"),
)
define(
    "try_multiply(left any, right any) -> number",
    None,
    "The product, NULL if it does not fit.",
    ("try_multiply(2147483647, 2)", "NULL"),
    build=_try("*"),
)
define(
    "try_divide(left any, right any) -> number",
    None,
    "The quotient, NULL if `right` is 0.",
    ("try_divide(1, 0)", "NULL"),
    ("try_divide(1, 2)", "0.5D"),
    build=_try("/"),
)
define(
    "try_mod(left any, right any) -> number",
    None,
    "The remainder, NULL if `right` is 0.",
    ("try_mod(1, 0)", "NULL"),
    build=_try("%"),
)
define(
    "isnan(value double) -> boolean",
    None,
    "Whether it is NaN; false of NULL.",
    ("isnan(CAST('NaN' AS DOUBLE))", "true"),
    build=_isnan,
)
define(
    "nanvl(value any, otherwise any) -> double",
    None,
    "`value`, or `otherwise` if it is NaN.",
    ("nanvl(CAST('NaN' AS DOUBLE), 1.5D)", "1.5D"),
    build=_nanvl,
)
define(
    "factorial(value int) -> bigint",
    maths.factorial,
    "n!; NULL outside 0 to 20.",
    ("factorial(5)", "120L"),
    gives_null=True,
)
define("bin(value bigint) -> string", None, "Binary digits, of 64 bits if negative.", ("bin(5)", "'101'"), build=_bin)
define(
    "conv(number string, from int, to int) -> string",
    maths.conv,
    "Digits in another base, from 2 to 36.",
    ("conv('ff', 16, 10)", "'255'"),
    gives_null=True,
)
define("bit_count(value any) -> int", None, "How many bits are set.", ("bit_count(5)", "2"), build=_bit_count)
define("shiftleft(value whole, by int) -> whole", None, "Bits moved up.", ("shiftleft(1, 4)", "16"), build=_shift)
define(
    "shiftright(value whole, by int) -> whole",
    None,
    "Bits moved down, the sign kept.",
    ("shiftright(-16, 2)", "-4"),
    build=_shift,
)
define(
    "width_bucket(value double, low double, high double, buckets bigint) -> bigint",
    maths.width_bucket,
    "Which of `buckets` equal parts from `low` to `high` it lies in: 0 below, one more above.",
    ("width_bucket(5.3, 0.2, 10.6, 5)", "3L"),
    gives_null=True,
)
