"""What the parts of the planner share: the file, the expressions, and the relations named so far."""

from collections.abc import Callable, Iterator, Mapping

from sqlglot import exp

from sightline.errors import QueryError
from sightline.query.dialect import offset_of
from sightline.query.expressions import Expressions
from sightline.query.pipeline import PipelineFile
from sightline.query.schema import Column, Relation


class UsedColumns(Mapping[str, Column]):
    """Columns that remember which of them were read, so that only those are decoded."""

    def __init__(self, columns: Mapping[str, Column], used: set[str]) -> None:
        self._columns, self.used = columns, used

    def __getitem__(self, name: str) -> Column:
        column = self._columns[name]
        self.used.add(name)
        return column

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class Scope:
    """Relations by alias, in the order of FROM; the stage of each is its place in it."""

    def __init__(self, file: PipelineFile) -> None:
        self.file, self.pipeline = file, file.pipeline
        self.expressions = Expressions(file.query_error)

    def error(self, message: str, node: exp.Expression) -> QueryError:
        return self.file.query_error(message, offset_of(node))

    def add(self, node: exp.Expression, columns: Mapping[str, Column], variable: str) -> Relation:
        """Name a relation by its alias. Raises QueryError where it has none or another has it."""
        alias = (node.alias_or_name or "").lower()
        if not alias:
            raise self.error("an alias is missing", node)
        if alias in self.expressions.relations:
            raise self.error(f"two relations are named {alias!r}", node)
        relation = Relation(alias, columns, len(self.expressions.relations), variable)
        self.expressions.relations[alias] = relation
        return relation

    def within(self, relations: Mapping[str, Relation], compile_it: Callable[[], None]) -> bool:
        """Whether something compiles with no more than these relations."""
        all_relations, self.expressions.relations = self.expressions.relations, dict(relations)
        try:
            compile_it()
        except QueryError:
            return False
        finally:
            self.expressions.relations = all_relations
        return True


def table_name(scope: Scope, node: exp.Expression) -> str:
    if not isinstance(node, exp.Table) or node.args.get("db"):
        raise scope.error("the name of a source or table is expected", node)
    return str(node.name)


def conjuncts(node: exp.Expression) -> list[exp.Expression]:
    """The parts of a condition that AND connects."""
    if isinstance(node, exp.Paren):
        return conjuncts(node.this)
    if isinstance(node, exp.And):
        return conjuncts(node.this) + conjuncts(node.expression)
    return [node]
