"""The Kafka key of a result row."""

from collections.abc import Callable, Sequence

import msgspec

from sightline.query.compiling.query import ResultRow


def record_key(columns: Sequence[str]) -> Callable[[ResultRow], bytes | None]:
    """One column: its text, as other producers would write it; several: a JSON array. NULL alone gives no key."""
    if len(columns) > 1:
        return lambda row: msgspec.json.encode([row[name] for name in columns])
    (column,) = columns

    def key(row: ResultRow) -> bytes | None:
        value = row[column]
        if isinstance(value, str):
            return value.encode()
        return None if value is None else msgspec.json.encode(value)

    return key
