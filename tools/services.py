"""One of the three services as a child process, and its HTTP side as anybody sees it."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from prometheus_client.parser import text_string_to_metric_families

from tools.processes import Process, free_port

READY_TIMEOUT_S = 120.0


class Answer(NamedTuple):
    """`status` is 0, and the body says why, while nobody listens."""

    status: int
    body: bytes
    headers: dict[str, str]


class Service(Process):
    """`python -m services.<name>`, or another module in its place, with its HTTP side on a free loopback port."""

    def __init__(
        self, name: str, log: Path, *flags: object, module: str | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.http_port = free_port()
        http = ("--http-host=127.0.0.1", f"--http-port={self.http_port}")
        super().__init__(name, [sys.executable, "-m", module or f"services.{name}", *http, *map(str, flags)], log, env)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def fetch(self, path: str) -> Answer:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return Answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), dict(error.headers))
        except OSError as error:
            return Answer(0, str(error).encode(), {})

    def get(self, path: str) -> tuple[int, str]:
        """Status and text."""
        answer = self.fetch(path)
        return answer.status, answer.body.decode()

    def wait_ready(self, progress: Callable[[str], object] = lambda text: None) -> Self:
        """Itself, once it is. Raises ProcessError if it ends first or takes more than two minutes."""

        def ready() -> bool:
            status, text = self.get("/readyz")
            progress(f"{self.name}: {text.strip() if status else 'starting'}")
            return status == 200

        self.wait_until(ready, READY_TIMEOUT_S)
        return self

    def samples(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Labels and value of each sample of that name in /metrics. Raises ConnectionError if it does not answer."""
        status, text = self.get("/metrics")
        if status != 200:
            raise ConnectionError(f"{self.url}/metrics: {status or text}")
        for family in text_string_to_metric_families(text):
            yield from ((sample.labels, sample.value) for sample in family.samples if sample.name == name)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels; 0 where there is none."""
        return sum(value for found, value in self.samples(name) if labels.items() <= found.items())

    def logs(self) -> list[dict[str, Any]]:
        """Its log so far, without lines that are not JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
