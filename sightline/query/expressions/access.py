"""Fields of structs and elements of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sightline.query.errors import EvalError
from sightline.query.expressions.code import Code
from sightline.query.schema import did_you_mean, field_name
from sightline.query.types import STRING, Array, Struct

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions


def field_of(e: Expressions, code: Code, name: str, node: exp.Expression) -> Code:
    if not isinstance(code.type, Struct):
        raise e.error(f"only a STRUCT has fields such as {name!r}, this is {str(code.type).upper()}", node)
    for index, field in enumerate(code.type.fields):
        if field.name.lower() == name.lower():
            part = field_name(index)
            return e.null_safe(lambda row, part=part: f"{row}.{part}", field.type, code, gives_null=True)
    known = [field.name for field in code.type.fields]
    raise e.error(f"unknown field {name!r}{did_you_mean(name, known)}", node)


def element(values: list[object], index: int) -> object:
    """`array[i]`, from 0."""
    if 0 <= index < len(values):
        return values[index]
    raise EvalError(
        f"[INVALID_ARRAY_INDEX] index {index} of an array of {len(values)} elements; get(array, i) gives NULL instead"
    )


def _dot(e: Expressions, node: exp.Dot) -> Code:
    return field_of(e, e.compile(node.this), node.expression.name, node.expression)


def _bracket(e: Expressions, node: exp.Bracket) -> Code:
    whole, indices = e.compile(node.this), node.expressions
    if len(indices) != 1 or isinstance(indices[0], exp.Slice):
        raise e.error("one index stands in [ ]", node)
    if isinstance(whole.type, Struct):
        name = e.compile(indices[0])
        if name.type != STRING or not name.constant:
            raise e.error("a STRUCT is indexed by a field's name, such as row['name']", node)
        return field_of(e, whole, name.value, node)
    if not isinstance(whole.type, Array):
        raise e.error(f"only ARRAY and STRUCT can be indexed, this is {str(whole.type).upper()}", node)
    index = e.compile(indices[0])
    if not index.type.integral:
        raise e.error(f"an index is a whole number, this is {str(index.type).upper()}", indices[0])
    return e.call(element, whole.type.element, whole, index, gives_null=True)


HANDLERS = {exp.Dot: _dot, exp.Bracket: _bracket}
