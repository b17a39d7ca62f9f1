"""Expressions without Spark: what they give, what is refused and where. tests/oracle has the rest."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sightline.errors import QueryError
from sightline.query.dialect import offset_of, parse_expression
from sightline.query.errors import EvalError
from sightline.query.expressions import Code, Expressions
from sightline.query.functions import FUNCTIONS, load
from sightline.query.schema import Column, Relation
from sightline.query.types import BIGINT, DOUBLE, INT, STRING, parse_type

COLUMNS = {
    "n": "bigint", "i": "int", "d": "double", "s": "string", "b": "boolean", "p": "decimal(10,2)", "ts": "timestamp",
    "a": "array<int>", "r": "struct<x: int, Inner: struct<y: string>>",
}  # fmt: skip
PREFIX = len("SELECT ")


def compiler() -> Expressions:
    expressions = Expressions(lambda message, offset: QueryError(message, column=offset - PREFIX))
    columns = {name: Column(parse_type(kind), True, f"{{row}}[{name!r}]") for name, kind in COLUMNS.items()}
    expressions.relations["e"] = Relation("e", columns, 1, "row")
    return expressions


def evaluate(text: str, **row: Any) -> Any:
    expressions = compiler()
    code = expressions.compile(parse_expression(text))
    space = dict(expressions.namespace)
    exec(f"def compute(row):\n    return {code.text}\n", space)
    return space["compute"](dict.fromkeys(COLUMNS) | row)


@pytest.mark.parametrize(
    ("text", "row", "wanted"),
    [
        ("n + 1", {"n": 2}, 3),
        ("n + 1", {}, None),
        ("N + E.n", {"n": 2}, 4),
        ("n IN (1, NULL)", {"n": 1}, True),
        ("n IN (1, NULL)", {"n": 2}, None),
        ("n NOT IN (1, 2)", {"n": 3}, True),
        ("n IN (i, 7)", {"n": 3, "i": 3}, True),
        ("n IN (i, 7)", {"n": 3}, None),
        ("n BETWEEN i AND 9", {"n": 10}, False),
        ("n BETWEEN i AND 9", {"n": 5}, None),
        ("d > 1", {"d": float("nan")}, True),
        ("d = d", {"d": float("nan")}, True),
        ("s <=> NULL", {}, True),
        ("n <=> i", {"n": 1, "i": 1}, True),
        ("b IS NOT TRUE", {}, True),
        ("b AND n = 1", {"b": False}, False),
        ("b OR n = 1", {"n": 1}, True),
        ("CASE n WHEN 1 THEN 'one' WHEN i THEN 'same' END", {"n": 2, "i": 2}, "same"),
        ("CASE WHEN n = 0 THEN 0 ELSE 10 / n END", {"n": 0}, 0.0),
        ("p * 2.5", {"p": Decimal("1.50")}, Decimal("3.750")),
        ("p / 3", {"p": Decimal("1.00")}, Decimal("0.333333")),
        ("CAST(s AS bigint)", {"s": " 42 "}, 42),
        ("TRY_CAST(s AS int)", {"s": "x"}, None),
        ("s || n", {"s": "a", "n": 1}, "a1"),
        ("a[1]", {"a": [1, 2]}, 2),
        ("r.x", {}, None),
        ("ts + INTERVAL '1' SECOND", {"ts": 0}, 1_000_000),
        ("CAST(ts AS string)", {"ts": 1_500_000}, "1970-01-01 00:00:01.5"),
        ("to_date(s, 'dd.MM.yyyy')", {"s": "29.02.2020"}, date(2020, 2, 29)),
        ("array(n, 2)", {"n": 1}, [1, 2]),
    ],
)
def test_values(text: str, row: dict[str, Any], wanted: Any) -> None:
    found = evaluate(text, **row)
    assert found == wanted
    assert type(found) is type(wanted)


def test_fields_of_structs() -> None:
    expressions = compiler()
    code = expressions.compile(parse_expression("e.r.inner.y"))
    assert code.type == STRING
    assert code.nullable


@pytest.mark.parametrize(
    ("text", "row", "error_class"),
    [
        ("n + 1", {"n": 2**63 - 1}, "ARITHMETIC_OVERFLOW"),
        ("i * i", {"i": 2**31 - 1}, "ARITHMETIC_OVERFLOW"),
        ("1 / n", {"n": 0}, "DIVIDE_BY_ZERO"),
        ("1 % n", {"n": 0}, "REMAINDER_BY_ZERO"),
        ("CAST(s AS int)", {"s": "1.5"}, "CAST_INVALID_INPUT"),
        ("CAST(n AS int)", {"n": 2**31}, "CAST_OVERFLOW"),
        ("CAST(d AS decimal(3,1))", {"d": 100.0}, "NUMERIC_VALUE_OUT_OF_RANGE"),
        ("a[2]", {"a": [1, 2]}, "INVALID_ARRAY_INDEX"),
        ("s RLIKE s", {"s": "("}, "INVALID_PARAMETER_VALUE.PATTERN"),
    ],
)
def test_errors_of_a_row(text: str, row: dict[str, Any], error_class: str) -> None:
    with pytest.raises(EvalError, match=rf"^\[{re.escape(error_class)}\] "):
        evaluate(text, **row)


@pytest.mark.parametrize(
    ("text", "token", "said"),
    [
        ("1 + upperr(s)", "upperr", "unknown function 'upperr'; did you mean 'upper'?"),
        ("rpad(s)", "rpad", "takes 2 to 3 arguments, 1 were given"),
        ("round(d, i)", "i", "digits of round"),
        ("sqrt(b)", "b", "value is DOUBLE, this is BOOLEAN"),
        ("n = b", "n", "can't compare BIGINT with BOOLEAN: write a CAST"),
        ("coalesce(n, b)", "coalesce", "COALESCE mixes BIGINT and BOOLEAN"),
        ("s + s", "s", "STRING + STRING is not defined"),
        ("n AND b", "n", "a BOOLEAN is needed here, this is BIGINT"),
        ("e.nn", "nn", "unknown column 'nn'; did you mean 'n'?"),
        ("f.n", "f", "unknown relation 'f'"),
        ("r.z", "z", "unknown field 'z'"),
        ("s.z", "z", "only a STRUCT has fields"),
        ("CAST(b AS date)", "b", "BOOLEAN can't be cast to DATE"),
        ("CAST(n AS map<int, int>)", "n", "the type map is not supported"),
        ("ts - ts", "ts", "timestampdiff"),
        ("s RLIKE '\\\\p{L}'", "'", "\\p{…}"),
        ("date_format(ts, 'GG')", "'GG'", "'GG' is not supported"),
        ("timestampadd(DAYZ, 1, ts)", "DAYZ", "unknown unit 'DAYZ'; did you mean 'DAY'?"),
        ("current_timestamp()", "current_timestamp", "a replay would give another result"),
        ("transform(a, x -> x)", "transform", "lambdas are not supported"),
        ("sum(n)", "n", "an aggregate belongs to a query with GROUP BY"),
        ("struct(1 AS a, 2 AS a)", "struct", "two fields of one name"),
    ],
)
def test_a_refusal_points(text: str, token: str, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        try:
            compiler().compile(parse_expression(text))
        except ValueError as error:
            raise QueryError(str(error)) from None
    assert said in str(caught.value)
    if caught.value.column is not None:
        assert text[caught.value.column :].startswith(token) or token in text[caught.value.column :], caught.value


def test_a_substitute_stands_for_its_node() -> None:
    expressions = compiler()
    expressions.substitutes[parse_expression("sum(n)")] = Code("acc[0]", BIGINT, True, 5)
    code = expressions.compile(parse_expression("coalesce(sum(n), 0) + 1"))
    assert "acc[0]" in code.text
    assert code.stage == 5


def test_coerce_aligns_and_refuses() -> None:
    expressions = compiler()
    code = expressions.compile(parse_expression("i"))
    assert expressions.coerce(code, BIGINT).type == BIGINT
    assert expressions.coerce(code, DOUBLE).text != code.text
    with pytest.raises(QueryError, match="DATE is needed here, this is INT"):
        expressions.coerce(code, parse_type("date"))


def test_constants_are_computed_once() -> None:
    assert compiler().compile(parse_expression("DATE '2020-02-28' + INTERVAL '1' DAY")).constant
    assert compiler().compile(parse_expression("1 + 2 * 3")).text == "7"
    assert compiler().compile(parse_expression("1 / 0")).type == DOUBLE


def test_a_plain_addition_is_python_s_own() -> None:
    code = compiler().compile(parse_expression("i + 1"))
    assert code.type == INT
    assert "(" in code.text
    assert "def" not in code.text


@pytest.mark.parametrize("text", ["1 2", "(", "1, 2", "1 FROM t"])
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ValueError, match="expression"):
        parse_expression(text)


def test_every_example_holds() -> None:
    load()
    for function in FUNCTIONS.values():
        for call, result in function.examples:
            assert evaluate(f"({call}) <=> ({result})") is True, call
            assert offset_of(parse_expression(call)) >= 0
