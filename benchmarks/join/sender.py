"""An open-loop producer: each event is due at a fixed moment, which is in it, whatever becomes of those before.

python -m benchmarks.join.sender --bootstrap-servers 127.0.0.1:9092 --topic events --rate 200 --count 1000
"""

import argparse
import gc
import json
import time
from pathlib import Path

from confluent_kafka import Producer

from benchmarks.join.table import event


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.join.sender", description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--rate", type=float, required=True, help="events a second")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="id of the first event")
    parser.add_argument("--report", type=Path, required=True, help="how late the sender itself was, as JSON")
    options = parser.parse_args()
    gc.disable()
    producer = Producer(
        {
            "bootstrap.servers": options.bootstrap_servers,
            "acks": "all",
            "linger.ms": 0,
            # What comes due during a request goes with the next one. A request for each record would keep the broker
            # busy at high rates, and the figure would be the sender's.
            "max.in.flight.requests.per.connection": 1,
            "queue.buffering.max.messages": 1_000_000,
            "log_level": 2,
        }
    )
    producer.list_topics(options.topic)
    period_us = 1e6 / options.rate
    begin_us = time.time_ns() / 1000 + 50_000
    late_us_max = 0.0
    sent = 0
    while sent < options.count:
        now_us = time.time_ns() / 1000
        due = min(options.count, int((now_us - begin_us) / period_us) + 1) if now_us >= begin_us else 0
        while sent < due:
            due_us = begin_us + sent * period_us
            late_us_max = max(late_us_max, now_us - due_us)
            producer.produce(options.topic, event(options.first + sent, round(due_us)))
            sent += 1
        producer.poll(0)
        wait_us = begin_us + sent * period_us - time.time_ns() / 1000
        if wait_us > 0:
            time.sleep(wait_us / 1e6)
    producer.flush()
    options.report.write_text(json.dumps({"late_ms_max": round(late_us_max / 1000, 2)}))


if __name__ == "__main__":
    main()
