"""Structs: one msgspec class a type, with the fields c0, c1, … written out under their SQL names."""

from functools import lru_cache
from typing import Any

import msgspec

from sightline.query.types import Struct

STRUCTS_CACHED_MAX = 1000


@lru_cache(STRUCTS_CACHED_MAX)
def struct_class(kind: Struct) -> type[Any]:
    names = {f"c{index}": field.name for index, field in enumerate(kind.fields)}
    fields: list[Any] = [(name, Any, None) for name in names]
    return msgspec.defstruct("Row", fields, rename=names, gc=False)
