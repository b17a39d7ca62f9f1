"""Windows on a real broker: exact in both stages, over kills, restarts and rebalances, and in transactions."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.harness import Reader, eventually, headers_of
from tests.integration.streams import SIZE_MS, START_MS, Event, Group, Row, Stream, batch, rows
from tools.kafka import Broker
from tools.services import Service

DELAY_MS = 2_000
END_MS = START_MS + 60 * SIZE_MS

Make = Callable[..., Stream]


@pytest.fixture
def make(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Make:
    return lambda partitions=3: Stream(broker.bootstrap_servers, tmp_path, unique, partitions)


def send_random(stream: Stream, count: int, seed: int = 1, first_ms: int = START_MS) -> None:
    """A second an event in each partition, by as much out of order as the watermark allows."""
    chance = random.Random(seed)
    for number in range(count):
        for partition in range(stream.partitions):
            time_ms = first_ms + number * 1000 - chance.randrange(DELAY_MS)
            user = f"u{partition}{chance.randrange(3)}"
            stream.send(partition, Event(f"k{chance.randrange(4)}", user, chance.randrange(20), time_ms))
    stream.producer.flush()


def by_key(event: Event) -> str:
    return event.key


def by_user(event: Event) -> str:
    return event.user


def expected(stream: Stream, by: Callable[[Event], str] = by_key) -> dict[Group, Row]:
    return batch(stream.sent, DELAY_MS, by)[0]


def await_rows(reader: Reader, wanted: dict[Group, Row]) -> None:
    eventually(lambda: rows(reader).keys() >= wanted.keys(), what=f"{len(wanted)} groups")
    assert rows(reader) == wanted


def ids(reader: Reader) -> list[str]:
    return [headers_of(each)["ce_id"] for each in reader.records]


def await_restored(joiner: Service) -> None:
    eventually(lambda: any(each["message"] == "state restored" for each in joiner.logs()), what="restored state")


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
@pytest.mark.parametrize("emit", ["append", "update"])
@pytest.mark.parametrize(("group", "by"), [("k", by_key), ("u", by_user)], ids=["repartitioned", "local"])
def test_windows_are_those_of_a_batch(
    make: Make, group: str, by: Callable[[Event], str], emit: str, delivery: str
) -> None:
    stream = make().windowed(group=group, emit=emit, delivery=delivery)
    send_random(stream, 50)
    with stream.reader(committed=True) as out, stream.joiner():
        send_random(stream, 50, seed=2, first_ms=START_MS + 50_000)
        stream.close_windows(END_MS)
        wanted = expected(stream, by)
        eventually(lambda: rows(out) == wanted, what="all groups")
        if emit == "append":
            assert len(ids(out)) == len(wanted)
        assert len(set(ids(out))) == len(ids(out))


@pytest.mark.parametrize("late", [False, True], ids=["dead-letters", "late_topic"])
@pytest.mark.parametrize("group", ["k", "u"])
def test_late_rows_are_set_aside_and_counted(make: Make, group: str, late: bool) -> None:
    stream = make(2).windowed(group=group, late=late)
    with stream.joiner() as joiner, stream.reader() as out, stream.reader("late" if late else "letters") as letters:
        stream.send(0, Event("a", "u", 1, START_MS), Event("a", "u", 2, START_MS + SIZE_MS + DELAY_MS))
        stream.send(0, Event("a", "u", 3, START_MS + 1), Event("a", "u", 4, START_MS + SIZE_MS))
        stream.send(1, Event("a", "v", 5, START_MS))
        stream.close_windows(END_MS)
        wanted, too_late = batch(stream.sent, DELAY_MS, by_key if group == "k" else by_user)
        assert [each.amount for each in too_late] == [3]
        await_rows(out, wanted)
        (letter,) = letters.until(1)
        assert (letter.value, headers_of(letter)["sl_reason"]) == (too_late[0].value, "late")
        assert joiner.metric("sightline_late_rows_total") == 1


def test_an_idle_partition_holds_nothing_back(make: Make) -> None:
    stream = make(3).windowed(idle="500ms")
    with stream.joiner(), stream.reader() as out:
        stream.send(0, Event("a", "u", 1, START_MS), Event("b", "u", 1, START_MS + SIZE_MS + DELAY_MS))
        # Of partitions 1 and 2 nothing ever came; 0 goes on.
        await_group(stream, 0, out, Group(START_MS, "a"))
        later_ms = START_MS + 5 * SIZE_MS
        stream.send(1, Event("c", "u", 1, later_ms), Event("d", "u", 1, later_ms + SIZE_MS + DELAY_MS))
        await_group(stream, 1, out, Group(later_ms, "c"))
        await_group(stream, 1, out, Group(START_MS + SIZE_MS, "b"))
        assert rows(out)[Group(START_MS + SIZE_MS, "b")]["n"] == 1


def await_group(stream: Stream, partition: int, out: Reader, group: Group) -> None:
    """While the partition goes on: once all are idle nothing moves."""
    last = stream.sent[partition][-1]

    def is_there() -> bool:
        stream.send(partition, last._replace(amount=13))
        return group in rows(out)

    eventually(is_there, what=f"{group}")


def test_a_partition_whose_rows_are_filtered_out_holds_nothing_back(make: Make) -> None:
    stream = make(2).windowed()
    with stream.joiner(), stream.reader() as out:
        stream.send(0, Event("a", "u", 1, START_MS), Event("a", "u", 1, END_MS))
        stream.send(1, Event("a", "u", 13, START_MS), Event("a", "u", 13, END_MS))
        stream.producer.flush()
        await_rows(out, {Group(START_MS, "a"): expected(stream)[Group(START_MS, "a")]})


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
@pytest.mark.parametrize("group", ["k", "u"])
def test_killed_or_terminated_it_goes_on_where_it_was(make: Make, group: str, delivery: str) -> None:
    stream = make(2).windowed(group=group, delivery=delivery)
    with stream.reader(committed=True) as out:
        for part in range(3):
            joiner = stream.start().wait_ready()
            send_random(stream, 17, part, START_MS + part * 17_000)
            eventually(lambda: joiner.metric("sightline_window_state_keys") > 0, what="state")  # noqa: B023
            if part == 1:
                assert joiner.stop() == 0
            else:
                joiner.kill()
        with stream.joiner() as last:
            stream.close_windows(END_MS)
            await_rows(out, expected(stream, by_key if group == "k" else by_user))
            await_restored(last)
        assert delivery == "at-least-once" or len(set(ids(out))) == len(ids(out))


def owned(joiner: Service) -> set[str]:
    found: set[str] = set()
    for each in joiner.logs():
        if each["message"] == "partitions assigned":
            found |= set(each["partitions"])
        elif each["message"] == "partitions revoked":
            found -= set(each["partitions"])
    return found


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_instances_share_the_partitions_and_hand_over_their_windows(make: Make, delivery: str) -> None:
    stream = make(4).windowed(delivery=delivery)
    with stream.reader(committed=True) as out, stream.joiner():
        send_random(stream, 25)
        with stream.joiner() as second:
            events, partials = stream.names["events"], stream.names["name"] + "-repartition"
            eventually(lambda: len(owned(second)) == 4, what="its share of the source and of what is merged")
            numbers = {each.rpartition("/")[2] for each in owned(second)}
            assert owned(second) == {f"{topic}/{number}" for topic in (events, partials) for number in numbers}
            send_random(stream, 25, 2, START_MS + 25_000)
        send_random(stream, 25, 3, START_MS + 50_000)
        stream.close_windows(END_MS)
        await_rows(out, expected(stream))
        assert delivery == "at-least-once" or len(set(ids(out))) == len(ids(out))
