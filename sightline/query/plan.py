"""What runs when: each predicate as soon as its columns are there, the model last and only on rows that are left.

events → predicates on the event → join, predicates on its row → ... → model → predicates on its answer → columns
"""

from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from sightline.errors import QueryError
from sightline.query.dialect import offset_of, parse
from sightline.query.expressions import Code, Expressions
from sightline.query.pipeline import PipelineFile
from sightline.query.schema import (
    PREDICTION_COLUMNS,
    Relation,
    did_you_mean,
    event_columns,
    table_columns,
)
from sightline.query.types import BINARY

TOP_K_MAX = 100


@dataclass(frozen=True)
class Join:
    """An inner join on the table's key."""

    table: str
    relation: Relation
    key: Code


@dataclass(frozen=True)
class ModelCall:
    """`predict(model, image, k)`, its rows in `relation`."""

    model: str
    top_k: int
    relation: Relation
    offset: int


@dataclass
class Plan:
    """`predicates[n]` are those that can be decided once the rows of stage n are there."""

    event: Relation
    joins: list[Join] = field(default_factory=list)
    model: ModelCall | None = None
    predicates: dict[int, list[Code]] = field(default_factory=dict)
    output: dict[str, Code] = field(default_factory=dict)
    namespace: dict[str, Any] = field(default_factory=dict)


def plan(file: PipelineFile) -> Plan:
    """The plan of a pipeline whose tables' columns are known. Raises QueryError."""
    return _Planner(file).plan()


class _Planner:
    def __init__(self, file: PipelineFile) -> None:
        self._file, self._pipeline = file, file.pipeline
        self._select = parse(file)
        self._expressions = Expressions(file.query_error)

    def plan(self) -> Plan:
        self._refuse_unsupported()
        plan = Plan(self._source(), namespace=self._expressions.namespace)
        for join in self._select.args.get("joins") or ():
            self._join(plan, join)
        if where := self._select.args.get("where"):
            for conjunct in _conjuncts(where.this):
                self._predicate(plan, conjunct)
        self._output(plan)
        return plan

    def _refuse_unsupported(self) -> None:
        allowed = {"kind", "expressions", "from_", "joins", "where"}
        for name, part in self._select.args.items():
            if part and name not in allowed:
                node = part[0] if isinstance(part, list) else part
                if isinstance(node, exp.Expression):
                    raise self._error(f"{name.rstrip('_').upper()} is not supported yet", node)
                raise self._file.query_error(f"{name.rstrip('_').upper()} is not supported yet", 0)
        if not self._select.args.get("from_"):
            raise self._file.query_error("FROM is missing", 0)

    def _source(self) -> Relation:
        table = self._select.args["from_"].this
        name = self._table_name(table)
        if name not in self._pipeline.sources:
            raise self._error(f"unknown source {name!r}{did_you_mean(name, self._pipeline.sources)}", table)
        return self._add(table, event_columns(self._pipeline.sources[name]), "event")

    def _join(self, plan: Plan, join: exp.Join) -> None:
        if isinstance(join.this, exp.Lateral):
            self._lateral(plan, join)
            return
        if plan.model:
            raise self._error("join tables before the model's LATERAL", join)
        kind = " ".join(filter(None, (join.method, join.side, join.kind))) or "INNER"
        if kind != "INNER":
            raise self._error(f"{kind} JOIN is not supported yet", join)
        name = self._table_name(join.this)
        if name not in self._pipeline.tables:
            raise self._error(f"unknown table {name!r}{did_you_mean(name, self._pipeline.tables)}", join)
        table = self._pipeline.tables[name]
        seen = dict(self._expressions.relations)
        relation = self._add(join.this, table_columns(table), f"row{len(plan.joins)}")
        plan.joins.append(Join(name, relation, self._join_key(join, relation, table.key, seen)))

    def _join_key(self, join: exp.Join, relation: Relation, key: str, seen: dict[str, Relation]) -> Code:
        """The side of ON that is not the table's key, compiled over the relations before it."""
        on = join.args.get("on")
        hint = f"ON must be <expression> = {relation.alias}.{key}, the table's key"
        if not isinstance(on, exp.EQ):
            raise self._error(hint, on if on is not None else join)
        self._expressions.condition(on)
        sides = [on.this, on.expression]
        own = [
            each
            for each in sides
            if isinstance(each, exp.Column) and (each.table.lower(), each.name.lower()) == (relation.alias, key)
        ]
        if len(own) != 1:
            raise self._error(hint, on)
        other = sides[1 - sides.index(own[0])]
        with_table, self._expressions.relations = self._expressions.relations, seen
        code = self._expressions.compile(other)
        self._expressions.relations = with_table
        return code

    def _lateral(self, plan: Plan, join: exp.Join) -> None:
        """CROSS JOIN LATERAL inline(predict('model', e.image[, k])) p"""
        call = join.this.this.this if isinstance(join.this.this, exp.Inline) else None
        wanted = "LATERAL inline(predict('model', image[, k])) alias"
        if join.kind != "CROSS" or not isinstance(call, exp.Anonymous) or call.name.lower() != "predict":
            raise self._error(f"only CROSS JOIN {wanted} is supported yet", join)
        if plan.model:
            raise self._error("one model call a query is supported yet", join)
        arguments = call.expressions
        if len(arguments) not in (2, 3) or not (isinstance(arguments[0], exp.Literal) and arguments[0].is_string):
            raise self._error(f"write {wanted}", call)
        if self._expressions.compile(arguments[1]).type != BINARY:
            raise self._error("the second argument of predict must be an image", arguments[1])
        relation = self._add(join.this, PREDICTION_COLUMNS, "prediction")
        plan.model = ModelCall(arguments[0].this, self._top_k(arguments), relation, offset_of(arguments[0]))

    def _top_k(self, arguments: list[exp.Expression]) -> int:
        if len(arguments) < 3:
            return 1
        if not (
            isinstance(arguments[2], exp.Literal) and arguments[2].is_int and 1 <= int(arguments[2].this) <= TOP_K_MAX
        ):
            raise self._error(f"k must be a whole number from 1 to {TOP_K_MAX}", arguments[2])
        return int(arguments[2].this)

    def _predicate(self, plan: Plan, node: exp.Expression) -> None:
        code = self._expressions.condition(node)
        plan.predicates.setdefault(code.stage, []).append(code)

    def _output(self, plan: Plan) -> None:
        for node in self._select.expressions:
            if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
                raise self._error("* is not supported yet: name the columns", node)
            code = self._expressions.compile(node.this if isinstance(node, exp.Alias) else node)
            if code.type == BINARY:
                raise self._error("an image can't be sent to a sink; refer to it by the match's ce_origin", node)
            name = node.alias_or_name
            if not name:
                raise self._error("give this expression a name: ... AS name", node)
            if name in plan.output:
                raise self._error(f"two columns are named {name!r}", node)
            plan.output[name] = code
        for key in self._pipeline.sink.key:
            if key not in plan.output:
                raise self._file.error(
                    f"{key!r} is not a column of the query{did_you_mean(key, plan.output)}", "sink.key"
                )

    def _add(self, node: exp.Expression, columns: dict, variable: str) -> Relation:  # type: ignore[type-arg]
        alias = (node.alias_or_name or "").lower()
        if not alias:
            raise self._error("an alias is missing", node)
        if alias in self._expressions.relations:
            raise self._error(f"two relations are named {alias!r}", node)
        relation = Relation(alias, columns, len(self._expressions.relations), variable)
        self._expressions.relations[alias] = relation
        return relation

    def _table_name(self, node: exp.Expression) -> str:
        if not isinstance(node, exp.Table) or node.args.get("db"):
            raise self._error("the name of a source or table is expected", node)
        return node.name

    def _error(self, message: str, node: exp.Expression) -> QueryError:
        return self._file.query_error(message, offset_of(node))


def _conjuncts(node: exp.Expression) -> list[exp.Expression]:
    if isinstance(node, exp.Paren):
        return _conjuncts(node.this)
    if isinstance(node, exp.And):
        return _conjuncts(node.this) + _conjuncts(node.expression)
    return [node]
