"""Where Spark itself is free, or where docs/sql.md says that we differ."""

from typing import Any


def is_known(text: str, here: Any, there: Any) -> bool:
    # A DATE is of the years 1 to 9999 here; a TIMESTAMP may be of any, but is not shown by Python's datetime.
    return "outside the years 1 to 9999" in _message(there) or "the years 1 to 9999" in _message(here)


def _message(value: Any) -> str:
    return getattr(value, "message", "")
