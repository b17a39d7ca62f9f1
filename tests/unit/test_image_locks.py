"""What an image installs is cut from the one lock: the same pins with the same hashes, all that is needed, no more."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

IMAGES = {"stream-joiner": "joiner", "featurizer-cpu": "featurizer", "featurizer-gpu": "gpu", "alerting": "alerting"}


def pins(lock: Path) -> list[str]:
    """Each pin with its marker and hashes."""
    return re.split(r"\n(?=\S)", lock.read_text().strip())


def name(pin: str) -> str:
    return canonicalize_name(pin.partition("==")[0])


def applies(pin: str) -> bool:
    """Whether it is installed on this machine."""
    requirement = Requirement(pin.partition("\\")[0].strip())
    return requirement.marker is None or requirement.marker.evaluate()


def asked(root: Path, extra: str | None) -> Iterator[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    yield from project["dependencies"] if extra is None else project["optional-dependencies"][extra]


def needed(root: Path, extra: str) -> set[str]:
    """Names of what the extra needs on this machine, by the installed packages' own word."""
    found: set[str] = set()
    seen: set[tuple[str, str | None]] = set()
    todo: list[tuple[str, str | None]] = [("sightline", None), ("sightline", extra)]
    while todo:
        package, of = each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        wants = asked(root, of) if package == "sightline" else requires(package) or ()
        for want in map(Requirement, wants):
            if want.marker is None or want.marker.evaluate({"extra": of or ""}):
                wanted = canonicalize_name(want.name)
                found.add(wanted)
                todo += [(wanted, None), *((wanted, more) for more in want.extras)]
    return found - {"sightline"}


@pytest.mark.parametrize("image", IMAGES)
def test_its_pins_are_those_of_the_one_lock(root, image):
    one = pins(root / "requirements.lock")
    # TensorFlow for GPUs and its CUDA libraries are no part of a developer's environment.
    others = set() if image != "featurizer-gpu" else {"tensorflow"}
    foreign = [name(pin) for pin in pins(root / f"requirements/{image}.lock") if pin not in one]
    assert [each for each in foreign if each not in others and not each.startswith("nvidia-")] == []


@pytest.mark.parametrize("image", [each for each in IMAGES if each != "featurizer-gpu"])
def test_it_has_what_its_extra_needs_and_no_more(root, image):
    try:
        expected = needed(root, IMAGES[image])
    except PackageNotFoundError as missing:
        pytest.fail(f"{missing.name} isn't installed: `make setup`")
    assert {name(pin) for pin in pins(root / f"requirements/{image}.lock") if applies(pin)} == expected


def test_the_gpu_image_has_tensorflow_with_its_cuda_libraries(root):
    there = {name(pin) for pin in pins(root / "requirements/featurizer-gpu.lock")}
    assert there >= {"tensorflow", "nvidia-cudnn-cu12", "nvidia-cuda-runtime-cu12"}
    assert "tensorflow-cpu" not in there


def test_what_builds_the_package_is_locked_too(root):
    assert [pin for pin in pins(root / "requirements/build.lock") if pin not in pins(root / "requirements.lock")] == []


@pytest.mark.parametrize("lock", ["requirements.lock", *(f"requirements/{each}.lock" for each in [*IMAGES, "build"])])
def test_every_pin_has_hashes_and_no_index_is_named(root, lock):
    for pin in pins(root / lock):
        assert re.match(r"[\w.-]+==\S+( ;.*)? \\\n    --hash=sha256:", pin), pin
        assert "://" not in pin
