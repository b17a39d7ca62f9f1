"""Spec, group keys and aggregates of one query together: what both stages and their records share."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from sightline.query.types import Type
from sightline.query.windows.aggregates import AggregateCall, Aggregation
from sightline.query.windows.functions.base import Accumulator
from sightline.query.windows.spec import WindowSpec
from sightline.query.windows.values import Key, KeyCodec

STATE_KEYS_MAX = 5_000_000


class StateFullError(Exception):
    """More windows and keys are open than `state_keys_max` allows."""

    def __init__(self, keys_max: int) -> None:
        super().__init__(
            f"more than {keys_max} groups are open at once (state_keys_max): "
            "group by fewer keys, or use shorter windows, watermark delay or allowed lateness"
        )


class Windowing(NamedTuple):
    """`fingerprint` changes with everything that makes states incompatible."""

    spec: WindowSpec
    keys: KeyCodec
    aggregation: Aggregation

    @property
    def fingerprint(self) -> str:
        spec = self.spec
        shape = (spec.size_us, spec.slide_us, spec.origin_us, self.keys.types, self.aggregation.calls)
        return blake2b(repr(shape).encode(), digest_size=8).hexdigest()

    @property
    def namespace(self) -> dict[str, Any]:
        """What the generated source of `accumulate` refers to."""
        return self.keys.namespace | self.aggregation.namespace


def windowing(spec: WindowSpec, key_types: Sequence[Type], calls: Sequence[AggregateCall]) -> Windowing:
    """Raises ValueError for what is not supported, in words for the user."""
    return Windowing(spec, KeyCodec(key_types), Aggregation(calls))


@dataclass(slots=True)
class Partial:
    """What one source partition has for a window and key: all its rows at offsets below `included`."""

    start_us: int
    key: Key
    included: int
    accumulator: Accumulator
