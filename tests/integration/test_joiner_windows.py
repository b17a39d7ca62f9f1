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
