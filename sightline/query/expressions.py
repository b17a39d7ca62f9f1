"""One SQL expression as Python source, with Spark's three-valued logic: NULL is None.

An expression that can't be NULL compiles to the bare Python operator; one that can is guarded by
assignment expressions, so each operand is evaluated once. Types are checked here, before anything runs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from sqlglot import exp

from sightline.errors import QueryError
from sightline.query.dialect import offset_of
from sightline.query.schema import Relation, Type, did_you_mean

ErrorAt = Callable[[str, int], QueryError]


@dataclass(frozen=True)
class Code:
    """Python source of a value, and the stage from which on it can be computed."""

    text: str
    type: Type
    nullable: bool
    stage: int


_COMPARISONS: dict[type[exp.Expression], str] = {
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}


class Expressions:
    """Compiles expressions over the relations seen so far. Raises QueryError at the offending token."""

    def __init__(self, error_at: ErrorAt) -> None:
        self.relations: dict[str, Relation] = {}
        self._error_at = error_at
        self._temporaries = count()

    def error(self, message: str, node: exp.Expression) -> QueryError:
        return self._error_at(message, offset_of(node))

    def compile(self, node: exp.Expression) -> Code:
        if isinstance(node, exp.Column):
            return self._column(node)
        if type(node) in _COMPARISONS:
            return self._comparison(node)
        handler = _HANDLERS.get(type(node))
        if handler is None:
            name = node.name if isinstance(node, exp.Anonymous) else node.key
            raise self.error(f"{name.upper()} is not supported yet", node)
        return handler(self, node)

    def condition(self, node: exp.Expression) -> Code:
        """An expression that must be a BOOLEAN."""
        code = self.compile(node)
        if code.type not in (Type.BOOLEAN, Type.NULL):
            raise self.error(f"a BOOLEAN is needed here, this is {code.type.upper()}", node)
        return code

    def _column(self, node: exp.Column) -> Code:
        name, alias = node.name.lower(), node.table.lower()
        if alias:
            if alias not in self.relations:
                raise self.error(f"unknown relation {node.table!r}{did_you_mean(alias, self.relations)}", node)
            owners = [self.relations[alias]]
        else:
            owners = [each for each in self.relations.values() if name in each.columns]
        if len(owners) > 1:
            raise self.error(f"{node.name!r} is in {' and '.join(each.alias for each in owners)}: qualify it", node)
        known = {column for each in owners or self.relations.values() for column in each.columns}
        if not owners or name not in owners[0].columns:
            raise self._error_at(f"unknown column {node.name!r}{did_you_mean(name, known)}", offset_of(node.this))
        column = owners[0].columns[name]
        return Code(column.read.format(row=owners[0].variable), column.type, column.nullable, owners[0].stage)

    def _literal(self, node: exp.Expression) -> Code:
        assert isinstance(node, exp.Literal)
        if node.is_string:
            return Code(repr(node.this), Type.STRING, False, 0)
        kind = Type.BIGINT if node.is_int else Type.DOUBLE
        value = int(node.this) if node.is_int else float(node.this)
        return Code(repr(value), kind, False, 0)

    def _boolean(self, node: exp.Expression) -> Code:
        return Code(repr(bool(node.this)), Type.BOOLEAN, False, 0)

    def _null(self, _: exp.Expression) -> Code:
        return Code("None", Type.NULL, True, 0)

    def _paren(self, node: exp.Expression) -> Code:
        return self.compile(node.this)

    def _comparison(self, node: exp.Expression) -> Code:
        left, right = self.compile(node.this), self.compile(node.expression)
        self._check_comparable(node, left, right)
        return self._null_safe(lambda a, b: f"{a} {_COMPARISONS[type(node)]} {b}", Type.BOOLEAN, left, right)

    def _between(self, node: exp.Expression) -> Code:
        low = exp.GTE(this=node.this, expression=node.args["low"])
        high = exp.LTE(this=node.this, expression=node.args["high"])
        return self.compile(exp.And(this=low, expression=high))

    def _in(self, node: exp.Expression) -> Code:
        if not node.expressions:
            raise self.error("IN needs a list of values", node)
        alternatives = [exp.EQ(this=node.this, expression=each) for each in node.expressions]
        whole: exp.Expression = alternatives[0]
        for each in alternatives[1:]:
            whole = exp.Or(this=whole, expression=each)
        return self.compile(whole)

    def _is(self, node: exp.Expression) -> Code:
        value = self.compile(node.this)
        if not isinstance(node.expression, exp.Null | exp.Boolean):
            raise self.error("IS is followed by [NOT] NULL, TRUE or FALSE", node)
        wanted = self.compile(node.expression)
        return Code(f"({value.text} is {wanted.text})", Type.BOOLEAN, False, value.stage)

    def _not(self, node: exp.Expression) -> Code:
        value = self.condition(node.this)
        return self._null_safe(lambda a: f"not {a}", Type.BOOLEAN, value)

    def _and(self, node: exp.Expression) -> Code:
        return self._logic(node, "and", "False")

    def _or(self, node: exp.Expression) -> Code:
        return self._logic(node, "or", "True")

    def _logic(self, node: exp.Expression, operator: str, decides: str) -> Code:
        """AND and OR: one side decides alone, whatever the other is; else NULL if either is."""
        left, right = self.condition(node.this), self.condition(node.expression)
        stage = max(left.stage, right.stage)
        if not (left.nullable or right.nullable):
            return Code(f"({left.text} {operator} {right.text})", Type.BOOLEAN, False, stage)
        a, b = self._temporary(), self._temporary()
        other = "True" if decides == "False" else "False"
        text = (
            f"({decides} if ({a} := {left.text}) is {decides} else {decides} if ({b} := {right.text}) is {decides} "
            f"else None if {a} is None or {b} is None else {other})"
        )
        return Code(text, Type.BOOLEAN, True, stage)

    def _coalesce(self, node: exp.Expression) -> Code:
        parts = [self.compile(each) for each in (node.this, *node.expressions)]
        kind = next((each.type for each in parts if each.type is not Type.NULL), Type.NULL)
        for each in parts:
            if each.type not in (kind, Type.NULL):
                raise self.error(f"COALESCE mixes {kind.upper()} and {each.type.upper()}", node)
        text = parts[-1].text
        for each in reversed(parts[:-1]):
            held = self._temporary()
            text = f"({held} if ({held} := {each.text}) is not None else {text})"
        return Code(text, kind, all(each.nullable for each in parts), max(each.stage for each in parts))

    def _check_comparable(self, node: exp.Expression, left: Code, right: Code) -> None:
        kinds = {left.type, right.type} - {Type.NULL}
        if Type.BINARY in kinds:
            raise self.error("images can't be compared", node)
        if len(kinds) == 2 and not (left.type.numeric and right.type.numeric):
            raise self.error(f"can't compare {left.type.upper()} with {right.type.upper()}", node)

    def _null_safe(self, operate: Callable[..., str], kind: Type, *operands: Code) -> Code:
        """`operate` on the operands' values, or NULL if any is NULL."""
        stage = max(each.stage for each in operands)
        if not any(each.nullable for each in operands):
            return Code(f"({operate(*(each.text for each in operands))})", kind, False, stage)
        names = [self._temporary() for _ in operands]
        guards = " or ".join(f"({name} := {each.text}) is None" for name, each in zip(names, operands, strict=True))
        return Code(f"(None if {guards} else {operate(*names)})", kind, True, stage)

    def _temporary(self) -> str:
        return f"t{next(self._temporaries)}"


_HANDLERS: dict[type[exp.Expression], Callable[[Expressions, exp.Expression], Code]] = {
    exp.Literal: Expressions._literal,
    exp.Boolean: Expressions._boolean,
    exp.Null: Expressions._null,
    exp.Paren: Expressions._paren,
    exp.Between: Expressions._between,
    exp.In: Expressions._in,
    exp.Is: Expressions._is,
    exp.Not: Expressions._not,
    exp.And: Expressions._and,
    exp.Or: Expressions._or,
    exp.Coalesce: Expressions._coalesce,
}
