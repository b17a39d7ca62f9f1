"""The functions of Sightline's SQL, by name. Each file defines one family; `registry.py` says what a function is."""

from functools import cache
from importlib import import_module

from sightline.query.functions.registry import FUNCTIONS, Function

FAMILIES = (
    "conditional",
    "string",
    "regex",
    "encoding",
    "numeric",
    "rounding",
    "datetime",
    "formatting",
    "collection",
    "geo",
)


@cache
def load() -> None:
    """Defines all functions."""
    for each in FAMILIES:
        import_module(f"sightline.query.functions.{each}")


__all__ = ["FUNCTIONS", "Function", "load"]
