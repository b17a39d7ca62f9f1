"""The whole product on a broker of its own, with parts that can be killed and started again."""

import threading
from pathlib import Path

from kafka import KafkaProducer

from demo import places
from demo.compare import Verdict, compare
from demo.photos import Photo, Photographer
from demo.records import alerts
from demo.replay import Sent
from demo.scorer import Scorer
from demo.truth import expected
from sightline.io.kafka import admin, create_topics, topics
from tests.integration.harness import event_headers, eventually, producer, start
from tools.kafka import Broker
from tools.processes import free_port
from tools.services import Service

SESSION_MS = 2_000


class System:
    """featurizer, joiner and alerting as `make demo` runs them. `sent` is what the truth is computed from.

    `preferred` is the address of a pool that the joiner would rather use than the featurizer.
    """

    def __init__(
        self, directory: Path, root: Path, featurizer: str = "services.featurizer", preferred: str = ""
    ) -> None:
        self._directory, self._root, self._featurizer_module = directory, root, featurizer
        self._preferred = f"{preferred}," if preferred else ""
        self.broker = Broker(directory / "kafka")
        self.featurizer_port, self.alerts_port = free_port(), free_port()
        self.services: dict[str, Service] = {}
        self.sent: list[Sent] = []
        self.photos: list[Photo] = []
        self._photographer = Photographer(seed=3)

    def __enter__(self) -> "System":
        self.broker.start()
        create_topics(admin(self.bootstrap), topics())
        places.load(self.bootstrap)
        self._producer: KafkaProducer = producer(self.bootstrap)
        for name in ("featurizer", "stream_joiner", "alerting"):
            self.start(name)
        for each in self.services.values():
            each.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close()
        for each in self.services.values():
            each.kill()
        self.broker.kill()

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap_servers

    def start(self, name: str) -> Service:
        """Start it, or start it again."""
        kafka = ("--bootstrap-servers", self.bootstrap, "--session-timeout-ms", str(SESSION_MS))
        pipelines, rules = str(self._root / "pipelines"), str(self._root / "rules")
        flags = {
            "featurizer": (
                *("--model-root", str(self._root / "build/models"), "--grpc-host", "127.0.0.1"),
                *("--grpc-port", str(self.featurizer_port)),
            ),
            "stream_joiner": (
                *("--pipeline", f"{pipelines}/find-bond.yaml", *kafka),
                *("--featurizer-address", f"{self._preferred}127.0.0.1:{self.featurizer_port}"),
            ),
            "alerting": (
                *("--rules", rules, "--pipelines", pipelines, *kafka),
                *("--grpc-host", "127.0.0.1", "--grpc-port", str(self.alerts_port)),
            ),
        }[name]
        module = self._featurizer_module if name == "featurizer" else None
        self.services[name] = start(name, self._directory, *flags, module=module)
        return self.services[name]

    def send_photo(self) -> None:
        """The next photograph, from a camera of the demo's, at this moment."""
        number = len(self.sent)
        photo = self._photographer.take(number)
        camera = places.CAMERAS[number * 7 % len(places.CAMERAS)]
        self.photos.append(photo)
        self.sent.append(Sent(f"{camera.name}-{number}", 0, camera.name, camera.location_id, number))
        headers = event_headers(f"{camera.name}-{number}", locationid=camera.location_id, camera=camera.name)
        self._producer.send("events", photo.jpeg, camera.name.encode(), headers=headers)

    def send_image(self, image: bytes, event_id: str, content_type: str = "image/jpeg") -> None:
        """Any bytes, from a watched place."""
        headers = event_headers(event_id, locationid="piz-gloria")
        headers[0] = ("content-type", content_type.encode())
        self._producer.send("events", image, b"camera-x", headers=headers).get(30)

    def verdict(self) -> Verdict:
        """Once all that is expected is there, against the model run here on the very bytes sent."""
        self._producer.flush()
        scorer = Scorer(self._root / "build/models/efficientnet-lite0", "litert", self.photos)  # type: ignore[arg-type]
        wanted = expected(self.sent, scorer.score)
        eventually(
            lambda: len({each.event_id for each in alerts(self.bootstrap)}) >= len(wanted), 120, what="every alert"
        )
        return compare(wanted, alerts(self.bootstrap))


class Supervisor(threading.Thread):
    """Starts a service of the system again whenever it has ended, as Kubernetes would."""

    def __init__(self, system: System, name: str) -> None:
        super().__init__(daemon=True)
        self._system, self._name, self._stopping = system, name, threading.Event()
        self.deaths = 0

    def __enter__(self) -> "Supervisor":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        while not self._stopping.wait(0.05):
            if self._system.services[self._name].exit_code is not None:
                self.deaths += 1
                self._system.start(self._name)
