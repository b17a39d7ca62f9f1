"""Stage 1 against the whole log computed at once: batches, checkpoints and crashes must not show."""

import datetime
import math
from decimal import Decimal as Number
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.query.types import BOOLEAN, DATE, DOUBLE, INT, STRING, Decimal
from sightline.query.windows.aggregates import AggregateCall
from sightline.query.windows.records import Marker
from sightline.query.windows.spec import NEVER_US, WindowSpec
from sightline.query.windows.state import WindowState, restore
from sightline.query.windows.windowing import StateFullError, windowing
from tests.unit.windows_model import ROWS, Row, batch, loop, shape, specs, starts, unhurried


@unhurried
@given(specs(), st.integers(-200, 200))
def test_windows_of_a_time(spec, time):
    assert sorted(spec.starts(time)) == starts(spec, time)


@unhurried
@given(specs(), st.integers(-200, 200), st.integers(-200, 200))
def test_closed_until(spec, time, watermark):
    for start in spec.starts(time):
        assert (start <= spec.closed_until(watermark)) == (spec.closes_us(start) <= watermark)


@pytest.mark.parametrize("wrong", [{"slide_us": 11}, {"slide_us": 0}, {"origin_us": 10}, {"delay_us": -1}])
def test_wrong_specs(wrong):
    with pytest.raises(ValueError, match=r"window|negative"):
        WindowSpec(**{"size_us": 10, "slide_us": 10} | wrong)


@unhurried
@given(specs(), ROWS, st.data())
def test_batches_do_not_show(spec, rows, data):
    windows = shape(spec)
    _, run = loop(windows)
    state, log = WindowState(windows), list(enumerate(rows))
    closed: dict[Any, Any] = {}
    while log:
        size = data.draw(st.integers(1, len(log)))
        run(state, log[:size])
        log = log[size:]
        take(windows, state, closed)
    take(windows, state, closed, final=True)
    expected, late = batch(spec, {0: rows})
    assert closed == expected
    assert state.late == late.get(0, [])


def restored(windows, changelog) -> tuple[WindowState, Marker]:
    state, marker = restore(windows, changelog)
    assert marker is not None
    return state, marker


def take(windows, state, results, final=False):
    """Closed windows into `results`; a second, other result of a group is a fault."""
    closed = state.close(final)
    for start, key, accumulator in closed:
        result = windows.aggregation.result(accumulator)
        assert results.setdefault((start, key), result) == result
    return [(start, key) for start, key, _ in closed]


@unhurried
@given(st.sampled_from(["append", "update"]).flatmap(specs), ROWS, st.data())
def test_crashes_do_not_show(spec, rows, data):
    """At any moment the state is lost, and with it the end of the changelog and what was not yet acknowledged."""
    windows = shape(spec)
    run, _ = loop(windows)
    state, position, late = WindowState(windows), 0, set()
    changelog = state.checkpoint(0)
    results: dict[Any, Any] = {}
    revisions: dict[Any, Any] = {}
    durable, unacknowledged, crashes = 1, [], 0
    while position < len(rows):
        step = data.draw(st.sampled_from(["row", "row", "row", "emit", "forget", "checkpoint", "crash"]))
        if step == "row":
            run(state, [(position, rows[position])])
            position += 1
        elif step == "emit":
            unacknowledged += take(windows, state, results)
            for start, key, accumulator in state.changed():
                revisions[start, key] = max(revisions.get((start, key), (0,)), windows.aggregation.result(accumulator))
        elif step == "forget":
            count = data.draw(st.integers(0, len(unacknowledged)))
            state.forget(unacknowledged[:count])
            del unacknowledged[:count]
        elif step == "checkpoint":
            late.update(state.late)
            changelog += state.checkpoint(position)
            durable = data.draw(st.integers(durable, len(changelog)))
        elif crashes < 5:
            crashes += 1
            late.update(state.late)
            changelog = compacted(changelog[:durable]) if data.draw(st.booleans()) else changelog[:durable]
            durable = len(changelog)
            state, marker = restored(windows, changelog)
            position, unacknowledged = marker.position, []
    final = {(s, k): windows.aggregation.result(acc) for s, k, acc in state.changed()}
    take(windows, state, results, final=True)
    expected, late_expected = batch(spec, {0: rows})
    assert results == expected
    assert sorted(late | set(state.late)) == late_expected.get(0, [])
    if spec.emit == "update":
        assert {group: max(final.get(group, (0,)), revisions.get(group, (0,))) for group in expected} == expected


@unhurried
@given(specs(), ROWS, st.integers(1, 6))
def test_a_changelog_cut_anywhere(spec, rows, every):
    """Windows are emitted and forgotten at once; whatever part of the changelog is there, the rest is the same."""
    windows = shape(spec)
    run, _ = loop(windows)
    expected, _ = batch(spec, {0: rows})

    def go_on(state, position, changelog):
        results: dict[Any, Any] = {}
        for offset in range(position, len(rows)):
            run(state, [(offset, rows[offset])])
            state.forget(take(windows, state, results))
            if offset % every == 0:
                changelog += state.checkpoint(offset + 1)
        take(windows, state, results, final=True)
        return results

    first = WindowState(windows)
    changelog = first.checkpoint(0)
    assert go_on(first, 0, changelog) == expected
    for length in range(1, len(changelog) + 1):
        state, marker = restored(windows, changelog[:length])
        results = go_on(state, marker.position, [])
        assert results.items() <= expected.items()
        # What is not given out again was forgotten: closed by the rows before the marker.
        assert all(spec.closes_us(start) <= marker.top_us - spec.delay_us for start, _ in expected.keys() - results)


def compacted(records):
    """Of each key the last record, as log compaction leaves them."""
    last = {record.key: index for index, record in enumerate(records)}
    return [record for index, record in enumerate(records) if last[record.key] == index]


TUMBLING = WindowSpec(size_us=10, slide_us=10)


def test_a_successor_is_not_confused_by_an_instance_that_lost_its_partition():
    windows = shape(TUMBLING)
    run, _ = loop(windows)
    rows = list(enumerate([Row(1, "a", 1), Row(2, "a", 2), Row(12, "a", 3), Row(13, "b", 4)]))
    zombie, owner = WindowState(windows), WindowState(windows)
    run(zombie, rows[:1])
    run(owner, rows)
    owner.forget([(start, key) for start, key, _ in owner.close()])
    changelog = owner.checkpoint(4) + zombie.checkpoint(1)
    state, marker = restored(windows, changelog)
    assert marker.position == 4
    assert set(state.windows) == {10}


def test_a_window_closed_and_not_forgotten_is_given_out_again():
    windows = shape(TUMBLING)
    _, run = loop(windows)
    state = WindowState(windows)
    run(state, [(0, Row(1, "a", 5)), (1, Row(30, "a", 6))])
    (first,) = state.close()
    assert state.close() == []
    again, _ = restore(windows, state.checkpoint(2))
    (second,) = again.close()
    assert second[:2] == first[:2] == (0, ("a",))
    again.forget([(0, ("a",)), (0, ("unknown",))])
    assert again.key_count == 1
    assert [each.value for each in again.checkpoint(2)][1:] == [None]


def test_update_gives_what_changed_and_append_keeps_nothing_for_it():
    windows = shape(WindowSpec(size_us=10, slide_us=10, emit="update"))
    _, run = loop(windows)
    state = WindowState(windows)
    run(state, [(0, Row(1, "a", 5)), (1, Row(2, "b", 6))])
    assert [each.key for each in state.changed()] == [("a",), ("b",)]
    state.checkpoint(2)
    assert state.changed() == []
    run(state, [(2, Row(3, "b", 6))])
    state.checkpoint(3)
    (changed,) = state.changed()
    assert windows.aggregation.result(changed.accumulator) == (2, 12, 6)


def test_an_idle_partition_gives_what_is_open():
    windows = shape(TUMBLING)
    _, run = loop(windows)
    state = WindowState(windows)
    assert state.watermark_us == NEVER_US
    run(state, [(0, Row(1, "a", 5)), (1, Row(11, "b", 6))])
    state.close()
    partials = state.partials(state.opened(), position=2)
    assert [(each.start_us, each.key, each.included) for each in partials] == [(10, ("b",), 2)]


def test_too_many_groups():
    windows = shape(TUMBLING)
    _, run = loop(windows)
    with pytest.raises(StateFullError, match="state_keys_max"):
        run(WindowState(windows, keys_max=1), [(0, Row(1, "a", 5)), (1, Row(2, "b", 6))])


def test_group_keys_are_equal_where_sql_groups():
    windows = windowing(
        TUMBLING, [DOUBLE, Decimal(precision=5, scale=2), DATE, BOOLEAN, STRING], [AggregateCall("count")]
    )
    key = (float("nan"), Number("1.5"), datetime.date(2026, 1, 2), True, None)
    same = (-math.nan, Number("1.50"), datetime.date(2026, 1, 2), True, None)
    keys = windows.keys
    make = eval(f"lambda a, b, c, d, e: {keys.source(list('abcde'))}", dict(keys.namespace))
    assert len({make(*key), make(*same), keys.load(keys.dump(make(*key)))}) == 1
    assert keys.encode(make(*key)) == keys.encode(make(*same))
    assert make(0.0, *key[1:]) == make(-0.0, *key[1:])


def test_another_querys_state_is_refused():
    windows = shape(TUMBLING)
    records = WindowState(windows).checkpoint(0)
    with pytest.raises(ValueError, match="another query"):
        restore(windowing(TUMBLING, [INT], [AggregateCall("count")]), records)


def test_groups_share_a_changelog_and_not_their_states():
    windows = shape(TUMBLING)
    run, _ = loop(windows)
    rows = list(enumerate([Row(1, "a", 1), Row(2, "a", 2), Row(12, "a", 3), Row(13, "b", 4)]))
    ahead, behind = WindowState(windows, tag="ahead"), WindowState(windows, tag="behind")
    run(ahead, rows)
    run(behind, rows[:2])
    changelog = behind.checkpoint(2) + ahead.checkpoint(4)
    ahead.forget([(start, key) for start, key, _ in ahead.close()])
    changelog += ahead.checkpoint(4)
    for records in (changelog, compacted(changelog)):
        state, marker = restore(windows, records, tag="behind")
        assert marker is not None
        assert (marker.position, set(state.windows), state.windows[0]["a",][1]) == (2, {0}, 2)
        assert restore(windows, records, tag="new")[1] is None
