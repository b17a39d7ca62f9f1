"""Spark SQL's syntax by sqlglot, and where a piece of it stands in the text."""

import re

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser as AnyParser
from sqlglot.tokenizer_core import Token, TokenType

from sightline.query.pipeline import PipelineFile

_OWN_SYNTAX = {
    "CAST",
    "TRY_CAST",
    "EXTRACT",
    "POSITION",
    "TRIM",
    "SUBSTRING",
    "SUBSTR",
    "PERCENTILE_APPROX",
    "PERCENTILE",
}
_TABLE_FUNCTIONS = {"INLINE", "EXPLODE", "POSEXPLODE"}

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))|(['\"])\5", re.DOTALL)
_ESCAPED = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}


def unescape(quoted: str) -> str:
    """The value of a string literal as Spark reads it; `quoted` has its quotes."""
    quote, text = quoted[0], quoted[1:-1]
    if "\\" not in text and quote not in text:
        return text

    def value(match: re.Match[str]) -> str:
        four, eight, octal, other, doubled = match.groups()
        if doubled:
            return doubled if doubled == quote else match.group()
        if octal:
            return chr(int(octal, 8))
        if other is not None:
            return _ESCAPED.get(other, other)
        return chr(int(four or eight, 16))

    return _surrogates_joined(_ESCAPE.sub(value, text))


def _surrogates_joined(text: str) -> str:
    if not any("\ud800" <= each <= "\udfff" for each in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _string(parser: AnyParser, token: Token) -> exp.Expression:
    quoted = parser.sql[token.start : token.end + 1]
    literal = exp.Literal.string(unescape(quoted) if quoted[:1] in ("'", '"') else token.text)
    literal.update_positions(token)
    return literal


def _number(parser: AnyParser, token: Token) -> exp.Expression:
    literal = exp.Literal.number(token.text)
    literal.update_positions(token)
    # 5L becomes a cast of 5; the mark tells it from CAST(5 AS BIGINT), which Spark types otherwise beside a decimal.
    literal.meta["suffix"] = parser.sql[token.start : token.end + 1][-1:].isalpha()
    return literal


class SightlineSpark(Spark):
    """Spark's dialect with each scalar function left as it is written: `Anonymous(name, arguments)`.

    sqlglot translates functions into what dialects share; here the name and the arguments as the user wrote them are
    what counts. Aggregates stay typed nodes.
    """

    STRICT_CAST = True

    class Parser(Spark.Parser):  # type: ignore[misc, valid-type]
        STRICT_CAST = True
        FUNCTIONS = {  # noqa: RUF012
            name: make
            for name, make in Spark.Parser.FUNCTIONS.items()
            if name in _TABLE_FUNCTIONS or issubclass(exp.FUNCTION_BY_NAME.get(name, exp.Func), exp.AggFunc)
        }
        FUNCTION_PARSERS = {  # noqa: RUF012
            name: parse
            for name, parse in Spark.Parser.FUNCTION_PARSERS.items()
            if name in _OWN_SYNTAX or issubclass(exp.FUNCTION_BY_NAME.get(name, exp.Func), exp.AggFunc)
        }
        NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
            name: parse for name, parse in Spark.Parser.NO_PAREN_FUNCTION_PARSERS.items() if name != "TRANSFORM"
        }
        # array(1, 2)[0] is an index, not another array.
        ARRAY_CONSTRUCTORS: dict[str, object] = {}  # noqa: RUF012
        PRIMARY_PARSERS = {  # noqa: RUF012
            **Spark.Parser.PRIMARY_PARSERS,
            TokenType.STRING: _string,
            TokenType.NUMBER: _number,
        }
        # sqlglot reads WINDOW as the clause of that name.
        QUERY_MODIFIER_PARSERS = {  # noqa: RUF012
            token: parse for token, parse in Spark.Parser.QUERY_MODIFIER_PARSERS.items() if token != TokenType.WINDOW
        }
        QUERY_MODIFIER_TOKENS = Spark.Parser.QUERY_MODIFIER_TOKENS - {TokenType.WINDOW}


def parse(file: PipelineFile) -> exp.Select:
    """The query's syntax tree. Raises QueryError with the line and column of the file."""
    query = file.pipeline.query
    try:
        trees = SightlineSpark().parse(query)
    except ParseError as error:
        fault = error.errors[0]
        offset = _offset(query, fault.get("line") or 1, fault.get("col") or 1) - len(fault.get("highlight") or "")
        raise file.query_error(f"syntax error near {fault.get('highlight')!r}", max(offset, 0)) from None
    except TokenError as error:
        raise file.query_error(f"syntax error: {str(error).splitlines()[0]}", 0) from None
    statements = [tree for tree in trees if tree is not None]
    if len(statements) != 1:
        raise file.query_error(f"one SELECT is expected, {len(statements)} statements were found", 0)
    if not isinstance(statements[0], exp.Select):
        raise file.query_error(f"a SELECT is expected, {statements[0].key.upper()} was found", 0)
    return statements[0]


def parse_expression(text: str) -> exp.Expression:
    """One expression, such as a source's event time. Raises ValueError with what is wrong."""
    try:
        tree = SightlineSpark().parse(f"SELECT {text}")[0]
    except (ParseError, TokenError) as error:
        raise ValueError(f"not an expression of SQL: {str(error).splitlines()[0]}") from None
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or len(tree.args["expressions"]) != 1:
        raise ValueError("one expression of SQL is expected")
    if any(value for name, value in tree.args.items() if name not in ("expressions", "kind")):
        raise ValueError("one expression of SQL is expected")
    node: exp.Expression = tree.expressions[0]
    node.pop()
    return node


def offset_of(node: exp.Expression) -> int:
    """Character offset of the first token of `node` that carries a position; operators carry none."""
    starts = [part.meta["start"] for part in node.walk() if part.meta.get("start") is not None]
    return min(starts, default=0)


def _offset(text: str, line: int, column: int) -> int:
    return sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column
