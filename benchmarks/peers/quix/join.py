"""SELECT e.id, e.sent, e.key, t.name FROM events e JOIN places t ON e.key = t.key, the table in a dictionary.

python -m benchmarks.peers.quix.join BOOTSTRAP EVENTS TABLE SINK PARTITIONS DIRECTORY close|update INSTANCE
"""

import sys

from quixstreams import Application

from benchmarks.peers.quix.table import load


def main() -> None:
    bootstrap, events, table, sink, _, directory, _, instance = sys.argv[1:]
    names = load(bootstrap, table, "name")
    app = Application(
        bootstrap,
        consumer_group=f"quix-{sink}",
        auto_offset_reset="earliest",
        state_dir=f"{directory}/state-{instance}",
        consumer_extra_config={"fetch.queue.backoff.ms": 5},
        producer_extra_config={"linger.ms": 0, "max.in.flight.requests.per.connection": 1},
        loglevel="WARNING",
    )
    frame = app.dataframe(app.topic(events))
    frame = frame[frame["key"].apply(lambda key: key in names)]
    frame = frame.apply(
        lambda event: {
            "id": event["id"],
            "sent": event["sent"],
            "key": event["key"],
            "name": names[event["key"]],
        }
    )
    frame.to_topic(app.topic(sink))
    app.run()


if __name__ == "__main__":
    main()
