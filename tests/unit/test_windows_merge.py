"""Both stages together against batch: whatever comes twice, late from a lost owner, or after a restart."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.query.windows.merge import SOURCES_MAX, LatePartial, MergeCheckpoint, MergeState
from sightline.query.windows.metadata import Heard, Metadata, decode, encode
from sightline.query.windows.records import Codec, RepartitionRecord
from sightline.query.windows.spec import NEVER_US, WindowSpec
from sightline.query.windows.state import WindowState, restore
from sightline.query.windows.windowing import Partial, StateFullError
from tests.unit.windows_model import ROWS, Row, batch, loop, shape, specs, unhurried

SOURCES = (0, 1, 2)
WATERMARKS = st.just(NEVER_US) | st.integers(-(2**60), 2**60)
LOGS = st.fixed_dictionaries(dict.fromkeys(SOURCES, ROWS))
FAR = 10_000
"""A row at this time closes all windows of the others; windows from here on are not compared."""


class Source:
    """Stage 1 of one partition, writing to one repartition partition `topic`; it may crash and begin again."""

    def __init__(self, windows, number, rows, topic):
        self.windows, self.number, self.topic = windows, number, topic
        self.log = [*rows, Row(FAR, "end", 0)]
        self.run, _ = loop(windows)
        self.state, self.position = WindowState(windows), 0
        self.changelog = self.state.checkpoint(0)
        self.late = set()

    @property
    def done(self):
        return self.position == len(self.log)

    def read(self, count):
        rows = list(enumerate(self.log))[self.position : self.position + count]
        self.run(self.state, rows)
        self.late.update(self.state.late)
        self.position += len(rows)

    def send(self, bytes_max=60):
        closed = self.state.close()
        update = self.windows.spec.emit == "update"
        groups = self.state.changed() if update else closed
        partials = self.state.partials(groups, self.position)
        record = RepartitionRecord(self.number, self.position, self.state.watermark_us, False, partials)
        self.topic += Codec(self.windows).repartition(record, bytes_max)
        self.state.forget((start, key) for start, key, _ in closed)

    def checkpoint(self):
        self.changelog += self.state.checkpoint(self.position)

    def crash(self, lost):
        """All of its memory, and the last `lost` records of the changelog."""
        del self.changelog[max(1, len(self.changelog) - lost) :]
        self.state, marker = restore(self.windows, self.changelog)
        assert marker is not None
        self.position = marker.position


class Sink:
    """Stage 2, reading `topic`; outputs by (start, key), and it may crash and begin at what it committed."""

    def __init__(self, windows, topic):
        self.windows, self.topic, self.codec = windows, topic, Codec(windows)
        self.committed = MergeCheckpoint(0, "")
        self.outputs, self.late = [], []
        self.crash()

    def crash(self):
        self.state = MergeState(self.windows, SOURCES, self.committed)
        self.position = self.committed.offset

    def read(self, count):
        for value in self.topic[self.position : self.position + count]:
            record = self.codec.read_repartition(value)
            assert record is not None
            self.late += self.state.apply(record, self.position)
            self.position += 1
        for start, key, accumulator, revision in self.state.advance():
            self.outputs.append(((start, key), revision, self.windows.aggregation.result(accumulator)))

    def commit(self):
        self.committed = self.state.checkpoint()


@unhurried
@given(st.sampled_from(["append", "update"]).flatmap(specs), LOGS, st.data())
def test_result_equals_batch(spec, logs, data):
    windows = shape(spec)
    topic: list[bytes] = []
    sources = [Source(windows, number, rows, topic) for number, rows in logs.items()]
    sink = Sink(windows, topic)
    for _ in range(data.draw(st.integers(0, 60))):
        source = data.draw(st.sampled_from(sources))
        match data.draw(st.sampled_from(["read", "send", "checkpoint", "crash", "repeat", "sink", "commit", "lose"])):
            case "read":
                source.read(data.draw(st.integers(1, 10)))
            case "send":
                source.send()
            case "checkpoint":
                # What is forgotten must have been sent: a closed window is forgotten in `send` only.
                source.checkpoint()
            case "crash":
                source.crash(data.draw(st.integers(0, 5)))
            case "repeat" if topic:
                topic.append(topic[data.draw(st.integers(0, len(topic) - 1))])
            case "sink":
                sink.read(data.draw(st.integers(1, 5)))
            case "commit":
                sink.commit()
            case "lose":
                sink.crash()
    for source in sources:
        source.read(len(source.log))
        source.send()
    sink.read(len(topic))
    expected, late = batch(spec, logs)
    # The row at FAR makes none of its own log late that was not.
    assert {source.number: sorted(source.late) for source in sources if source.late} == late
    assert sink.late == []
    results: dict[Any, Any] = {}
    for group, revision, result in sink.outputs:
        assert results.setdefault((group, revision), result) == result
    if spec.emit == "append":
        finals = {group: result for (group, _), result in results.items()}
    else:
        finals = {}
        for (group, _), result in results.items():
            finals[group] = max(finals.get(group, (0,)), result)
    assert {group: result for group, result in finals.items() if group[0] < FAR - 100} == expected


@unhurried
@given(st.sampled_from(["append", "update"]).flatmap(specs), LOGS, st.data())
def test_restarts_of_the_second_stage(spec, logs, data):
    """What is committed whenever all outputs are acknowledged gives each result of a revision once."""
    windows = shape(spec)
    topic: list[bytes] = []
    sources = [Source(windows, number, rows, topic) for number, rows in logs.items()]
    while behind := [source for source in sources if not source.done]:
        source = data.draw(st.sampled_from(behind))
        source.read(data.draw(st.integers(1, 15)))
        source.send()
    sink = Sink(windows, topic)
    while sink.position < len(topic) or sink.state.position < len(topic):
        sink.read(data.draw(st.integers(1, 4)))
        if data.draw(st.booleans()):
            sink.commit()
            sink.crash()
            if data.draw(st.booleans()):
                # A second time, before all is rebuilt.
                sink.read(1)
                sink.commit()
                sink.crash()
    groups = [(group, revision) for group, revision, _ in sink.outputs]
    assert len(groups) == len(set(groups))
    expected, _ = batch(spec, logs)
    finals: dict[Any, Any] = {}
    for group, _, result in sink.outputs:
        finals[group] = max(finals.get(group, (0,)), result)
    assert {group: result for group, result in finals.items() if group[0] < FAR - 100} == expected


TUMBLING = WindowSpec(size_us=10, slide_us=10)
KEY = ("a",)


def partial(start, rows, included, key=KEY):
    return Partial(start, key, included, [-1, rows, rows, rows])


def says(source, watermark, *partials, included=0, idle=False):
    return RepartitionRecord(source, included, watermark, idle, list(partials))


def merging(spec=TUMBLING, sources=(0, 1), **options):
    return MergeState(shape(spec), sources, **options)


def test_the_slowest_active_partition_holds_windows_back():
    state = merging()
    state.apply(says(0, 50, partial(0, 2, 5)), 0)
    assert state.advance() == []  # 1 was never heard of
    state.apply(says(1, 5), 1)
    assert state.advance() == []
    state.apply(says(1, 5, partial(0, 3, 4), included=4, idle=True), 2)
    (ready,) = state.advance()
    assert (ready.start_us, ready.key, ready.accumulator[1], ready.revision) == (0, KEY, 5, "")
    assert state.closed_us == 50


def test_nothing_moves_while_all_are_idle():
    state = merging()
    state.apply(says(0, 50, partial(0, 2, 5), idle=True), 0)
    state.apply(says(1, 50, idle=True), 1)
    assert state.advance() == []


def test_rows_of_a_partition_that_resumes_are_late_once():
    state = merging()
    state.apply(says(1, 5, partial(0, 3, 4), included=4, idle=True), 0)
    state.apply(says(0, 50), 1)
    assert len(state.advance()) == 1
    resumed = says(1, 9, partial(0, 5, 6), included=6)
    assert state.apply(resumed, 2) == [LatePartial(1, 0, KEY, 2)]
    assert state.apply(resumed, 3) == []
    assert state.apply(says(1, 5, partial(0, 3, 4), included=4, idle=True), 4) == []
    assert state.apply(says(1, 60, partial(0, 6, 9), included=9), 5) == [LatePartial(1, 0, KEY, 1)]
    assert state.apply(says(1, 60, partial(0, 6, 9), included=9), 6) == []
    assert state.advance() == []
    assert state.closed_us == 50


def test_the_watermark_never_falls():
    state = merging()
    state.apply(says(1, 5, idle=True), 0)
    state.apply(says(0, 50), 1)
    state.advance()
    state.apply(says(1, 7, included=1), 2)
    state.apply(says(0, 40), 3)
    state.advance()
    assert state.closed_us == 50


def test_an_older_record_changes_neither_partial_nor_idleness():
    state = merging(WindowSpec(size_us=10, slide_us=10, emit="update"))
    state.apply(says(0, 1, partial(0, 5, 9), included=9), 0)
    state.apply(says(0, 1, partial(0, 3, 4), included=4, idle=True), 1)
    state.apply(says(1, 1, partial(0, 12, 20), included=20), 2)
    (ready,) = state.advance()
    assert (ready.accumulator[1], ready.revision) == (17, "0:5,1:12")
    assert state.advance() == []


def test_commit_is_what_open_windows_need():
    state = merging()
    state.apply(says(0, 0, partial(0, 1, 1)), 0)
    state.apply(says(0, 0, partial(10, 1, 2)), 1)
    state.apply(says(0, 15), 2)
    assert state.checkpoint().offset == 0
    state.apply(says(1, 15), 3)
    state.advance()
    committed = state.checkpoint()
    assert committed.offset == 1
    again = merging(committed=committed)
    again.apply(says(0, 0, partial(10, 1, 2)), 1)
    again.apply(says(0, 15), 2)
    assert again.advance() == []
    assert again.checkpoint() == committed  # a second crash on the way
    assert again.apply(says(1, 15, partial(0, 9, 9)), 3) == []
    assert again.closed_us == 15
    again.apply(says(0, 99, included=8), 4)
    again.apply(says(1, 99, included=8), 5)
    assert [each.start_us for each in again.advance()] == [10]
    assert again.checkpoint().offset == 6


def test_nothing_is_given_out_before_all_is_rebuilt():
    state = merging()
    state.apply(says(0, 0, partial(0, 1, 1)), 0)
    state.apply(says(1, 50, partial(0, 1, 1)), 1)
    state.apply(says(0, 50), 2)
    again = merging(committed=state.checkpoint())
    again.apply(says(0, 0, partial(0, 1, 1)), 0)
    assert again.advance() == []
    again.apply(says(1, 50, partial(0, 1, 1)), 1)
    again.apply(says(0, 50), 2)
    assert [each.accumulator[1] for each in again.advance()] == [2]


def test_as_many_partitions_as_there_may_be_are_all_remembered():
    """One that is idle may never be heard of again, and would hold everything back."""
    state = MergeState(shape(TUMBLING), range(SOURCES_MAX))
    for source in range(SOURCES_MAX):
        far_us = 2**57 if source else 50
        state.apply(says(source, far_us, included=2**53, idle=source == 7), 2**53 + source)
    state.advance()
    committed = state.checkpoint()
    assert len(committed.metadata) <= 4_096
    again = MergeState(shape(TUMBLING), range(SOURCES_MAX), committed)
    assert (again.closed_us, again.checkpoint()) == (50, committed)
    again.apply(says(0, 99, included=2**54), 2**53 + SOURCES_MAX)
    again.advance()
    assert again.closed_us == 99
    with pytest.raises(ValueError, match=f"at most {SOURCES_MAX}"):
        MergeState(shape(TUMBLING), range(SOURCES_MAX + 1))


@given(st.lists(st.none() | st.builds(Heard, st.integers(-1, 2**55), WATERMARKS, st.booleans()), max_size=5))
def test_metadata_comes_back_as_it_was(sources):
    metadata = Metadata(7, NEVER_US, dict(enumerate(sources)))
    assert decode(encode(metadata)) == metadata


@pytest.mark.parametrize("metadata", ["x", "[]", "1;0;0;", "2;0;0;AAAA", "2;0;0;?", "2;0;x;"])
def test_metadata_of_somebody_else(metadata):
    with pytest.raises(ValueError, match="metadata"):
        merging(committed=MergeCheckpoint(0, metadata))


def test_limits():
    state = merging(keys_max=1)
    state.apply(says(0, NEVER_US, partial(0, 1, 1)), 0)
    with pytest.raises(StateFullError, match="state_keys_max"):
        state.apply(says(0, NEVER_US, partial(0, 1, 1, ("b",))), 1)
    with pytest.raises(ValueError, match="source partition 7"):
        state.apply(says(7, 0), 2)
