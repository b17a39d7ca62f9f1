"""Types as text: declared columns and CAST."""

import pytest

from sightline.query.types import BIGINT, INT, STRING, Array, Decimal, Field, Struct, parse_type


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("bigint", BIGINT),
        (" LONG ", BIGINT),
        ("decimal", Decimal(precision=10, scale=0)),
        ("decimal(38, 18)", Decimal(precision=38, scale=18)),
        ("array<array<int>>", Array(element=Array(element=INT))),
        ("struct<a: int, `b c` string>", Struct(fields=(Field("a", INT), Field("b c", STRING)))),
    ],
)
def test_types(text: str, wanted: object) -> None:
    assert parse_type(text) == wanted


@pytest.mark.parametrize("text", ["bigint", "decimal(5,2)", "array<struct<a: int, b: array<string>>>"])
def test_a_type_s_text_names_it(text: str) -> None:
    assert str(parse_type(text)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strng", "did you mean 'string'?"),
        ("decimal(39,0)", "1 to 38 digits"),
        ("decimal(3,4)", "scale of 0"),
        ("array<int", "'>' is expected"),
        ("array", "'<' is expected"),
        ("int int", "unexpected 'int'"),
        ("map<string, int>", "the type map is not supported"),
        ("struct<a: int, A: int>", "two fields of one name"),
        ("", "ends too early"),
        ("array<" * 40 + "int" + ">" * 40, "nested 16 deep"),
        ("int;", "is not a type"),
    ],
)
def test_what_is_no_type_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        parse_type(text)
