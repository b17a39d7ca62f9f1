"""`make soak`: the chaos of tests/integration/test_exactness.py for minutes, with another seed each time."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import chaos

SECONDS = float(os.environ.get("SIGHTLINE_SOAK_SECONDS") or 0)
SEED = int(os.environ.get("SIGHTLINE_SOAK_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.mark.skipif(not SECONDS, reason="takes minutes: make soak")
@pytest.mark.timeout(SECONDS + 600)
def test_exact_for_as_long_as_it_takes(tmp_path: Path, unique: Callable[[str], str]) -> None:
    print(f"\nSEED={SEED} SECONDS={SECONDS:g}")
    subjects = chaos.run(tmp_path, unique, seconds=SECONDS, seed=SEED)
    failures = [each for subject in subjects for each in subject.failures]
    assert not failures, "\n".join(failures)
