"""The Kafka key of a result row."""

import msgspec

from sightline.query.compiling.query import ResultRow


def record_key(row: ResultRow, columns: list[str]) -> bytes | None:
    """One column: its text, as other producers would write it; several: a JSON array. NULL alone gives no key."""
    if len(columns) > 1:
        return msgspec.json.encode([row[name] for name in columns])
    value = row[columns[0]]
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)
