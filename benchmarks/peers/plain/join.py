"""SELECT e.id, e.sent, e.key, t.name FROM events e JOIN places t ON e.key = t.key, by hand.

python -m benchmarks.peers.plain.join BOOTSTRAP EVENTS TABLE SINK PARTITIONS DIRECTORY
"""

import sys

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.peers.plain.table import load


class Event(msgspec.Struct):
    id: int
    sent: int
    key: str


class Row(msgspec.Struct):
    id: int
    sent: int
    key: str
    name: str


def main() -> None:
    bootstrap, events, table, sink, partitions, *_ = sys.argv[1:]
    names = load(bootstrap, table, "name")
    reading = {"fetch.queue.backoff.ms": 5, "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "plain", **reading})
    # One request at a time: it carries what came during the one before, so that requests grow with the load.
    sending = {"linger.ms": 0, "max.in.flight.requests.per.connection": 1}
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", **sending})
    consumer.assign([TopicPartition(events, partition, 0) for partition in range(int(partitions))])
    decode = msgspec.json.Decoder(Event).decode
    encode = msgspec.json.Encoder().encode
    while True:
        # Wait for one, then take what is there: `consume` with a time-out would wait to fill.
        first = consumer.poll(0.5)
        for message in [first, *consumer.consume(500, 0)] if first else []:
            event = decode(message.value())
            if name := names.get(event.key):
                producer.produce(sink, encode(Row(event.id, event.sent, event.key, name)))
        producer.poll(0)


if __name__ == "__main__":
    main()
