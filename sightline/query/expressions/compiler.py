"""The entry: one node of the syntax tree as Code."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal as Number
from itertools import count
from math import isfinite
from typing import Any

from sqlglot import exp

from sightline.errors import QueryError
from sightline.query.dialect import offset_of
from sightline.query.errors import EvalError
from sightline.query.expressions.casts import cast_code
from sightline.query.expressions.code import CastError, Code, ErrorAt
from sightline.query.expressions.coercion import implicit_type
from sightline.query.expressions.handlers import handlers
from sightline.query.schema import Relation
from sightline.query.types import BOOLEAN, NULL, Type

_SIMPLE = re.compile(r"[A-Za-z_][\w.]*|\d+")


class Expressions:
    """Compiles expressions over the relations seen so far. Raises QueryError at the offending token.

    `namespace` is what the generated source uses by name: exec the source with it.
    `substitutes` holds what the planner has computed already (a model's answer, an aggregate, a group's key): a node
    that equals one of these is not compiled again.
    """

    def __init__(self, error_at: ErrorAt) -> None:
        self.relations: dict[str, Relation] = {}
        self.namespace: dict[str, Any] = {}
        self.substitutes: dict[exp.Expression, Code] = {}
        self._error_at = error_at
        self._temporaries = count()
        self._constants = count()

    def error(self, message: str, node: exp.Expression) -> QueryError:
        return self._error_at(message, offset_of(node))

    def compile(self, node: exp.Expression) -> Code:
        if self.substitutes and node in self.substitutes:
            return self.substitutes[node]
        handler = handlers().get(type(node))
        if handler is None:
            raise self.error(f"{node.key.upper()} is not supported{_hint(node)}", node)
        try:
            return self.fold(handler(self, node))
        except CastError as error:
            raise self.error(str(error), node) from None

    def condition(self, node: exp.Expression) -> Code:
        """An expression that must be a BOOLEAN."""
        code = self.compile(node)
        if code.type not in (BOOLEAN, NULL):
            raise self.error(f"a BOOLEAN is needed here, this is {shown(code.type)}", node)
        return code

    def coerce(self, code: Code, target: Type, node: exp.Expression | None = None) -> Code:
        """`code` as a `target`, where Spark casts without being asked. Raises QueryError elsewhere."""
        if code.type == target:
            return code
        if implicit_type(code.type, target) != target:
            message = f"{shown(target)} is needed here, this is {shown(code.type)}: write CAST(… AS {shown(target)})"
            raise self.error(message, node) if node is not None else self._error_at(message, 0)
        return self.cast(code, target)

    def cast(self, code: Code, target: Type) -> Code:
        """`code` as a `target`, for types between which CAST is allowed. Raises CastError elsewhere."""
        return self.fold(cast_code(self, code, target))

    def null_safe(
        self,
        operate: Callable[..., str],
        kind: Type,
        *operands: Code,
        gives_null: bool = False,
        reuse: bool = False,
        last_first: bool = False,
    ) -> Code:
        """`operate` on the operands' values, or NULL if any is NULL.

        `gives_null`: it may be NULL of values too. `reuse`: the text names an operand twice, so it must be cheap.
        Operands are computed in turn, and none after one that is NULL: `last_first` from the last, as Spark divides.
        """
        if any(each.type == NULL for each in operands):
            return Code("None", kind, True, 0, constant=True)
        names, guards = [each.text for each in operands], list[str]()
        indices = range(len(operands))
        for index in reversed(indices) if last_first else indices:
            each = operands[index]
            later = operands[:index] if last_first else operands[index + 1 :]
            # One that can fail is computed before another that may be NULL.
            early = reuse or any(other.nullable for other in later)
            if each.nullable or (early and not each.constant and not _SIMPLE.fullmatch(each.text)):
                names[index] = self.temporary()
                guards.append(f"({names[index]} := {each.text}) is None")
        text = operate(*names)
        text = f"(None if {' or '.join(guards)} else {text})" if guards else f"({text})"
        return self.code(text, kind, gives_null or any(each.nullable for each in operands), *operands)

    def call(self, function: Callable[..., Any], kind: Type, *operands: Code, **options: bool) -> Code:
        """A run-time helper called with the operands' values; NULL, and `options`, as in `null_safe`."""
        name = self.use(function)
        return self.null_safe(lambda *names: f"{name}({', '.join(names)})", kind, *operands, **options)

    def code(self, text: str, kind: Type, nullable: bool, *operands: Code) -> Code:
        """`text` computed from `operands`."""
        stage = max((each.stage for each in operands), default=0)
        constant = all(each.constant for each in operands)
        return Code(text, kind, nullable, stage, constant=constant, value=_UNKNOWN if constant else None)

    def fold(self, code: Code) -> Code:
        """A constant is computed now; one that fails is left to fail when a row needs it."""
        if not code.constant or code.value is not _UNKNOWN:
            return code
        try:
            # Inside a function, as generated source is: its own inner functions see the names that it assigns.
            value = eval(f"(lambda: {code.text})()", self.namespace, {})
        except EvalError:
            return Code(code.text, code.type, code.nullable, 0)
        return self.constant(value, code.type)

    def constant(self, value: Any, kind: Type, literal: bool = False) -> Code:
        return Code(self._source(value), kind, value is None, 0, constant=True, value=value, literal=literal)

    def use(self, function: Callable[..., Any]) -> str:
        """The name by which generated source calls `function`."""
        name = function.__name__
        if self.namespace.setdefault(name, function) is not function:
            raise AssertionError(f"two run-time helpers are named {name}")
        return name

    def keep(self, value: Any) -> str:
        """The name by which generated source reads `value`."""
        name = f"k{next(self._constants)}"
        self.namespace[name] = value
        return name

    def temporary(self) -> str:
        return f"t{next(self._temporaries)}"

    def _source(self, value: Any) -> str:
        if value is None or isinstance(value, bool | str | bytes):
            return repr(value)
        if isinstance(value, int | float) and isfinite(value):
            return repr(value) if value > 0 or repr(value) == "0" else f"({value!r})"
        if isinstance(value, Number | date):
            for name, held in self.namespace.items():
                if type(held) is type(value) and held == value and str(held) == str(value):
                    return name
        return self.keep(value)


class _Unknown:
    """The value of a constant that has not been computed yet."""


_UNKNOWN = _Unknown()


def shown(kind: Type) -> str:
    return str(kind).upper()


def _hint(node: exp.Expression) -> str:
    if isinstance(node, exp.AggFunc):
        return " here: an aggregate belongs to a query with GROUP BY"
    if isinstance(node, exp.CurrentTimestamp | exp.CurrentDate):
        return ": a replay would give another result; use the event's time"
    return ""


Handlers = Mapping[type[exp.Expression], Callable[[Expressions, Any], Code]]
