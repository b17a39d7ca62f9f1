from typing import Any

class Decoder:
    def __init__(self, columns: list[tuple[bytes, str, int]]) -> None:
        """Name in JSON; "text", "integer", "double" or "boolean"; the largest of integers. Raises ValueError."""
    def decode(self, lines: bytes, count: int) -> tuple[list[Any], ...] | None:
        """Of `count` objects, one a line. None where that is given up."""
