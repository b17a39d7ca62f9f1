"""Partitions that fall silent hold nothing back, and those that are not silent are not taken for it."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from sightline.io.kafka import Topic, admin, create_topics, producer_config
from tests.integration.harness import Reader, event_headers, eventually, headers_of, producer, service
from tests.integration.scripted_featurizer import scripted_featurizer
from tests.integration.streams import SIZE_MS, START_MS, Event, Group, Stream, rows
from tools.kafka import Broker

DELAY_MS = 2_000
FILTERED = 13
"""An amount that the query leaves out: such an event drives the watermark and is in no row."""


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_the_others_of_its_instance_close_the_windows_of_an_idle_partition(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path, delivery: str
) -> None:
    """Where groups are by the source's key, and so are not merged."""
    stream = Stream(broker.bootstrap_servers, tmp_path, unique, 3)
    stream.windowed(group="u", idle="500ms", delivery=delivery)
    with stream.reader(committed=True) as out, stream.reader("letters", committed=True) as letters, stream.joiner():
        stream.send(1, Event("k", "quiet", 5, START_MS))
        # Of partition 2 nothing ever came.
        goes_on(stream, out, START_MS + SIZE_MS + DELAY_MS, Group(START_MS, "quiet"))
        late = Event("k", "quiet", 7, START_MS + 1)
        stream.send(1, late, Event("k", "quiet", 1, START_MS + SIZE_MS))
        eventually(lambda: [each.value for each in letters.poll()] == [late.value], what="the late row")
        goes_on(stream, out, START_MS + 3 * SIZE_MS, Group(START_MS + SIZE_MS, "quiet"))
        assert rows(out)[Group(START_MS, "quiet")]["n"] == 1
        ids = [headers_of(each)["ce_id"] for each in out.records]
        assert delivery == "at-least-once" or len(set(ids)) == len(ids)


def goes_on(stream: Stream, out: Reader, time_ms: int, until: Group) -> None:
    """Partition 0 does."""

    def is_there() -> bool:
        stream.send(0, Event("k", "busy", FILTERED, time_ms))
        return until in rows(out)

    eventually(is_there, what=f"{until}")


def test_a_partition_written_in_transactions_is_read_to_its_end_and_may_be_idle(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, tmp_path, unique, 2).windowed(idle="500ms")
    config = producer_config(broker.bootstrap_servers, transactional=True)
    writer = Producer(config | {"transactional.id": stream.names["name"]})
    writer.init_transactions(30)
    writer.begin_transaction()
    event = Event("a", "u", 1, START_MS)
    for _ in range(3):
        writer.produce(stream.names["events"], event.value, b"u", 1)
    writer.commit_transaction(30)
    with stream.reader() as out, stream.joiner() as joiner:
        # Its last offset is the end of the transaction.
        eventually(lambda: lags(joiner.samples("sightline_consumer_lag_records")).get("1") == 0, what="no lag")
        goes_on(stream, out, START_MS + SIZE_MS + DELAY_MS, Group(START_MS, "a"))
        assert rows(out)[Group(START_MS, "a")]["n"] == 3


def lags(samples: object) -> dict[str, float]:
    return {labels["partition"]: value for labels, value in samples}  # type: ignore[attr-defined]


SCORED = """\
version: 1
name: {events}
sources: {{events: {{topic: {events}, watermark: 0s, idle: 500ms}}}}
query: |
  SELECT p.label, count(*) AS n FROM events e CROSS JOIN LATERAL inline(predict('m', e.image)) p
  GROUP BY p.label, window(e.time, '10 seconds')
sink: {{topic: {out}, key: [label]}}
"""


def test_a_partition_whose_images_wait_is_not_idle(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    names = {each: unique(each) for each in ("events", "out", "letters")}
    create_topics(admin(broker.bootstrap_servers), [Topic(each, 3) for each in names.values()])
    (tmp_path / "p.yaml").write_text(SCORED.format(**names))
    sender, out = producer(broker.bootstrap_servers), Reader(broker.bootstrap_servers, names["out"])

    def send(image: bytes, time: str, partition: int) -> None:
        headers = event_headers(time, time=f"2026-01-01T{time}Z")
        sender.send(names["events"], image, headers=headers, partition=partition).get(30)

    with scripted_featurizer() as (address, featurizer):
        flags = ["--pipeline", str(tmp_path / "p.yaml"), "--bootstrap-servers", broker.bootstrap_servers]
        flags += ["--featurizer-address", address, "--dead-letter-topic", names["letters"]]
        with service("stream_joiner", tmp_path, *flags) as joiner:
            partials = Reader(broker.bootstrap_servers, names["events"] + "-repartition")
            send(b"full", "00:00:01", 1)
            eventually(lambda: [b"full"] in featurizer.requests, what="the image that waits")
            send(b"cat 0.9", "00:00:02", 2)
            eventually(lambda: 2 in idle(partials), what="a partition that is idle")
            for minute in range(1, 4):
                send(b"cat 0.9", f"00:{minute:02}:00", 0)
                eventually(lambda: joiner.metric("sightline_events_total", outcome="windowed") == minute + 1)  # noqa: B023
            assert 1 not in idle(partials)
            assert out.poll() == []
            featurizer.has_room.set()
            send(b"cat 0.9", "00:05:00", 1)
            eventually(lambda: any(b'"dog"' in each.value for each in out.poll()), what="the window of what waited")
            assert joiner.metric("sightline_late_rows_total") == 0
    for each in (sender, out, partials):
        each.close()


def idle(partials: Reader) -> set[int]:
    """Source partitions that were ever said to be idle."""
    records = [msgspec.msgpack.decode(each.value) for each in partials.poll()]
    return {source for _, _, source, _, _, is_idle, _ in records if is_idle}
