"""The product, installed as a user does, with a stream of photographs at hand."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e import figures
from tests.e2e.cluster.photographs import Photographs
from tests.e2e.cluster.player_pod import BUNDLED, NAME, Access, Player
from tests.e2e.cluster.stream import RATE, Outcome, Stream
from tests.e2e.execs import execute
from tests.e2e.helm import Helm
from tests.e2e.kube import WAIT_S, Kube, Pod

Values = dict[str, Any]

_SCRAPE = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/metrics', timeout=10).read().decode())"


def merged(values: Values, changes: Values) -> Values:
    """As Helm merges: maps key by key, anything else is replaced."""
    result = copy.deepcopy(values)
    for key, change in changes.items():
        both = isinstance(change, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], change) if both else change
    return result


def base_values(tag: str) -> Values:
    """Small requests, so that everything fits on nodes of 2 CPUs even while two of each run; the player may call."""
    player = [{"podSelector": {"matchLabels": {"app": NAME}}}]
    small = {"resources": {"requests": {"cpu": "100m", "memory": "256Mi"}}}
    return {
        "image": {"tag": tag},
        "networkPolicy": {"producers": {"from": player}, "alerts": {"from": player}},
        "streamJoiner": small,
        "featurizer": small,
        "alerting": small,
        "kafka": small,
    }


class Release:
    """`values` are those of the installation, the base's with `changes`; tests go back to them."""

    def __init__(self, kube: Kube, tag: str, changes: Values | None = None, access: Access = BUNDLED) -> None:
        self.kube, self.tag, self._access = kube, tag, access
        self.helm = Helm(kube, "sightline")
        self.values = merged(base_values(tag), changes or {})
        self.photographs = Photographs()

    def install(self) -> None:
        self.helm.install(self.values)
        self.player = Player(self.kube, f"sightline/stream-joiner:{self.tag}", self._access, self.photographs)

    def close(self) -> None:
        self.photographs.close()
        self.kube.close()

    def upgrade(self, changes: Values, wait: bool = True) -> None:
        """From the values of the installation; `{}` goes back to them."""
        self.helm.upgrade(merged(self.values, changes), wait)

    @contextmanager
    def changed(self, changes: Values) -> Iterator[None]:
        self.upgrade(changes)
        try:
            yield
        finally:
            self.upgrade({})

    def stream(self, name: str, rate: float = RATE) -> Stream:
        return Stream(self.player, self.photographs, name, rate)

    def verify(self, name: str, stream: Stream) -> Outcome:
        """Ends the stream; nothing may be missed, doubled or false. Its figures are reported under `name`."""
        outcome = stream.finish()
        figures.add(name, str(outcome), **outcome.figures())
        assert outcome.right, f"{name}: {outcome}"
        return outcome

    def one(self, **labels: str) -> Pod:
        """The one pod that is there, once it is ready."""
        return self.kube.wait_ready(1, WAIT_S, **labels)[0]

    def metric(self, pod: Pod, name: str, **labels: str) -> float:
        """The sum of a pod's samples of that name that have these labels."""
        families = text_string_to_metric_families(execute(self.kube, pod.metadata.name, "python", "-c", _SCRAPE))
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())
