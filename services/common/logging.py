"""JSON logs, one object a line, on standard output."""

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, and whatever was passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in record.__dict__.items() if name not in _STANDARD},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


_REPEAT_S = 10.0
_LINES_MAX = 1_000
_DIGITS = re.compile(r"\d+")


class Calm(logging.Filter):
    """Lets a line through once in _REPEAT_S, numbers aside: a Kafka client without broker writes 40 a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._due_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        line, now_s = _DIGITS.sub("", record.getMessage()), self._clock()
        if now_s < self._due_s.get(line, 0.0):
            return False
        if len(self._due_s) >= _LINES_MAX:
            self._due_s.clear()
        self._due_s[line] = now_s + _REPEAT_S
        return True


def configure(level: str) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("sightline.io.kafka").addFilter(Calm())
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
