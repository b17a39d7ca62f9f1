"""What the tests of windows share: rows, the generated loop, and the result computed from all rows at once.

The batch computation follows the definitions row by row and shares no code with the windows.
"""

from collections import defaultdict
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

from sightline.query.types import BIGINT, STRING
from sightline.query.windows.accumulate import RowVariables, accumulate_source
from sightline.query.windows.aggregates import AggregateCall
from sightline.query.windows.spec import WindowSpec
from sightline.query.windows.windowing import windowing

CALLS = [AggregateCall("count"), AggregateCall("sum", (BIGINT,)), AggregateCall("max", (BIGINT,))]


unhurried = settings(deadline=None)


class Row(NamedTuple):
    time: int
    key: str | None
    value: int | None
    kept: bool = True
    """Else it is filtered out: it drives the watermark and is in no window."""


TIMES, VALUES = st.integers(-60, 60), st.none() | st.integers(-9, 9)
ROWS = st.lists(st.builds(Row, TIMES, st.sampled_from(["a", "b", None]), VALUES, st.booleans()), max_size=40)


@st.composite
def specs(draw, emit="append"):
    slide = draw(st.integers(1, 12))
    size = slide if draw(st.booleans()) else slide + draw(st.integers(0, 20))
    return WindowSpec(
        size_us=size,
        slide_us=slide,
        origin_us=draw(st.integers(1 - slide, slide - 1)),
        delay_us=draw(st.integers(0, 30)),
        lateness_us=draw(st.integers(0, 15)),
        emit=emit,
    )


def shape(spec):
    return windowing(spec, [STRING], CALLS)


def loop(windows):
    """`run(state, rows)` over (offset, row), in the variant that the offset asks for."""
    row = RowVariables(time="t", key=["k"], values=["v", "v"], nullable=[True, True])
    functions = []
    for replay in (False, True):
        source = accumulate_source(windows, row, replay=replay)
        lines = ["def run(state, rows):", *(f"    {each}" for each in source.before)]
        lines += ["    for offset, (t, k, v, kept) in rows:", *(f"        {each}" for each in source.newest("t"))]
        lines += ["        if not kept: continue", *(f"        {each}" for each in source.row)]
        lines += [f"    {each}" for each in source.after]
        namespace = dict(windows.namespace)
        exec("\n".join(lines), namespace)
        functions.append(namespace["run"])

    def run(state, rows):
        for each in rows:
            functions[each[0] < state.replay_until](state, [each])

    return run, functions[0]


def starts(spec, time):
    """All windows [start, start + size) that hold `time`, by trying every start near it."""
    near = range(time - spec.size_us, time + 1)
    return [
        each for each in near if (each - spec.origin_us) % spec.slide_us == 0 and each <= time < each + spec.size_us
    ]


def batch(spec, logs):
    """Result by (start, key), and late offsets by partition, from the logs of all partitions."""
    groups, late = defaultdict(list), defaultdict(list)
    for partition, log in logs.items():
        top = None
        for offset, row in enumerate(log):
            top = row.time if top is None else max(top, row.time)
            missed = False
            if not row.kept:
                continue
            for start in starts(spec, row.time):
                if start + spec.size_us + spec.lateness_us <= top - spec.delay_us:
                    missed = True
                else:
                    groups[start, (row.key,)].append(row.value)
            if missed:
                late[partition].append(offset)
    return {group: total(values) for group, values in groups.items()}, dict(late)


def total(values):
    present = [each for each in values if each is not None]
    return len(values), sum(present) if present else None, max(present, default=None)
