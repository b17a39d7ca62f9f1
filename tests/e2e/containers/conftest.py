"""The images, built once, and what runs them. Without an engine, or a base to build on, the tests say so and skip."""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.containers.container import Mount, Runtime, runtime_of
from tools.images import Engine, ImagesError, build, find_engine, image_name
from tools.images.targets import BASE
from tools.processes import Process, free_port

TAG = "tests"
BUILT = ("stream-joiner", "featurizer-cpu", "alerting", "models")
"""featurizer-gpu is gigabytes: `make images` builds it."""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def engine() -> Engine:
    """One that can build here, its store holding every image but the GPU's, tagged `tests`."""
    try:
        found = find_engine()
        found.fetch(BASE)
    except ImagesError as error:
        pytest.skip(str(error))
    build(BUILT, TAG, found)
    return found


@pytest.fixture(scope="session")
def runtime(engine: Engine) -> Runtime:
    found = runtime_of(engine)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="session")
def run(runtime: Runtime) -> Run:
    """`run("alerting", "--help")`: once through, with both streams and the exit code."""

    def once(
        target: str, *argv: str, mounts: Sequence[Mount] = (), entrypoint: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        with runtime.command(image_name(target, TAG), argv, mounts, {}, entrypoint) as command:
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    return once


@pytest.fixture(scope="session")
def models(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory an init container fills from the models' image."""
    target = tmp_path_factory.mktemp("models")
    target.chmod(0o777)
    copied = run("models", "cp", "-r", "/models/.", "/target/", mounts=[Mount(target, "/target", writable=True)])
    assert copied.returncode == 0, copied.stderr
    return target


@pytest.fixture
def featurizer(runtime: Runtime, models: Path, tmp_path: Path) -> Callable[[Mapping[str, str]], Iterator[Process]]:
    """One that has been started, as a context manager, with settings more than where it listens."""

    @contextmanager
    def started(env: Mapping[str, str]) -> Iterator[tuple[Process, int]]:
        port = free_port()
        settings = {"MODEL_ROOT": "/models", "GRPC_PORT": "0", "HTTP_PORT": str(port), **env}
        named = {f"SIGHTLINE_FEATURIZER_{key}": value for key, value in settings.items()}
        image = image_name("featurizer-cpu", TAG)
        with runtime.command(image, [], [Mount(models, "/models")], named, None) as command:
            process = Process("featurizer", command, tmp_path / "featurizer.log")
            try:
                yield process, port
            finally:
                process.kill()

    return started  # type: ignore[return-value]
