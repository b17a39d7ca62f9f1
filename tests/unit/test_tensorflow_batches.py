"""What a GPU is given: batches of sizes that were warmed up, and memory as it needs it."""

import importlib
import os

import pytest

from sightline.models import quiet
from sightline.models.engines.tensorflow import powers_of_two


@pytest.mark.parametrize(
    ("rows_max", "sizes"),
    [
        (1, [1]),
        (2, [1, 2]),
        (3, [1, 2, 4]),
        (4, [1, 2, 4]),
        (48, [1, 2, 4, 8, 16, 32, 64]),
        (64, [1, 2, 4, 8, 16, 32, 64]),
    ],
)
def test_sizes_that_are_warmed_up(rows_max: int, sizes: list[int]) -> None:
    assert powers_of_two(rows_max) == sizes


@pytest.mark.parametrize(("given", "taken"), [(None, "true"), ("false", "false")])
def test_a_card_is_not_taken_whole_unless_that_is_asked_for(
    given: str | None, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, seen = "TF_FORCE_GPU_ALLOW_GROWTH", []
    monkeypatch.setenv(name, given or "")
    if given is None:
        monkeypatch.delenv(name)
    monkeypatch.setattr(importlib, "import_module", lambda module: seen.append((module, os.environ[name])))
    quiet.tensorflow()
    monkeypatch.setenv(name, taken)  # which quiet.tensorflow may have set: undone at the end
    assert seen == [("tensorflow", taken)]
