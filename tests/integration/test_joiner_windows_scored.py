"""Windows over what a model says: answers come out of order, rows go into their windows in order."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sightline.io.kafka import Topic, admin, create_topics
from tests.integration.harness import Reader, event_headers, eventually, headers_of, producer, service, start
from tests.integration.scripted_featurizer import scripted_featurizer
from tools.kafka import Broker

PIPELINE = """\
version: 1
name: {events}
sources: {{events: {{topic: {events}, watermark: 2s, idle: 1h}}}}
query: |
  SELECT p.label, unix_millis(window.start) AS start, count(*) AS n FROM events e
  CROSS JOIN LATERAL inline(predict('m', e.image)) p WHERE p.score > 0.5
  GROUP BY p.label, window(e.time, '10 seconds')
sink: {{topic: {out}, key: [label]}}
delivery: {delivery}
"""
EVENTS = 60
START_S = 1_700_000_000


def time_of(second: float) -> str:
    return datetime.fromtimestamp(START_S + second, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_scored_rows_are_counted_once_over_a_kill(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path, delivery: str
) -> None:
    names = {each: unique(each) for each in ("events", "out", "letters")}
    create_topics(admin(broker.bootstrap_servers), [Topic(each, 2) for each in names.values()])
    (tmp_path / "p.yaml").write_text(PIPELINE.format(**names, delivery=delivery))
    sender = producer(broker.bootstrap_servers)
    out, letters = (Reader(broker.bootstrap_servers, names[each], committed=True) for each in ("out", "letters"))

    def send(image: str, second: float, partition: int) -> None:
        headers = event_headers(f"{partition}-{second}", time=time_of(second))
        sender.send(names["events"], image.encode(), headers=headers, partition=partition).get(60)

    def found() -> Counter[tuple[str, int]]:
        """The last row of each group, whose copies are equal."""
        rows = [json.loads(each.value) for each in out.poll()]
        return Counter({(each["label"], each["start"]): each["n"] for each in rows})

    wanted: Counter[tuple[str, int]] = Counter()
    with scripted_featurizer() as (address, _):
        flags = ["--pipeline", str(tmp_path / "p.yaml"), "--bootstrap-servers", broker.bootstrap_servers]
        flags += ["--featurizer-address", address, "--session-timeout-ms", "2000"]
        flags += ["--dead-letter-topic", names["letters"]]
        first = start("stream_joiner", tmp_path, *flags).wait_ready()
        for second in range(EVENTS):
            for partition in range(2):
                # Every third is refused for now, and is answered after those behind it.
                image = f"busy {partition}-{second}" if second % 3 == 0 else "cat 0.9" if second % 2 else "bad"
                send(image, second, partition)
                if image != "bad":
                    label = "dog" if image.startswith("busy") else "cat"
                    wanted[label, (START_S + second // 10 * 10) * 1000] += 1
            if second == EVENTS // 2:
                first.kill()
                first = start("stream_joiner", tmp_path, *flags)
        first.wait_ready()
        assert first.stop() == 0
        with service("stream_joiner", tmp_path, *flags) as last:
            for partition in range(2):
                send("cat 0.9", EVENTS + 60, partition)
                send("cat 0.9", 1, partition)
                send("cat 0.1", EVENTS + 120, partition)
            wanted["cat", (START_S + EVENTS + 60) * 1000] += 2
            eventually(lambda: found() == wanted, what="all groups")
            late = lambda: [each for each in letters.poll() if headers_of(each)["sl_reason"] == "late"]  # noqa: E731
            eventually(lambda: len(late()) == 2, what="the late rows")
            assert last.metric("sightline_late_rows_total") == 2
    ids = [headers_of(each)["ce_id"] for each in out.records]
    assert delivery == "at-least-once" or len(set(ids)) == len(ids)
    for each in (sender, out, letters):
        each.close()
