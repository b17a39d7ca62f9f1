"""A rule's summary: a format string filled with the columns of a match, whatever they are.

Only plain column names are allowed in the braces, so a summary reads columns and nothing else, and a format
specification is short, so it can't ask for a gigabyte of spaces.
"""

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

SUMMARY_CHARS_MAX = 500

_SPEC = re.compile(r"(?:[^{}]?[<>=^])?[-+ ]?[#0]*\d{0,2}[,_]?(?:\.\d{1,2})?[a-zA-Z%]?")


class Summary:
    """Raises ValueError if `text` is not such a format string."""

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("is empty")
        self._parts: list[tuple[str, str | None, str]] = []
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(f"{error}; write a brace that is meant as itself twice") from None
        for literal, name, spec, conversion in parts:
            if name is not None:
                _check(name, spec or "", conversion)
            self._parts.append((literal, name, spec or ""))

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(name for _, name, _ in self._parts if name is not None)

    def fill(self, columns: Mapping[str, Any]) -> str:
        """At most SUMMARY_CHARS_MAX characters; a column that is missing shows as ‹its name›, null as a dash."""
        text = "".join(
            literal if name is None else literal + _shown(columns, name, spec) for literal, name, spec in self._parts
        )
        return text if len(text) <= SUMMARY_CHARS_MAX else text[: SUMMARY_CHARS_MAX - 1] + "…"


def _check(name: str, spec: str, conversion: str | None) -> None:
    if not name.isidentifier():
        raise ValueError(f"{{{name}}} is not a column name")
    if conversion:
        raise ValueError(f"{{{name}!{conversion}}}: conversions are not supported")
    if not _SPEC.fullmatch(spec):
        raise ValueError(f"{{{name}:{spec}}}: {spec!r} is not a format such as .2f or >10")


def _shown(columns: Mapping[str, Any], name: str, spec: str) -> str:
    if name not in columns:
        return f"‹{name}›"
    value = columns[name]
    if value is None:
        return "–"
    try:
        return format(value, spec)
    except (ValueError, TypeError, OverflowError):  # a column of another type than the author had in mind
        return str(value)
