"""JOIN with a table: ON taken apart into the key that is looked up and the rest."""

from dataclasses import replace

from sqlglot import exp

from sightline.query.expressions import Code
from sightline.query.expressions.coercion import common_type
from sightline.query.planning.nodes import Join, JoinKind
from sightline.query.planning.scope import Scope, conjuncts, table_name
from sightline.query.schema import Column, Relation, did_you_mean, table_columns

_KINDS = {
    "": JoinKind.INNER,
    "INNER": JoinKind.INNER,
    "LEFT": JoinKind.LEFT,
    "LEFT OUTER": JoinKind.LEFT,
    "LEFT SEMI": JoinKind.SEMI,
    "SEMI": JoinKind.SEMI,
    "LEFT ANTI": JoinKind.ANTI,
    "ANTI": JoinKind.ANTI,
}


def plan_join(scope: Scope, join: exp.Join, number: int) -> Join:
    """Adds the table's relation to the scope, but for a semi or anti join, whose columns nobody sees. QueryError."""
    text = " ".join(filter(None, (join.method, join.side, join.kind)))
    kind = _KINDS.get(text)
    if kind is None or join.args.get("using"):
        found = "USING" if kind else f"{text} JOIN"
        raise scope.error(f"{found} is not supported; write [INNER | LEFT | LEFT SEMI | LEFT ANTI] JOIN … ON", join)
    name = table_name(scope, join.this)
    if name in scope.pipeline.sources:
        raise scope.error("a join of two streams is not supported yet; join a table", join.this)
    if name not in scope.pipeline.tables:
        raise scope.error(f"unknown table {name!r}{did_you_mean(name, scope.pipeline.tables)}", join.this)
    on = join.args.get("on")
    if on is None:
        raise scope.error("ON is missing", join.this)
    left = dict(scope.expressions.relations)
    # Aliases that semi and anti joins took are free again, their stages are not.
    relation = _add(scope, join, table_columns(scope.pipeline.tables[name]), number)
    planned = _Condition(scope, left, relation, scope.pipeline.tables[name].key).split(on)
    if kind in (JoinKind.SEMI, JoinKind.ANTI):
        del scope.expressions.relations[relation.alias]
    elif kind is JoinKind.LEFT:
        scope.expressions.relations[relation.alias] = _outer(relation)
    return Join(kind, name, relation, *planned, text=on.sql("spark"))


def _add(scope: Scope, join: exp.Join, columns: dict[str, Column], number: int) -> Relation:
    relation = replace(scope.add(join.this, columns, f"row{number}"), stage=number + 1)
    scope.expressions.relations[relation.alias] = relation
    return relation


def _outer(relation: Relation) -> Relation:
    """The relation as LEFT JOIN gives it: its row may be missing."""
    columns = {
        name: Column(each.type, True, f"(None if {{row}} is None else {each.read})")
        for name, each in relation.columns.items()
    }
    return replace(relation, columns=columns)


class _Condition:
    """Splits ON into (key, index, residual)."""

    def __init__(self, scope: Scope, left: dict[str, Relation], relation: Relation, table_key: str) -> None:
        self._scope, self._left, self._relation, self._table_key = scope, left, relation, table_key

    def split(self, on: exp.Expression) -> tuple[Code, Code | None, tuple[Code, ...]]:
        equalities: list[tuple[Code, Code]] = []
        direct: Code | None = None
        residual: list[exp.Expression] = []
        for each in conjuncts(on):
            self._scope.expressions.condition(each)
            pair = self._equality(each)
            if pair is None:
                residual.append(each)
            elif direct is None and self._is_table_key(pair[1]):
                direct = pair[0]
            else:
                equalities.append(pair)
                residual.append(each)
        if direct is not None:
            return direct, None, self._conditions(residual)
        if not equalities:
            what = f"<expression> = {self._relation.alias}.{self._table_key}"
            raise self._scope.error(f"ON needs an equality with a column of the table, such as {what}", on)
        rest = [each for each in residual if self._equality(each) is None]
        keys, indexes = zip(*equalities, strict=True)
        return _tuple(keys), _tuple(indexes), self._conditions(rest)

    def _conditions(self, nodes: list[exp.Expression]) -> tuple[Code, ...]:
        return tuple(self._scope.expressions.condition(each) for each in nodes)

    def _is_table_key(self, code: Code) -> bool:
        return code.text == self._relation.columns[self._table_key].read.format(row=self._relation.variable)

    def _equality(self, node: exp.Expression) -> tuple[Code, Code] | None:
        """(side over the left, side over the table) of an equality that has one each."""
        if not isinstance(node, exp.EQ):
            return None
        for mine, other in ((node.this, node.expression), (node.expression, node.this)):
            if self._compiles(mine, {self._relation.alias: self._relation}) and self._compiles(other, self._left):
                left, right = self._comparable(other, mine)
                if left.type.nested:
                    return None  # compared, never looked up
                # Spark's NaN equals itself and -0.0 equals 0.0; a hash look-up knows only the latter.
                if left.type.fractional:
                    raise self._scope.error("a join on a floating-point number is not supported; CAST it", node)
                if right.stage == self._relation.stage:
                    return left, right
        return None

    def _comparable(self, left: exp.Expression, right: exp.Expression) -> tuple[Code, Code]:
        """Both sides in the type in which `=` compares them; that they can be compared is known."""
        expressions = self._scope.expressions
        codes = expressions.compile(left), expressions.compile(right)
        kind = common_type(codes[0].type, codes[1].type)
        assert kind is not None
        return expressions.cast(codes[0], kind), expressions.cast(codes[1], kind)

    def _compiles(self, node: exp.Expression, relations: dict[str, Relation]) -> bool:
        return self._scope.within(relations, lambda: void(self._scope.expressions.compile(node)))


def void(_: object) -> None:
    """For a call whose result is not wanted."""


def _tuple(codes: tuple[Code, ...]) -> Code:
    """One code as it is; several as a tuple that is None where one of them is: NULL equals nothing."""
    if len(codes) == 1:
        return codes[0]
    text = "(" + ", ".join(each.text for each in codes) + ")"
    nullable = any(each.nullable for each in codes)
    if nullable:
        text = f"(None if None in (k := {text}) else k)"
    return Code(text, codes[0].type, nullable, max(each.stage for each in codes))
