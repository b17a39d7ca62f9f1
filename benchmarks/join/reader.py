"""An independent reader of the sink: id and milliseconds from when an event was due to its receipt, a line each.

python -m benchmarks.join.reader --bootstrap-servers 127.0.0.1:9092 --topic out --out received.bin
"""

import argparse
import array
import gc
import signal
import time
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, TopicPartition


class Row(msgspec.Struct):
    id: int
    sent: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.join.reader", description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--out", type=Path, required=True, help="doubles: id, ms; id, ms; ...")
    options = parser.parse_args()
    running = True

    def stop(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap_servers,
            "group.id": "reader",
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": 5,
            "log_level": 2,
        }
    )
    consumer.assign([TopicPartition(options.topic, 0, 0)])
    decode = msgspec.json.Decoder(Row).decode
    gc.disable()
    with options.out.open("wb") as out:
        while running:
            # Wait for one, then take what is there: `consume` with a time-out would wait to fill.
            first = consumer.poll(0.1)
            if first is None:
                out.flush()
                continue
            messages = [first, *consumer.consume(500, 0)]
            now_us = time.time_ns() / 1000
            numbers = array.array("d")
            for message in messages:
                if message.error():
                    continue
                row = decode(message.value())
                numbers.extend((row.id, (now_us - row.sent) / 1000))
            out.write(numbers.tobytes())
            out.flush()


if __name__ == "__main__":
    main()
