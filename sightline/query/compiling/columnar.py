"""Generated code over columns: where a row of the source is an attribute's owner, each column is a local variable."""

import ast
from collections.abc import Iterable

from sightline.query.expressions import Code


def over_columns(lines: Iterable[str], row: str) -> tuple[list[str], dict[str, str]]:
    """The lines with a variable for each attribute of `row`; and these variables by field, c0, c1, …."""
    rewriter = _Variables(row)
    tree = rewriter.visit(ast.parse("\n".join(lines)))
    return ast.unparse(tree).splitlines(), dict(sorted(rewriter.variables.items()))


def equality(predicate: Code, row: str) -> tuple[str, str] | None:
    """The field of `row` and the literal where the predicate only compares these: `kind = 'view'`."""
    tree = ast.parse(predicate.truth or "None", mode="eval").body
    match tree:
        case ast.Compare(ast.Attribute(ast.Name(name), field), [ast.Eq()], [ast.Constant(str() | int()) as literal]):
            return (field, ast.unparse(literal)) if name == row else None
    return None


class _Variables(ast.NodeTransformer):
    def __init__(self, row: str) -> None:
        self._row = row
        self.variables: dict[str, str] = {}

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == self._row:
            return ast.Name(self.variables.setdefault(node.attr, f"{self._row}_{node.attr}"), node.ctx)
        self.generic_visit(node)
        return node
