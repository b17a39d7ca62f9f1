"""Spark SQL's syntax by sqlglot, and where a piece of it stands in the text."""

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import TokenType

from sightline.query.pipeline import PipelineFile


class SightlineSpark(Spark):
    """Spark's dialect, with `predict` an ordinary function and `window` usable in GROUP BY."""

    class Parser(Spark.Parser):  # type: ignore[misc, valid-type]
        # sqlglot reads PREDICT as BigQuery's table function, and WINDOW as the clause of that name.
        FUNCTIONS = {name: make for name, make in Spark.Parser.FUNCTIONS.items() if name != "PREDICT"}  # noqa: RUF012
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


def offset_of(node: exp.Expression) -> int:
    """Character offset of the first token of `node` that carries a position; operators carry none."""
    starts = [part.meta["start"] for part in node.walk() if part.meta.get("start") is not None]
    return min(starts, default=0)


def _offset(text: str, line: int, column: int) -> int:
    return sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column
