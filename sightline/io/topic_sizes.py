"""`python -m sightline.io.topic_sizes`, in a joiner's pod: prints each topic's partitions as `{"events": 4, ...}`.

`sightline doctor` runs it there, where the broker is in reach and its passwords are.
"""

import json
import os
import sys

from sightline.io.brokers import PREFIX, Brokers
from sightline.io.kafka import KafkaException, admin

JOINER = "SIGHTLINE_JOINER_"
TIMEOUT_S = 10


def main() -> int:
    servers = os.environ.get(f"{JOINER}BOOTSTRAP_SERVERS", "localhost:9092")
    environment = {name.replace(f"{JOINER}KAFKA_", PREFIX): value for name, value in os.environ.items()}
    try:
        found = admin(Brokers.from_environment(servers, environment)).list_topics(timeout=TIMEOUT_S).topics
    except KafkaException as error:
        print(error.args[0].str(), file=sys.stderr)
        return 1
    print(json.dumps({name: len(topic.partitions) for name, topic in sorted(found.items())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
