"""A value of SQL as it stands in the JSON of a match: timestamps as RFC 3339 in UTC, everything else as msgspec has it."""

from collections.abc import Callable
from typing import Any

from sightline.events import format_time_us
from sightline.query.expressions import Code
from sightline.query.schema import field_name
from sightline.query.types import TIMESTAMP, Array, Struct, Type

Present = Callable[[Any], Any]


def presented(code: Code, namespace: dict[str, Any]) -> str:
    """Source of the value that is sent; what it needs goes into `namespace`."""
    present = presenter(code.type)
    if present is None:
        return code.text
    name = f"present_{len(namespace)}"
    namespace[name] = present
    if not code.nullable:
        return f"{name}({code.text})"
    return f"(None if (v := {code.text}) is None else {name}(v))"


def presenter(kind: Type) -> Present | None:
    """For values that are not NULL; None where they are sent as they are."""
    if kind == TIMESTAMP:
        return format_time_us
    if isinstance(kind, Array) and (element := presenter(kind.element)):
        return lambda values: [None if each is None else element(each) for each in values]
    if isinstance(kind, Struct):
        fields = [(each.name, field_name(i), presenter(each.type)) for i, each in enumerate(kind.fields)]
        if any(present for *_, present in fields):
            return lambda value: {name: _shown(getattr(value, at), present) for name, at, present in fields}
    return None


def _shown(value: Any, present: Present | None) -> Any:
    return value if value is None or present is None else present(value)
