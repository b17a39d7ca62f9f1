"""CASE, if and the functions of NULL: branches are computed only when they are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sightline.query.expressions.code import Code
from sightline.query.expressions.coercion import common_type_of
from sightline.query.expressions.comparison import compare, held
from sightline.query.types import NULL

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions


def aligned(e: Expressions, codes: list[Code], what: str, node: exp.Expression) -> list[Code]:
    """All in the one type that holds them."""
    kind = common_type_of([each.type for each in codes])
    if kind is None:
        kinds = sorted({str(each.type).upper() for each in codes} - {"VOID"})
        raise e.error(f"{what} mixes {' and '.join(kinds)}: write a CAST", node)
    return [e.cast(each, kind) for each in codes]


def _case(e: Expressions, node: exp.Case) -> Code:
    default = e.compile(node.args["default"]) if node.args.get("default") else e.constant(None, NULL)
    branches = [e.compile(each.args["true"]) for each in node.args["ifs"]]
    if node.this is None:
        keep, tests = None, [e.condition(each.this) for each in node.args["ifs"]]
    else:
        whole = e.compile(node.this)
        keep, kept = held(e, whole)
        kept = Code(kept.text, kept.type, whole.nullable, kept.stage)
        tests = [compare(e, "==", kept, e.compile(each.this), node) for each in node.args["ifs"]]
    code = choose(e, tests, [*branches, default], "CASE", node)
    if keep is None:
        return code
    # The value is computed first, once; the tuple gives the answer.
    text = f"(({keep}), {code.text})[1]"
    return e.code(text, code.type, code.nullable, whole, code)


def choose(e: Expressions, tests: list[Code], values: list[Code], what: str, node: exp.Expression) -> Code:
    """The value beside the first test that is true, else the last value."""
    values = aligned(e, values, what, node)
    text = " else ".join(f"{value.text} if {test.text}" for test, value in zip(tests, values, strict=False))
    nullable = any(each.nullable for each in values)
    return e.code(f"({text} else {values[-1].text})", values[0].type, nullable, *tests, *values)


def _if(e: Expressions, node: exp.If) -> Code:
    otherwise = e.compile(node.args["false"]) if node.args.get("false") else e.constant(None, NULL)
    return choose(e, [e.condition(node.this)], [e.compile(node.args["true"]), otherwise], "IF", node)


def coalesce(e: Expressions, parts: list[Code], what: str, node: exp.Expression) -> Code:
    parts = aligned(e, parts, what, node)
    last = next((i for i, each in enumerate(parts) if not each.nullable), len(parts) - 1)
    used = parts[: last + 1]
    text = used[-1].text
    for each in reversed(used[:-1]):
        name = e.temporary()
        text = f"({name} if ({name} := {each.text}) is not None else {text})"
    return e.code(text, parts[0].type, used[-1].nullable, *used)


HANDLERS = {exp.Case: _case, exp.If: _if}
