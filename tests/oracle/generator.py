"""Random typed expressions: operators, and every function of the registry with arguments as its signature says."""

from collections.abc import Callable
from random import Random

from sightline.query.functions import FUNCTIONS, Function, load
from tests.oracle.table import COLUMNS

# Not in Spark under this name or with this meaning.
LEFT_OUT = {"distance_km", "iff", "position"}
_BY_NAME = {
    "charset": ["'utf-8'", "'US-ASCII'", "'ISO-8859-1'"],
    "zone": ["'Asia/Seoul'", "'UTC'", "'+05:30'", "'America/New_York'"],
    "field": ["'YEAR'", "'SECOND'", "'DOW'", "'WEEK'", "'MINUTE'"],
    "digits": ["0", "1", "-1", "2", "-3"],
    "bits": ["256", "0", "224", "512", "1"],
    "times": ["2", "0", "-1"],
    "length": ["3", "0", "10", "-1", "i % 5"],
    "buckets": ["5L", "0L"],
    "from": ["10", "16", "2"],
    "to": ["10", "16", "-10", "36"],
    "escape": ["'!'"],
    "unit": ["'YEAR'", "'MONTH'", "'WEEK'", "'QUARTER'", "'HOUR'", "'day'", "'x'"],
    "index": ["1", "0", "-1", "2", "j"],
    "group": ["0", "1"],
    "round": ["true", "false"],
    "value": [],
}
_PATTERNS = ["'a'", "'[a-z]+'", "'(.)(b)?'", "'^.*$'", "' '", "'\\\\\\\\d+'", "'(a|b)+'", "'\\\\\\\\.'"]
_LIKES = ["'a%'", "'%b%'", "'_'", "'%'", "'a_c'", "'%\\\\\\\\%%'"]
_DATE_PATTERNS = ["'yyyy-MM-dd'", "'yyyy-MM-dd HH:mm:ss'", "'dd.MM.yyyy'", "'yyyyMMdd'"]
_UNITS = ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"]
_LITERALS = {
    "tinyint": ["1Y", "-128Y"],
    "smallint": ["5S"],
    "int": ["0", "1", "-3", "2147483647", "10"],
    "bigint": ["0L", "5L", "-9223372036854775808L"],
    "float": ["1.5F", "CAST('NaN' AS FLOAT)"],
    "double": ["0.5D", "-0.0D", "1e10", "CAST('NaN' AS DOUBLE)", "CAST('inf' AS DOUBLE)"],
    "decimal": ["1.5", "0.001", "-2.50", "12345678901234567890.12"],
    "string": ["''", "'abc'", "'ñ'", "' 7 '", "'2020-01-31'"],
    "boolean": ["true", "false"],
    "date": ["DATE '2020-02-29'"],
    "timestamp": ["TIMESTAMP '2020-02-29 13:14:15.5'"],
    "binary": ["x'6162'"],
    "array<int>": ["array(1, 2)"],
    "array<string>": ["array('a', NULL)"],
}
TYPES = list(_LITERALS)
_NUMBERS = ["tinyint", "smallint", "int", "bigint", "float", "double", "decimal"]
_CASTS = {
    "string": [*_NUMBERS, "boolean", "date", "timestamp", "binary"],
    **{each: [*_NUMBERS, "string", "boolean"] for each in _NUMBERS},
    "boolean": [*_NUMBERS, "string"],
    "date": ["string", "timestamp"],
    "timestamp": ["string", "date"],
    "binary": ["string"],
}
DECIMALS = ["decimal(10,2)", "decimal(38,18)", "decimal(5,0)", "decimal(20,10)"]


class Generator:
    def __init__(self, seed: int) -> None:
        load()
        self._chance = Random(seed)
        self._functions = [each for name, each in FUNCTIONS.items() if name not in LEFT_OUT]

    def expression(self) -> str:
        chance = self._chance.random()
        if chance < 0.5:
            return self.function(self._chance.choice(self._functions), 2)
        return self.of(self._chance.choice(TYPES), 3)

    def of(self, kind: str, depth: int) -> str:
        """An expression that is of type `kind`, or of one that is close."""
        if depth <= 0 or self._chance.random() < 0.25:
            return self.leaf(kind)
        makers: list[Callable[[str, int], str]] = [self._if, self._case, self._coalesce]
        if kind in _CASTS:
            makers += [self._cast, self._cast]
        if kind == "boolean":
            makers += [self._comparison] * 4 + [self._logic] * 3 + [self._test] * 2
        if kind in _NUMBERS:
            makers += [self._arithmetic] * 4
        if kind in ("date", "timestamp"):
            makers += [self._moved] * 2
        return self._chance.choice(makers)(kind, depth - 1)

    def leaf(self, kind: str) -> str:
        columns = [name for name, each in COLUMNS.items() if each.split("(")[0] == kind]
        if self._chance.random() < 0.06:
            return "NULL"
        return self._chance.choice(columns if self._chance.random() < 0.7 else _LITERALS[kind])

    def function(self, function: Function, depth: int) -> str:
        count = self._chance.randint(function.required, len(function.parameters)) if function.parameters else 0
        if function.variadic:
            count = max(count, self._chance.randint(function.required, 3))
        one_type = self._chance.choice(TYPES)
        if "struct" in function.name:
            one_type = self._chance.choice(_NUMBERS)
        arguments = [self._argument(function, index, one_type, depth) for index in range(count)]
        if function.name == "named_struct":
            return f"named_struct('a', {self.of(one_type, 1)})"
        return f"{function.name}({', '.join(arguments)})"

    def _argument(self, function: Function, index: int, one_type: str, depth: int) -> str:
        parameter = function.parameter(index)
        if parameter.type == "unit":
            return self._chance.choice(_UNITS)
        if parameter.name == "pattern":
            formatting = function.family == "dates and times as text"
            likes = function.name in ("like", "ilike")
            return self._chance.choice(_DATE_PATTERNS if formatting else _LIKES if likes else _PATTERNS)
        if _BY_NAME.get(parameter.name):
            return self._chance.choice(_BY_NAME[parameter.name])
        kinds = {
            "any": [one_type],
            "number": [self._chance.choice(_NUMBERS)],
            "whole": _NUMBERS[:4],
            "array": ["array<int>", "array<string>"],
        }.get(parameter.type, [parameter.type])
        if parameter.type in ("date", "timestamp"):
            kinds = ["date", "timestamp", "timestamp"]
        return self.of(self._chance.choice(kinds), depth - 1)

    def _if(self, kind: str, depth: int) -> str:
        return f"if({self.of('boolean', depth)}, {self.of(kind, depth)}, {self.of(kind, depth)})"

    def _case(self, kind: str, depth: int) -> str:
        other = self._chance.choice(TYPES[:12])
        whole = self.of(other, depth - 1)
        return f"CASE {whole} WHEN {self.of(other, 0)} THEN {self.of(kind, depth)} ELSE {self.of(kind, depth)} END"

    def _coalesce(self, kind: str, depth: int) -> str:
        return f"coalesce({self.of(kind, depth)}, {self.of(kind, depth)})"

    def _cast(self, kind: str, depth: int) -> str:
        source = self._chance.choice(_CASTS[kind])
        target = self._chance.choice(DECIMALS) if kind == "decimal" else kind
        inner = "n" if source == "string" and self._chance.random() < 0.6 else self.of(source, depth)
        return f"{self._chance.choice(['CAST', 'TRY_CAST'])}({inner} AS {target})"

    def _comparison(self, _: str, depth: int) -> str:
        kind = self._chance.choice(TYPES[:12])
        other = self._chance.choice(_NUMBERS) if kind in _NUMBERS and self._chance.random() < 0.5 else kind
        a, b = self.of(kind, depth - 1), self.of(other, depth - 1)
        shape = self._chance.random()
        if shape < 0.6:
            return f"({a} {self._chance.choice(['=', '<>', '<', '<=', '>', '>=', '<=>', '=='])} {b})"
        if shape < 0.75:
            return f"({a} {self._chance.choice(['', 'NOT'])} BETWEEN {b} AND {self.leaf(kind)})"
        if shape < 0.85:
            return f"({a} IS {self._chance.choice(['', 'NOT '])}DISTINCT FROM {b})"
        return f"({a} {self._chance.choice(['', 'NOT'])} IN ({b}, {self.leaf(kind)}, {self.leaf(kind)}))"

    def _logic(self, _: str, depth: int) -> str:
        a, b = self.of("boolean", depth), self.of("boolean", depth)
        return self._chance.choice([f"({a} AND {b})", f"({a} OR {b})", f"(NOT {a})"])

    def _test(self, _: str, depth: int) -> str:
        kind = self._chance.choice(TYPES[:12])
        wanted = self._chance.choice(["NULL", "NOT NULL"])
        truth = self._chance.choice(["TRUE", "NOT TRUE", "FALSE", "NOT FALSE"])
        return self._chance.choice(
            [
                f"({self.of(kind, depth)} IS {wanted})",
                f"({self.of('boolean', depth)} IS {truth})",
                f"({self.of('string', depth)} LIKE {self._chance.choice(_LIKES)})",
                f"({self.of('string', depth)} RLIKE {self._chance.choice(_PATTERNS)})",
            ]
        )

    def _arithmetic(self, kind: str, depth: int) -> str:
        other = kind if self._chance.random() < 0.6 else self._chance.choice(_NUMBERS)
        operator = self._chance.choice(["+", "-", "*", "/", "%", "+", "-", "*", "div"])
        if self._chance.random() < 0.12:
            return f"(- {self.of(kind, depth)})"
        return f"({self.of(kind, depth)} {operator} {self.of(other, depth)})"

    def _moved(self, kind: str, depth: int) -> str:
        amount, unit = self._chance.choice([1, -1, 30, 400]), self._chance.choice(_UNITS[:8])
        unit = "MONTH" if unit == "QUARTER" else unit
        return f"({self.of(kind, depth)} {self._chance.choice('+-')} INTERVAL '{amount}' {unit})"
