"""A table with a column of every type, and rows of edge values."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

COLUMNS = {
    "ti": "tinyint",
    "si": "smallint",
    "i": "int",
    "j": "int",
    "l": "bigint",
    "f": "float",
    "d": "double",
    "g": "double",
    "p": "decimal(10,2)",
    "q": "decimal(38,18)",
    "s": "string",
    "u": "string",
    "n": "string",
    "b": "boolean",
    "c": "boolean",
    "dt": "date",
    "ts": "timestamp",
    "tu": "timestamp",
    "bin": "binary",
    "ai": "array<int>",
    "sa": "array<string>",
}
DAY_US = 86_400_000_000
_DOUBLES = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    2.5,
    1e10,
    1e-5,
    0.1,
    float("nan"),
    float("inf"),
    float("-inf"),
    5e-324,
    1.7e308,
    123456.789,
]
_TEXTS = [
    "",
    "a",
    "abc",
    "ABC",
    " a b ",
    "Hello, World",
    "ñandú",
    "😀x",
    "a.b.c",
    "%_\\",
    "x" * 20,
    "été",
    "line\nbreak",
]
_NUMBERS = ["1", " 42 ", "-7", "1.5", "1e3", "NaN", "", "abc", "9223372036854775807", "9223372036854775808", "true",
            "2020-02-29", "2020-02-29 13:14:15.123", "+5", "0x1F", "1_0"]  # fmt: skip
_DATES = [
    date(1, 1, 1),
    date(9999, 12, 31),
    date(1970, 1, 1),
    date(1969, 12, 31),
    date(2020, 2, 29),
    date(2021, 1, 31),
    date(2000, 3, 1),
]
_TIMES = [
    0,
    -1,
    1_582_982_055_123_456,
    951_782_400_000_000,
    1_577_836_800_000_000,
    -62_135_596_800_000_000,
    253_402_300_799_999_999,
]

EDGES: dict[str, list[Any]] = {
    "ti": [-128, 127, 0, 1, -1],
    "si": [-32768, 32767, 0, 7],
    "i": [-(2**31), 2**31 - 1, 0, 1, -1, 2, 3, 7, 100],
    "j": [0, 1, 2, -3, 31, 10],
    "l": [-(2**63), 2**63 - 1, 0, 1, -1, 10**12, 1_577_836_800],
    "f": [0.0, -0.0, 1.5, -2.25, 0.10000000149011612, float("nan"), float("inf"), 16777216.0],
    "d": _DOUBLES,
    "g": _DOUBLES,
    "p": [
        Decimal("0.00"),
        Decimal("99999999.99"),
        Decimal("-99999999.99"),
        Decimal("1.50"),
        Decimal("-0.01"),
        Decimal("2.35"),
    ],
    "q": [
        Decimal("0E-18"),
        Decimal("1.000000000000000001"),
        Decimal("99999999999999999999.999999999999999999"),
        Decimal("-3.500000000000000000"),
    ],
    "s": _TEXTS,
    "u": _TEXTS,
    "n": _NUMBERS,
    "b": [True, False],
    "c": [True, False],
    "dt": _DATES,
    "ts": _TIMES,
    "tu": _TIMES,
    "bin": [b"", b"a", b"\x00\x7f", "ñ".encode()],
    "ai": [[], [1], [1, 2, None], [3, 1, 2, 1], [2**31 - 1]],
    "sa": [[], ["a"], ["b", None, "a"], ["", "x", "x"]],
}


def rows(seed: int, count: int) -> list[dict[str, Any]]:
    """So many rows; the first has every value NULL."""
    chance = random.Random(seed)
    made = [dict.fromkeys(COLUMNS)]
    for _ in range(count - 1):
        made.append({name: None if chance.random() < 0.12 else chance.choice(EDGES[name]) for name in COLUMNS})
    return made
