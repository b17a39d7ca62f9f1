"""YSB by hand: what is left when there is no engine.

python -m benchmarks.peers.plain.ysb BOOTSTRAP EVENTS TABLE SINK PARTITIONS DIRECTORY
"""

import sys
from collections import defaultdict

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.peers.plain.table import load

WINDOW_MS = 10_000


class Event(msgspec.Struct):
    ad_id: str
    event_type: str
    event_time: str


def main() -> None:
    bootstrap, events, table, sink, *_ = sys.argv[1:]
    campaigns = load(bootstrap, table, "campaign_id")
    reading = {"queued.min.messages": 1_000_000, "fetch.queue.backoff.ms": 5, "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "plain", **reading})
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5})
    consumer.assign([TopicPartition(events, 0, 0)])
    decode = msgspec.json.Decoder(Event).decode
    start, end = 0, 0
    views: dict[str, int] = defaultdict(int)
    while True:
        for message in consumer.consume(10_000, 0.05):
            event = decode(message.value())
            time_ms = int(event.event_time)
            if time_ms >= end:
                for campaign, count in views.items():
                    row = {"campaign_id": campaign, "window_start": start, "views": count}
                    producer.produce(sink, msgspec.json.encode(row), campaign)
                views.clear()
                start = time_ms - time_ms % WINDOW_MS
                end = start + WINDOW_MS
            if event.event_type == "view" and (found := campaigns.get(event.ad_id)):
                views[found] += 1
        producer.poll(0)


if __name__ == "__main__":
    main()
