"""What goes wrong with one row's values at run time. Messages begin with Spark's error class."""

from typing import NoReturn

SHOWN_CHARACTERS_MAX = 100


class EvalError(ValueError):
    """An expression has no value for this row; the row is refused, the pipeline goes on."""


def overflow(type_name: str) -> NoReturn:
    raise EvalError(f"[ARITHMETIC_OVERFLOW] the result does not fit {type_name.upper()}; see try_add and its kin")


def division_by_zero() -> NoReturn:
    raise EvalError("[DIVIDE_BY_ZERO] division by zero; try_divide gives NULL instead")


def remainder_by_zero() -> NoReturn:
    raise EvalError("[REMAINDER_BY_ZERO] remainder by zero; try_mod gives NULL instead")


def bad_cast(value: object, source: str, target: str) -> EvalError:
    return EvalError(
        f"[CAST_INVALID_INPUT] the {source.upper()} {shown(value)} is not a valid {target.upper()}; "
        "try_cast gives NULL instead"
    )


def cast_overflow(value: object, source: str, target: str) -> EvalError:
    return EvalError(f"[CAST_OVERFLOW] the {source.upper()} {shown(value)} does not fit {target.upper()}")


def out_of_range(value: object, target: str) -> EvalError:
    return EvalError(f"[NUMERIC_VALUE_OUT_OF_RANGE] {shown(value)} does not fit {target.upper()}")


def shown(value: object) -> str:
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "…"
