"""What the parts of alerting share; put together once, in `__main__`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.alerting.entry import Entry
from services.alerting.metrics import Metrics
from services.alerting.settings import Settings
from services.common.pulse import Pulse
from sightline.alerts.records import Alert
from sightline.alerts.rules import Rules

Places = Mapping[str, tuple[str, str]]
"""Cluster id and topic id of each topic."""


@dataclass(frozen=True)
class Parts:
    """`topics` maps each topic with matches to the pipelines behind it. The functions hand over to the event loop.

    `pulse` is that of the pipeline's thread.
    """

    settings: Settings
    rules: Rules
    topics: Mapping[str, str]
    metrics: Metrics
    publish: Callable[[Sequence[Entry]], object]
    add_past: Callable[[Sequence[Alert]], object]
    waiting: Callable[[str], object]
    ready: Callable[[], object]
    pulse: Pulse
