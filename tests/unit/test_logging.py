"""Logs: lines that repeat."""

import logging

from services.common.logging import Calm


def test_a_line_that_repeats_is_written_now_and_then() -> None:
    now_s = 100.0
    calm = Calm(lambda: now_s)

    def passes(message: str, *values: object) -> bool:
        return calm.filter(logging.makeLogRecord({"msg": message, "args": values}))

    assert passes("connect to %s failed after %d ms", "a:9092", 1)
    assert not passes("connect to %s failed after %d ms", "a:9092", 2)
    assert passes("something else")
    now_s = 110.0
    assert passes("connect to %s failed after %d ms", "a:9092", 3)
