"""Exact under chaos for 20 seconds; `make soak` goes on for longer, with another seed each time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import chaos


@pytest.mark.timeout(1200)
def test_the_output_is_that_of_a_batch_whatever_is_killed(tmp_path: Path, unique: Callable[[str], str]) -> None:
    subjects = chaos.run(tmp_path, unique, seconds=20, seed=20)
    failures = [each for subject in subjects for each in subject.failures]
    assert not failures, "\n".join(failures)
