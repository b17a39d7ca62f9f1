"""Random expressions over random rows: each value, and each error, as Spark gives it.

SIGHTLINE_SOAK=1 runs many more, with a seed of its own that is printed.
"""

import os
import random

import pytest
from pyspark.sql import SparkSession

from tests.oracle.generator import Generator
from tests.oracle.known import is_known
from tests.oracle.spark import Failed, NotComputed, Oracle, Refused, evaluate_here, same
from tests.oracle.table import COLUMNS, rows

SOAK = os.environ.get("SIGHTLINE_SOAK") == "1"
SEED = int(os.environ.get("SIGHTLINE_SEED") or (random.SystemRandom().randrange(2**32) if SOAK else 20240229))
BATCHES, BATCH, ROWS = (100, 40, 12) if SOAK else (12, 40, 8)
REFUSED_HERE_SHARE_MAX = 0.2


@pytest.mark.timeout(7200 if SOAK else 180)
def test_random_expressions(session: SparkSession) -> None:
    print(f"seed {SEED}")
    generator = Generator(SEED)
    wrong, compared, refused = list[str](), 0, 0
    for batch in range(BATCHES):
        table = rows(SEED + batch, ROWS)
        texts = [generator.expression() for _ in range(BATCH)]
        ours = [evaluate_here(each, COLUMNS, table) for each in texts]
        # What we refuse is refused with a message, and Spark need not be asked.
        taken = [(text, mine) for text, mine in zip(texts, ours, strict=True) if not isinstance(mine[1], Refused)]
        refused += len(texts) - len(taken)
        theirs = Oracle(session, COLUMNS, table).evaluate([text for text, _ in taken])
        for (text, (kind, here)), (their_kind, there) in zip(taken, theirs, strict=True):
            compared += not isinstance(there, NotComputed)
            wrong += _differences(text, kind, here, their_kind, there, table)
    assert not wrong, f"seed {SEED}, {len(wrong)} of {compared}:\n" + "\n".join(wrong[:60])
    assert compared > BATCHES * BATCH * (1 - REFUSED_HERE_SHARE_MAX) * 0.5


def _differences(text, kind, here, their_kind, there, table):  # type: ignore[no-untyped-def]
    if isinstance(there, NotComputed):
        return []
    if isinstance(there, Refused):
        return (
            []
            if is_known(text, None, there.message)
            else [f"{text}: {kind} here, Spark refuses: {there.message[:160]}"]
        )
    if str(kind).replace("void", "int") != str(their_kind).replace("void", "int"):
        return [f"{text}: {kind} here, {their_kind} in Spark"]
    found = []
    for mine, other, row in zip(here, there, table, strict=True):
        if not same(mine, other, kind, ulps=2) and not is_known(text, mine, other):
            used = {name: value for name, value in row.items() if name in text}
            shown = other.message[:120] if isinstance(other, Failed) else repr(other)
            found.append(f"{text}: {mine!r} here, {shown} in Spark, of {used}")
    return found[:1]
