"""The source that adds one row to a `WindowState`, to be put into a loop over rows in offset order.

The contract with the function around it:

    def run(state, …):
        <before>                    # once
        for …:                      # in offset order
            <newest(time)>          # `time` is the event's, also of one that is filtered out, or the largest so far
            <row>                   # once a row, with the row's event time, key and arguments in local variables
        <after>                     # once, also after the loop was left early

Local names that begin with `w_` belong to these lines. They are executed in `Windowing.namespace`. Nothing else may
use the state between `before` and `after`. A row that is late for one of its windows or more is appended to
`state.late` once, as the value of the `late` expression.

The window of the row before is kept at hand until the watermark closes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sightline.query.windows.windowing import Windowing


@dataclass(frozen=True)
class AccumulateSource:
    """Lines without indentation of their own, but with that of what is nested in them."""

    before: list[str]
    newest: Callable[[str], list[str]]
    """Lets a variable drive the watermark."""
    row: list[str]
    after: list[str]


@dataclass(frozen=True, kw_only=True)
class RowVariables:
    """Source of one row's values.

    `time` must be the name of a variable (int, µs), `key` has an expression for each column of the group key, `values`
    names the variable of each aggregate argument, call after call, and `nullable` says which of them may be None.
    `late` is what is put into `state.late`; `offset` is only used in a replay.
    """

    time: str
    key: Sequence[str]
    values: Sequence[str] = ()
    nullable: Sequence[bool] = ()
    late: str = "offset"
    offset: str = "offset"
    state: str = "state"


def accumulate_source(windowing: Windowing, row: RowVariables, *, replay: bool = False) -> AccumulateSource:
    """With `replay` a row that a restored entry includes is skipped; needed while offsets are below
    `state.replay_until`, and slower."""
    spec, state = windowing.spec, row.state
    before = [
        f"w_windows, w_top, w_epoch, w_new = {state}.windows, {state}.top_us, {state}.epoch, 0",
        f"w_dirty, w_late, w_included = {state}.dirty.append, {state}.late.append, {state}.included.get",
        "w_from = w_to = 0",
    ]
    after = [f"{state}.top_us = w_top", f"{state}.created(w_new)"]
    add = _add(windowing, row, replay)
    last_start = f"{row.time} - ({row.time} - {spec.origin_us}) % {spec.slide_us}"
    if spec.tumbling:
        body = [
            f"if not w_from <= {row.time} < w_to:",
            f"    w_from = {last_start}",
            f"    w_to = w_from + {spec.size_us}",
            f"    if w_to <= w_top - {spec.holdback_us}:",
            "        w_keys = None",
            "    else:",
            "        w_keys = w_windows.get(w_from)",
            "        if w_keys is None: w_keys = w_windows[w_from] = {}",
            "if w_keys is None:",
            f"    w_late({row.late})",
            "else:",
            f"    w_key = {windowing.keys.source(row.key)}",
            *_indented(add, 1),
        ]
    else:
        body = [
            f"w_key = {windowing.keys.source(row.key)}",
            "w_missed = False",
            f"for w_from in range({last_start}, {row.time} - {spec.size_us}, -{spec.slide_us}):",
            # The earlier a window the later the row is for it.
            f"    if w_from + {spec.size_us + spec.holdback_us} <= w_top:",
            "        w_missed = True",
            "        break",
            "    w_keys = w_windows.get(w_from)",
            "    if w_keys is None: w_keys = w_windows[w_from] = {}",
            *_indented(add, 1),
            f"if w_missed: w_late({row.late})",
        ]
    return AccumulateSource(before, partial(advance_source, windowing), body, after)


def advance_source(windowing: Windowing, time: str) -> list[str]:
    """Lines that let the variable `time` drive the watermark."""
    lines = [f"if {time} > w_top:", f"    w_top = {time}"]
    if windowing.spec.tumbling:
        lines.append(f"    if w_to <= w_top - {windowing.spec.holdback_us}: w_from = w_to = 0")
    return lines


def _add(windowing: Windowing, row: RowVariables, replay: bool) -> list[str]:
    """Add the row to `w_key` of the window `w_from`, whose keys are `w_keys`."""
    update = windowing.aggregation.update("w_acc", row.values, row.nullable)
    find = [
        "w_acc = w_keys.get(w_key)",
        "if w_acc is None:",
        f"    w_acc = w_keys[w_key] = {windowing.aggregation.start('w_epoch')}",
        "    w_new += 1",
        "    w_dirty((w_from, w_key, w_acc))",
        "elif w_acc[0] != w_epoch:",
        "    w_acc[0] = w_epoch",
        "    w_dirty((w_from, w_key, w_acc))",
    ]
    if not replay:
        return find + update
    return [f"if w_included((w_from, w_key), 0) <= {row.offset}:", *_indented(find + update, 1)]


def _indented(lines: Sequence[str], levels: int) -> list[str]:
    return [" " * 4 * levels + each for each in lines]
