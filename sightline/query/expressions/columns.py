"""Names: columns of relations, and fields of structs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sightline.query.dialect import offset_of
from sightline.query.expressions.access import field_of
from sightline.query.expressions.code import Code
from sightline.query.schema import did_you_mean

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions


def column(e: Expressions, node: exp.Column) -> Code:
    """`column`, `alias.column`, and fields of either: `alias.column.field`. An alias goes before a column."""
    parts = [each for each in node.parts if isinstance(each, exp.Identifier)]
    if len(parts) != len(node.parts):
        raise e.error("* stands only in a list of columns", node)
    aliased = len(parts) > 1 and parts[0].name.lower() in e.relations
    owners = _owners(e, parts, node)
    rest = parts[2:] if aliased else parts[1:]
    name = (parts[1] if aliased else parts[0]).name.lower()
    relation = owners[0]
    # Only this one is read: a source's columns note which are, and the others are not decoded.
    found = relation.columns[next(key for key in relation.columns if key.lower() == name)]
    text = found.read.format(row=relation.variable)
    code = Code(text, found.type, found.nullable, relation.stage)
    for field in rest:
        code = field_of(e, code, field.name, field)
    return code


def _owners(e: Expressions, parts: list[exp.Identifier], node: exp.Column):  # type: ignore[no-untyped-def]
    first = parts[0].name.lower()
    if len(parts) > 1 and first in e.relations:
        owners, name = [e.relations[first]], parts[1]
    else:
        name = parts[0]
        owners = [each for each in e.relations.values() if first in {key.lower() for key in each.columns}]
        if len(parts) > 1 and not owners:
            raise e.error(f"unknown relation {parts[0].name!r}{did_you_mean(first, e.relations)}", node)
    if len(owners) > 1:
        raise e.error(f"{name.name!r} is in {' and '.join(each.alias for each in owners)}: qualify it", node)
    known = {key.lower() for each in owners or e.relations.values() for key in each.columns}
    if not owners or name.name.lower() not in known:
        raise e._error_at(f"unknown column {name.name!r}{did_you_mean(name.name.lower(), known)}", offset_of(name))
    return owners


HANDLERS = {exp.Column: column}
