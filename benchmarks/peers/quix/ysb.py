"""YSB in Quix Streams: filter, look the campaign up, group by it, count by window.

python -m benchmarks.peers.quix.ysb BOOTSTRAP EVENTS TABLE SINK PARTITIONS DIRECTORY close|update INSTANCE
"""

import sys
from datetime import timedelta
from typing import Any

from quixstreams import Application

from benchmarks.peers.quix.table import load


def event_time(value: Any, headers: Any, timestamp: float, timestamp_type: Any) -> int:
    return int(value["event_time"])


def main() -> None:
    bootstrap, events, table, sink, _, directory, emit, instance = sys.argv[1:]
    campaigns = load(bootstrap, table, "campaign_id")
    app = Application(
        bootstrap,
        consumer_group=f"quix-{sink}",
        auto_offset_reset="earliest",
        state_dir=f"{directory}/state-{instance}",
        consumer_extra_config={"queued.min.messages": 1_000_000, "fetch.queue.backoff.ms": 5},
        producer_extra_config={"linger.ms": 5, "compression.type": "lz4"},
        loglevel="WARNING",
    )
    frame = app.dataframe(app.topic(events, timestamp_extractor=event_time))
    frame = frame[frame["event_type"] == "view"]
    frame = frame.apply(lambda event: {"campaign_id": campaigns.get(event["ad_id"])})
    frame = frame[frame["campaign_id"].notnull()]
    frame = frame.group_by("campaign_id")
    grace = timedelta(days=0 if emit == "close" else 1)
    counts = frame.tumbling_window(timedelta(seconds=10), grace_ms=grace).count()
    frame = counts.final("partition") if emit == "close" else counts.current()
    frame = frame.apply(
        lambda window, key, *_: {"campaign_id": key, "window_start": window["start"], "views": window["value"]},
        metadata=True,
    )
    frame.to_topic(app.topic(sink))
    app.run()


if __name__ == "__main__":
    main()
