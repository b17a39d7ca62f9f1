"""What a function is: its signature as text, what computes it, its documentation and examples.

A signature such as `substring(text string, start int[, length int]) -> string` names each parameter and its type.
Parameters in [ ] may be left out; `...` after the last one means any number more. Besides SQL types a parameter may be
`any`, `number` (any numeric type), `whole` (any integral type) or `unit` (a word such as DAY).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from sightline.query.types import DOUBLE, INT, NULL, STRING, Type, parse_type

if TYPE_CHECKING:
    from sightline.query.expressions import Code, Expressions

_SIGNATURE = re.compile(r"(\w+)\((.*)\) -> (.+)")
_SPECIAL = ("any", "number", "whole", "unit", "array")


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str


@dataclass(frozen=True)
class Call:
    """One call being compiled: `codes` are the arguments, each as its parameter's type."""

    e: Expressions
    node: exp.Expression
    arguments: list[exp.Expression]
    codes: list[Code]
    function: Function

    def constant(self, index: int) -> Any:
        """The value of an argument that must be known when the query is compiled."""
        code = self.codes[index]
        if not code.constant:
            name = self.function.parameter(index).name
            raise self.e.error(f"{name} of {self.function.signature} must be a constant", self.arguments[index])
        return code.value

    def error(self, message: str) -> Exception:
        return self.e.error(message, self.node)


@dataclass(frozen=True)
class Function:
    name: str
    signature: str
    family: str
    doc: str
    examples: tuple[tuple[str, str], ...]
    parameters: tuple[Parameter, ...]
    required: int
    variadic: bool
    compile: Callable[[Call], Code]

    def parameter(self, index: int) -> Parameter:
        return self.parameters[min(index, len(self.parameters) - 1)]


FUNCTIONS: dict[str, Function] = {}


def define(
    signature: str,
    compute: Callable[..., Any] | None,
    doc: str,
    *examples: tuple[str, str],
    build: Callable[[Call], Code] | None = None,
    gives_null: bool = False,
    aliases: tuple[str, ...] = (),
) -> None:
    """`compute` is called with the values, NULL if one is NULL; or `build` makes the code."""
    match = _SIGNATURE.fullmatch(signature)
    assert match, signature
    name, inside, result = match.groups()
    variadic, inside = "..." in inside, inside.replace("...", "")
    required = re.sub(r"\[.*?\]", "", inside)
    parameters = tuple(
        Parameter(*each.strip().split(" ", 1)) for each in re.sub(r"[\[\]]", "", inside).split(",") if each.strip()
    )
    needed = sum(bool(each.strip()) for each in required.split(","))
    family = compute_family()

    def called(call: Call) -> Code:
        assert compute is not None
        return call.e.call(compute, parse_type(result), *call.codes, gives_null=gives_null)

    for each in (name, *aliases):
        shown = signature if each == name else signature.replace(name, each, 1)
        text = doc if each == name else f"The same as `{name}`."
        cases = examples if each == name else ()
        assert each not in FUNCTIONS, each
        FUNCTIONS[each] = Function(each, shown, family, text, cases, parameters, needed, variadic, build or called)


_family = [""]


def family(name: str) -> None:
    """What is defined from here on belongs to `name`."""
    _family[0] = name


def compute_family() -> str:
    return _family[0]


def argument(e: Expressions, function: Function, index: int, node: exp.Expression, code: Code) -> Code:
    """`code` as the parameter's type, cast where Spark casts. Raises QueryError."""
    parameter = function.parameter(index)
    if parameter.type in ("any", "array"):
        ok = parameter.type == "any" or code.type.name == "array"
    elif parameter.type == "number":
        if code.type in (STRING, NULL):
            return e.cast(code, DOUBLE)
        ok = code.type.numeric
    elif parameter.type == "whole":
        if code.type == NULL:
            return e.cast(code, INT)
        ok = code.type.integral
    else:
        return _as_type(e, function, parameter, node, code)
    if not ok:
        raise e.error(_refusal(function, parameter, code.type), node)
    return code


def _as_type(e: Expressions, function: Function, parameter: Parameter, node: exp.Expression, code: Code) -> Code:
    from sightline.query.expressions.coercion import implicit_type

    target = parse_type(parameter.type)
    if implicit_type(code.type, target) is None:
        raise e.error(_refusal(function, parameter, code.type), node)
    return e.cast(code, target)


def _refusal(function: Function, parameter: Parameter, given: Type) -> str:
    wanted = {"number": "a number", "whole": "a whole number", "array": "an ARRAY"}.get(
        parameter.type, parameter.type.upper()
    )
    return f"{function.signature}: {parameter.name} is {wanted}, this is {str(given).upper()}"
