"""The syntax tree as a plan: each predicate as soon as its columns are there, the models last, on what is left."""

from dataclasses import replace

from sqlglot import exp

from sightline.errors import QueryError
from sightline.query.dialect import parse, parse_expression
from sightline.query.expressions import Code, Expressions
from sightline.query.pipeline import PipelineFile
from sightline.query.planning.grouping import aggregates_of, plan_grouping
from sightline.query.planning.joins import plan_join
from sightline.query.planning.models import plan_explode, plan_models
from sightline.query.planning.nodes import Plan
from sightline.query.planning.scope import Scope, UsedColumns, conjuncts, table_name
from sightline.query.schema import Column, Relation, did_you_mean
from sightline.query.types import BINARY, TIMESTAMP

EVENT_TIME = "time_us"
"""The variable of generated code that holds the row's event time."""

_LATER = {
    "distinct": "SELECT DISTINCT",
    "order": "ORDER BY",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "with_": "WITH",
    "laterals": "LATERAL VIEW",
    "windows": "WINDOW",
    "qualify": "QUALIFY",
}
_PLANNED = {"kind", "expressions", "from_", "joins", "where", "group", "having"}


def plan(file: PipelineFile, columns: dict[str, Column]) -> tuple[Plan, Expressions]:
    """The plan of a pipeline, and the expressions whose namespace its code uses.

    `columns` are the source's; the tables' must be known, too. Raises QueryError.
    """
    return _Planner(file, columns).plan()


class _Planner:
    def __init__(self, file: PipelineFile, columns: dict[str, Column]) -> None:
        self._file, self._scope = file, Scope(file)
        self._used: set[str] = set()
        self._own = UsedColumns(columns, self._used)
        self._columns = UsedColumns(columns | {"time": Column(TIMESTAMP, False, EVENT_TIME)}, self._used)
        self._select = parse(file)

    def plan(self) -> tuple[Plan, Expressions]:
        self._refuse_unsupported()
        plan = self._source()
        self._models_first(plan)
        for join in self._select.args.get("joins") or ():
            if isinstance(join.this, exp.Lateral):
                plan_explode(self._scope, plan, join)
            elif plan.explode:
                raise self._scope.error("join tables before the model's LATERAL", join)
            else:
                plan.joins.append(plan_join(self._scope, join, len(plan.joins)))
        if where := self._select.args.get("where"):
            for conjunct in conjuncts(where.this):
                self._predicate(plan, conjunct)
        stars = self._stars(plan)
        if self._select.args.get("group") or any(aggregates_of(self._select)):
            plan_grouping(self._scope, plan, self._select)
        elif self._select.args.get("having"):
            raise self._scope.error("HAVING needs GROUP BY", self._select.args["having"])
        self._output(plan, stars)
        plan.source_columns = frozenset(self._used)
        return plan, self._scope.expressions

    def _models_first(self, plan: Plan) -> None:
        """A call's answer may stand anywhere, so calls are planned before what reads them."""
        joins = sum(not isinstance(each.this, exp.Lateral) for each in self._select.args.get("joins") or ())
        plan_models(self._scope, plan, self._select, stage=joins + 1)

    def _refuse_unsupported(self) -> None:
        for name, part in self._select.args.items():
            if part and name not in _PLANNED:
                what = _LATER.get(name, name.rstrip("_").upper())
                node = part[0] if isinstance(part, list) else part
                message = f"{what} is not supported in a stream"
                if isinstance(node, exp.Expression):
                    raise self._scope.error(message, node)
                raise self._file.query_error(message, 0)
        if not self._select.args.get("from_"):
            raise self._file.query_error("FROM is missing", 0)
        for subquery in self._select.find_all(exp.Subquery, exp.Exists):
            raise self._scope.error("subqueries are not supported in a stream; join a table", subquery)

    def _source(self) -> Plan:
        table = self._select.args["from_"].this
        name, sources = table_name(self._scope, table), self._file.pipeline.sources
        if name not in sources:
            raise self._scope.error(f"unknown source {name!r}{did_you_mean(name, sources)}", table)
        relation = self._scope.add(table, self._columns, "row")
        event_time = self._event_time(name, relation)
        reads = [self._own[each].read.format(row=relation.variable) for each in sorted(self._used)]
        return Plan(name, relation, event_time, reads[0] if event_time and len(reads) == 1 else None)

    def _event_time(self, name: str, relation: Relation) -> Code | None:
        """`event_time` of the source over its own columns; what the query calls `time` is computed from it once."""
        source = self._file.pipeline.sources[name]
        if source.key is not None and source.key not in self._columns:
            raise self._file.error(
                f"{source.key!r} is not a column of the source{did_you_mean(source.key, self._columns)}",
                f"sources.{name}.key",
            )
        text = source.event_time or ("time" if "time" in self._own else None)
        if text is None:
            return None

        def error_at(message: str, offset: int) -> QueryError:
            return self._file.event_time_error(name, message, offset)

        if "time" in self._own and text.strip().lower() != "time":
            raise error_at("the source has a column `time`, by which the query would call this: rename one", 0)
        expressions = Expressions(error_at)
        expressions.namespace = self._scope.expressions.namespace
        expressions.relations = {relation.alias: replace(relation, columns=self._own)}
        try:
            code = expressions.compile(parse_expression(text))
        except ValueError as error:
            raise error_at(str(error), 0) from None
        if code.type != TIMESTAMP:
            raise error_at(f"a TIMESTAMP is needed here, this is {code.type}", 0)
        return code

    def _predicate(self, plan: Plan, node: exp.Expression) -> None:
        if any(aggregates_of(node)):
            raise self._scope.error("an aggregate can't stand in WHERE; use HAVING", node)
        code = self._scope.expressions.condition(node)
        plan.predicates.setdefault(code.stage, []).append(code)
        plan.predicate_texts.setdefault(code.stage, []).append(node.sql("spark"))

    def _stars(self, plan: Plan) -> dict[int, list[tuple[str, Code]]]:
        """The columns of each `*` of SELECT, by its place; BINARY ones are left out."""
        stars = {}
        for place, node in enumerate(self._select.expressions):
            if isinstance(node, exp.Star):
                wanted = list(self._scope.expressions.relations.values())
            elif isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
                alias = node.table.lower()
                if alias not in self._scope.expressions.relations:
                    known = did_you_mean(alias, self._scope.expressions.relations)
                    raise self._scope.error(f"unknown relation {node.table!r}{known}", node)
                wanted = [self._scope.expressions.relations[alias]]
            else:
                continue
            stars[place] = [
                (name, Code(column.read.format(row=relation.variable), column.type, column.nullable, relation.stage))
                for relation in wanted
                for name, column in ((each, relation.columns[each]) for each in relation.columns)
                if column.type != BINARY
            ]
        return stars

    def _output(self, plan: Plan, stars: dict[int, list[tuple[str, Code]]]) -> None:
        for place, node in enumerate(self._select.expressions):
            if place in stars:
                if plan.grouping:
                    raise self._scope.error("* can't stand in a query with GROUP BY", node)
                for name, code in stars[place]:
                    self._add_output(plan, name, code, node)
                continue
            code = self._compile_output(plan, node.unalias())
            name = node.alias_or_name
            if not name:
                raise self._scope.error("give this expression a name: … AS name", node)
            self._add_output(plan, name, code, node)
        for key in self._file.pipeline.sink.key:
            if key not in plan.output:
                message = f"{key!r} is not a column of the query{did_you_mean(key, plan.output)}"
                raise self._file.error(message, "sink.key")

    def _compile_output(self, plan: Plan, node: exp.Expression) -> Code:
        try:
            return self._scope.expressions.compile(node)
        except QueryError as error:
            if plan.grouping and error.message.startswith("unknown column"):
                raise self._scope.error(
                    f"{node.sql('spark')} is neither in GROUP BY nor inside an aggregate", node
                ) from None
            raise

    def _add_output(self, plan: Plan, name: str, code: Code, node: exp.Expression) -> None:
        if code.type == BINARY:
            raise self._scope.error(
                "an image or other BINARY can't be sent to a sink; refer to it by the match's ce_origin", node
            )
        if name in plan.output:
            raise self._scope.error(f"two columns are named {name!r}", node)
        plan.output[name] = code
