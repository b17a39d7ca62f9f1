"""`make soak`: the chaos of tests/integration/test_exactness.py for minutes, with another seed each time."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import chaos

SECONDS = float(os.environ.get("SIGHTLINE_SOAK_SECONDS") or 0)
SEED = int(os.environ.get("SIGHTLINE_SOAK_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.mark.skipif(not SECONDS, reason="takes minutes: make soak")
@pytest.mark.timeout(SECONDS + 3_600)
def test_exact_for_as_long_as_it_takes(root: Path, unique: Callable[[str], str]) -> None:
    directory = root / "build" / "soak" / unique(str(SEED))
    print(f"\nSEED={SEED} SECONDS={SECONDS:g}, logs while it runs and after a failure: {directory}")
    subjects = chaos.run(directory, unique, seconds=SECONDS, seed=SEED)
    failures = [each for subject in subjects for each in subject.failures]
    assert not failures, "\n".join(failures)
    shutil.rmtree(directory)
