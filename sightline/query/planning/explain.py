"""A plan as text: what runs where, in which order, with which state, and why."""

from collections.abc import Iterator

from sqlglot import exp

from sightline.query.dialect import parse
from sightline.query.pipeline import PipelineFile, Table
from sightline.query.planning.grouping import aggregates_of
from sightline.query.planning.nodes import Join, JoinKind, ModelCall, Plan
from sightline.query.windows.spec import WindowSpec

Lines = Iterator[str]

_LABEL_WIDTH = 14
_UNITS_US = ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms"))


def explain(plan: Plan | None, file: PipelineFile) -> str:
    """`plan` is None where columns are neither declared nor in a file at hand: then the text says what is not known."""
    lines = [f"pipeline {file.pipeline.name}", "", *_source(plan, file)]
    if plan is None:
        lines += _unknown(file)
    else:
        for number, join in enumerate(plan.joins, start=1):
            lines += _join(plan, file, join, number)
        lines += _models(plan, file)
        lines += _windows(plan, file)
        lines += _columns(plan)
    return "\n".join([*lines, *_sink(plan, file)]) + "\n"


def _entry(label: str, text: str) -> str:
    return f"  {label:{_LABEL_WIDTH}}{text}"


def _source(plan: Plan | None, file: PipelineFile) -> Lines:
    ((name, source),) = file.pipeline.sources.items()
    form = f"{source.format} {source.protobuf.message}" if source.protobuf else source.format
    yield f"source {name}"
    yield _entry("topic", f"{source.topic}, {form}, from the {source.start} record where no offset is committed")
    if plan:
        yield _entry("decoded", _decoded(plan, source.format))
    yield _entry("event time", source.event_time or ("ce_time" if source.format == "cloudevents" else "of the record"))
    if plan is None or plan.grouping:
        yield _entry("watermark", f"{source.watermark} behind the newest event time of a partition")
        yield _entry("idle", f"a partition silent for {source.idle} holds no window back")
    if source.key:
        yield _entry("key", f"{source.key}, by which the topic is partitioned")
    if plan:
        yield from _predicates(plan, 0, "before anything is looked up")


def _decoded(plan: Plan, form: str) -> str:
    names = [each for each in plan.source.columns if each in plan.source_columns]
    own = [each for each in plan.source.columns if each != "time"]
    if form == "cloudevents":
        return f"whole events; used: {', '.join(names) or 'no column'}"
    names = [each for each in names if each in own]
    return f"{', '.join(names) or 'no column'} ({len(names)} of {len(own)} columns)"


def _predicates(plan: Plan, stage: int, when: str) -> Lines:
    for number, text in enumerate(plan.predicate_texts.get(stage, ())):
        yield _entry("filter" if number == 0 else "", f"{text}{f'   [{when}]' if number == 0 else ''}")


def _unknown(file: PipelineFile) -> Lines:
    yield ""
    yield "not known without Kafka"
    ((name, source),) = file.pipeline.sources.items()
    if source.protobuf:
        yield _entry("columns", f"those of {source.protobuf.message}, whose descriptor could not be read")
    elif source.format == "json" and source.columns is None:
        yield _entry("columns", f"source {name} declares none: they are inferred from its first records")
    for table, declared in file.pipeline.tables.items():
        if declared.columns is None:
            yield _entry("columns", f"table {table} declares none: they are inferred from its rows")
    yield _entry("so", "neither types nor joins, filters and windows; declare columns to see them")


def _join(plan: Plan, file: PipelineFile, join: Join, number: int) -> Lines:
    table = file.pipeline.tables[join.table]
    yield ""
    yield f"{number}. {join.kind.value} JOIN {join.table} ON {join.text}"
    yield _entry("table", _table(file, table))
    yield _entry("looked up", f"by its key {table.key}" if join.index is None else "by an index of the columns in ON")
    if join.residual:
        yield _entry("then", "the rest of ON is checked on each row that was found")
    yield _entry("no match", _no_match(join, table))
    yield from _predicates(plan, join.relation.stage, "as soon as the row is there")


def _table(file: PipelineFile, table: Table) -> str:
    if table.topic:
        place = f"topic {table.topic}, compacted: read whole at the start, then kept current"
    else:
        place = f"file {table.file}, read again when it changes"
    if table.valid_from:
        until = f"or {table.valid_to}" if table.valid_to else "of the same key"
        place += f"; the version at the event's time, from {table.valid_from} to the next {until}"
    return place


def _no_match(join: Join, table: Table) -> str:
    if join.kind is JoinKind.INNER:
        return "dropped" if table.on_no_match == "drop" else "to the dead-letter topic, reason no_match"
    return {
        JoinKind.LEFT: "NULLs for the table's columns",
        JoinKind.SEMI: "dropped",
        JoinKind.ANTI: "kept; a match is dropped",
    }[join.kind]


def _models(plan: Plan, file: PipelineFile) -> Lines:
    if not plan.models:
        return
    filters = sum(len(plan.predicate_texts.get(stage, ())) for stage in range(plan.model_stage))
    yield ""
    yield "models"
    for each in plan.models:
        yield _entry("call", _call(plan, each))
    yield _entry(
        "asked",
        f"in batches over one gRPC stream, after {_count(filters, 'filter')} and {_count(len(plan.joins), 'join')}",
    )
    yield from _predicates(plan, plan.model_stage, "on the answers")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _call(plan: Plan, call: ModelCall) -> str:
    answer = f"the best {call.top_k}" if call.function == "predict" else "array<float>"
    exploded = ", a row each" if plan.explode and plan.explode.call is call else ""
    return f"{call.function} of {call.model}: {answer}{exploded}"


def _windows(plan: Plan, file: PipelineFile) -> Lines:
    grouping, pipeline = plan.grouping, file.pipeline
    if grouping is None:
        return
    spec, select = grouping.spec, parse(file)
    source = pipeline.sources[plan.source_name]
    calls = dict.fromkeys(each.sql("spark") for root in _roots(select) for each in aggregates_of(root))
    yield ""
    yield "windows"
    yield _entry("of", _shape(spec))
    yield _entry("group by", ", ".join(grouping.key_names) or "nothing else")
    yield _entry("aggregates", ", ".join(calls) or "none")
    if having := select.args.get("having"):
        yield _entry("having", having.this.sql("spark"))
    yield _entry("closed", f"once the watermark is {duration(spec.lateness_us)} past the end ({_delays(spec)})")
    late = (
        f"topic {pipeline.windows.late_topic}" if pipeline.windows.late_topic else "the dead-letter topic, reason late"
    )
    yield _entry("late rows", f"to {late}")
    yield _entry("emitted", "once, when closed" if spec.emit == "append" else "whenever they have changed")
    if grouping.by_source_key:
        yield _entry(
            "travel", f"straight to the sink: GROUP BY has {source.key}, by which {source.topic} is partitioned"
        )
    else:
        why = f"{source.key} is not in GROUP BY" if source.key else "the source declares no key"
        yield _entry("travel", f"partial aggregates through {pipeline.name}-repartition, by group key: {why},")
        yield _entry("", "so a group may have rows in several partitions")
    yield _entry("state", f"{pipeline.name}-changelog: for each window and group the aggregates so far and the offset")
    yield _entry("", "below which rows are in them; for each partition its offset and watermark")


def _roots(select: exp.Select) -> list[exp.Expression]:
    having = select.args.get("having")
    return [*select.expressions, *([having] if having else [])]


def _shape(spec: WindowSpec) -> str:
    size = duration(spec.size_us)
    return f"{size}, one after the other" if spec.tumbling else f"{size}, one each {duration(spec.slide_us)}"


def _delays(spec: WindowSpec) -> str:
    return f"watermark {duration(spec.delay_us)}, allowed lateness {duration(spec.lateness_us)}"


def _columns(plan: Plan) -> Lines:
    yield ""
    yield "columns"
    width = max(map(len, plan.output), default=0)
    for name, code in plan.output.items():
        yield f"  {name:{width}}  {code.type}{'' if code.nullable else ' not null'}"


def _sink(plan: Plan | None, file: PipelineFile) -> Lines:
    pipeline = file.pipeline
    ((_, source),) = pipeline.sources.items()
    yield ""
    yield "sink"
    yield _entry("topic", f"{pipeline.sink.topic}, key {', '.join(pipeline.sink.key)}")
    if pipeline.delivery == "exactly-once":
        delivery = "rows, state and offsets in one Kafka transaction: for readers of committed records"
    else:
        delivery = "after a crash rows may come again, with the same ids"
    yield _entry("delivery", f"{pipeline.delivery}: {delivery}")
    if plan is None:
        return
    if plan.grouping:
        revision = ", rows so far by partition" if plan.grouping.spec.emit == "update" else ""
        yield _entry("id", f"hash of pipeline, window, group{revision}")
    else:
        event = "event source and id" if source.format == "cloudevents" else "topic, partition and offset"
        yield _entry("id", f"hash of pipeline, {event}, number of the row")


def duration(time_us: int) -> str:
    """Such as 10s or 1500ms."""
    for unit_us, unit in _UNITS_US:
        if time_us and time_us % unit_us == 0:
            return f"{time_us // unit_us}{unit}"
    return f"{time_us}us" if time_us else "0s"
