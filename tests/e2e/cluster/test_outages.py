"""The broker's pod is replaced again and again at random moments of one stream, each time at another address.

SIGHTLINE_E2E_OUTAGES says how often; SIGHTLINE_E2E_SEED when.
"""

import os
import random
from functools import partial

import pytest

from tests.e2e.cluster.release import Release
from tests.e2e.cluster.test_kills import replaced
from tests.e2e.kube import eventually

OUTAGES = int(os.environ.get("SIGHTLINE_E2E_OUTAGES", "4"))
SEED = int(os.environ.get("SIGHTLINE_E2E_SEED") or random.randrange(1_000_000))
EVENTS_BETWEEN_MAX = 60


@pytest.mark.long
@pytest.mark.timeout(120 + 90 * OUTAGES)
def test_outages_one_after_the_other(release: Release) -> None:
    print(f"SIGHTLINE_E2E_SEED={SEED}")
    at_random = random.Random(SEED)
    stream = release.stream("outages")
    before = restarts(release)
    for _ in range(OUTAGES):
        stream.wait_sent(at_random.randint(1, EVENTS_BETWEEN_MAX))
        broker = release.one(component="kafka")
        release.kube.delete_pod(broker, grace_s=at_random.choice([0, 1, 30]))
        eventually(partial(replaced, release, "kafka", broker.metadata.uid), what="another broker")
    stream.wait_sent(30)
    release.verify(f"Kafka deleted {OUTAGES} times, seed {SEED}", stream)
    assert restarts(release) == before, "waiting for a broker ends no service"


def restarts(release: Release) -> list[int]:
    services = ("stream-joiner", "featurizer", "alerting")
    return [release.one(component=each).status.container_statuses[0].restart_count for each in services]
