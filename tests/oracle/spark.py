"""Spark, and our own compiler, evaluating the same expressions over the same rows.

One query of Spark costs a tenth of a second whatever it computes, so many expressions go into one. An error would fail
it as a whole, so each expression is put into Spark's own TryEval, the expression that is behind its `try_` functions.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.classic.dataframe import DataFrame

from sightline.errors import QueryError
from sightline.query.compiling.columnar import over_columns
from sightline.query.dialect import parse_expression
from sightline.query.errors import EvalError
from sightline.query.expressions import Expressions
from sightline.query.schema import Column, Relation, field_name
from sightline.query.types import DATE, NULL, TIMESTAMP, Array, Struct, Type, parse_type

Row = dict[str, Any]
EARLIEST_US, LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999


@dataclass(frozen=True)
class Failed:
    """The row has no value: the engine raised an error with this message."""

    message: str


@dataclass(frozen=True)
class Crashed:
    """Our code broke."""

    message: str


@dataclass(frozen=True)
class Refused:
    """The expression does not compile."""

    message: str


@dataclass(frozen=True)
class NotComputed:
    """Spark failed before it came to the rows."""

    message: str


_RULES = (
    "BooleanSimplification", "SimplifyConditionals", "SimplifyBinaryComparison", "SimplifyCasts", "ConstantFolding",
    "NullPropagation", "ConstantPropagation", "OptimizeIn", "LikeSimplification", "PushFoldableIntoBranches",
    "ReorderAssociativeOperator", "CombineConcats", "UnwrapCastInBinaryComparison", "ConvertToLocalRelation",
    "ReplaceNullWithFalseInPredicate", "SimplifyCaseConversionExpressions", "CollapseProject", "FoldablePropagation",
)  # fmt: skip


def start() -> SparkSession:
    builder: Any = SparkSession.builder
    settings = {
        "spark.master": "local[1]",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.driver.memory": "700m",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -Xss8m -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        # Interpreted: a query runs once, so compiling it costs more than it saves.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # Each expression is to be computed as it is written: the optimizer may drop one that would fail.
        "spark.sql.optimizer.excludedRules": ",".join(
            f"org.apache.spark.sql.catalyst.optimizer.{each}" for each in _RULES
        ),
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    return session


class Oracle:
    """Spark over a table `t` of typed columns; `columns` maps names to types as text."""

    def __init__(self, session: SparkSession, columns: dict[str, str], rows: Sequence[Row]) -> None:
        self._session, self._columns, self._rows = session, columns, list(rows)
        schema = ", ".join(f"`{name}` {kind}" for name, kind in {**columns, "row_number": "int"}.items())
        data = [
            tuple(_to_spark(row[name], parse_type(kind)) for name, kind in columns.items()) + (i,)
            for i, row in enumerate(rows)
        ]
        session.createDataFrame(data, schema).createOrReplaceTempView("t")

    def evaluate(self, expressions: Sequence[str]) -> list[tuple[Type | None, Any]]:
        """For each expression its type, and for each row a value or Failed; (None, Refused) where Spark refuses it."""
        results: list[Any] = [None] * len(expressions)
        kinds: dict[int, Type] = {}
        for index, each in enumerate(expressions):
            try:
                kinds[index] = self._type(each)
            except (PySparkException, Py4JJavaError, ValueError) as error:
                results[index] = Refused(str(error)[:300])
        for index in kinds:
            results[index] = [Failed("")] * len(self._rows)
        self._fill(expressions, kinds, results)
        return [(kinds.get(index), result) for index, result in enumerate(results)]

    def _fill(self, expressions: Sequence[str], kinds: dict[int, Type], results: list[Any]) -> None:
        try:
            found = self._attempted(expressions, kinds).collect()
        except (PySparkException, Py4JJavaError) as error:
            # The optimizer computes constants, and its errors are the whole query's: that expression is left aside.
            items = list(kinds.items())
            if len(items) == 1:
                results[items[0][0]] = NotComputed(str(error)[:300])
                return
            for half in (items[: len(items) // 2], items[len(items) // 2 :]):
                self._fill(expressions, dict(half), results)
            return
        for row in found:
            for place, index in enumerate(kinds, 1):
                if row[place] is not None:
                    results[index][row[0]] = _from_spark(row[place][0], kinds[index])

    def _attempted(self, expressions: Sequence[str], kinds: dict[int, Type]) -> DataFrame:
        """The row's number, then for each expression a struct of its value, or NULL where it raised an error."""
        jvm: Any = self._session._jvm
        session: Any = self._session._jsparkSession
        parser = session.sessionState().sqlParser()
        columns = ["row_number"]
        picked = [jvm.org.apache.spark.sql.functions.col("row_number")]
        for index, kind in kinds.items():
            parsed = parser.parseExpression(f"struct({_shipped(expressions[index], kind)})")
            tried = jvm.org.apache.spark.sql.catalyst.expressions.TryEval(parsed)
            picked.append(jvm.org.apache.spark.sql.classic.ExpressionUtils.column(tried).alias(f"c{index}"))
            columns.append(f"c{index}")
        table = self._session.table("t")
        chosen = jvm.PythonUtils.toSeq(picked)
        return DataFrame(table._jdf.select(chosen), self._session)

    def _type(self, expression: str) -> Type:
        text = self._session.sql(f"SELECT {expression} AS r FROM t").schema[0].dataType.simpleString()
        return NULL if text == "void" else parse_type(text.replace("void", "int"))


def evaluate_here(expression: str, columns: dict[str, str], rows: Sequence[Row]) -> tuple[Type | None, Any]:
    """Our type, and for each row a value or Failed; (None, Refused) where it does not compile.

    Computed from rows and from columns.
    """
    compiler = Expressions(lambda message, _: QueryError(message))
    read = {
        name: Column(parse_type(kind), kind != "int_never_null", f"{{row}}.{field_name(index)}")
        for index, (name, kind) in enumerate(columns.items())
    }
    compiler.relations["t"] = Relation("t", read, 0, "row")
    try:
        code = compiler.compile(parse_expression(expression))
    except (QueryError, ValueError) as error:
        if isinstance(error, EvalError):
            raise
        return None, Refused(str(error))
    space = dict(compiler.namespace)
    (by_columns,), variables = over_columns([f"return {code.text}"], "row")
    exec(f"def compute(row):\n    return {code.text}\n", space)
    exec(f"def compute_by_columns({', '.join(variables.values())}):\n    {by_columns}\n", space)
    values: list[Any] = []
    for each in rows:
        row = SimpleNamespace(**{field_name(index): each[name] for index, name in enumerate(columns)})
        value = _computed(space["compute"], row)
        other = _computed(space["compute_by_columns"], *(getattr(row, field) for field in variables))
        values.append(value if repr(value) == repr(other) else Crashed(f"{value} by rows, {other} by columns"))
    return code.type, values


def _computed(compute: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return compute(*arguments)
    except EvalError as error:
        return Failed(str(error))
    except Exception as error:
        # Never right: what goes wrong with a row is an EvalError.
        return Crashed(f"{type(error).__name__}: {error}")


def same(left: Any, right: Any, kind: Type, ulps: int = 0) -> bool:
    """Whether two values of type `kind` are the same; floating-point numbers within so many units of the last place."""
    if isinstance(left, Crashed):
        return False
    if isinstance(left, Failed) or isinstance(right, Failed):
        return isinstance(left, Failed) and isinstance(right, Failed)
    if left is None or right is None:
        return left is right
    if isinstance(kind, Array):
        return len(left) == len(right) and all(same(a, b, kind.element, ulps) for a, b in zip(left, right, strict=True))
    if isinstance(kind, Struct):
        return all(same(_field(left, i), _field(right, i), field.type, ulps) for i, field in enumerate(kind.fields))
    if kind.fractional:
        return _same_float(left, right, ulps)
    if kind.name == "decimal":
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def _field(row: Any, index: int) -> Any:
    return row[index] if isinstance(row, tuple) else getattr(row, f"c{index}")


def _same_float(left: float, right: float, ulps: int) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    if left == right:
        return left != 0 or math.copysign(1, left) == math.copysign(1, right)
    return (
        math.isfinite(left)
        and math.isfinite(right)
        and abs(left - right) <= ulps * math.ulp(max(abs(left), abs(right)))
    )


def _shipped(text: str, kind: Type) -> str:
    """Dates and timestamps travel as numbers: Python's have fewer years."""
    if isinstance(kind, Array) and kind.element in (DATE, TIMESTAMP):
        return f"transform({text}, each -> {_shipped('each', kind.element)})"
    return {DATE: f"unix_date({text})", TIMESTAMP: f"unix_micros({text})"}.get(kind, text)


def _to_spark(value: Any, kind: Type) -> Any:
    if value is None:
        return None
    if kind.name == "timestamp":
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value)
    return bytearray(value) if kind.name == "binary" else value


def _from_spark(value: Any, kind: Type) -> Any:
    if kind == DATE and isinstance(value, int):
        ordinal = value + date(1970, 1, 1).toordinal()
        return (
            date.fromordinal(ordinal) if 1 <= ordinal <= date.max.toordinal() else Failed("outside the years 1 to 9999")
        )
    if kind == TIMESTAMP and value is not None and not EARLIEST_US <= value <= LATEST_US:
        return Failed("outside the years 1 to 9999")
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(kind, Array) and value is not None:
        return [_from_spark(each, kind.element) for each in value]
    return value
