"""Which function compiles which node."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlglot import exp


@cache
def handlers() -> Mapping[type[exp.Expression], Callable[..., Any]]:
    # Imported late: the families need the compiler that calls them.
    from sightline.query.expressions import access, arithmetic, casts, columns, comparison, conditional, literals, logic
    from sightline.query.functions import call

    families = (access, arithmetic, casts, columns, comparison, conditional, literals, logic, call)
    return {kind: compile_node for family in families for kind, compile_node in family.HANDLERS.items()}
