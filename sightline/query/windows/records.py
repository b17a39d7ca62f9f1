"""What stages write to Kafka: the changelog of stage 1, and the repartition records between the stages.

All values are msgpack arrays that begin with `VERSION`. What can't be read raises ValueError: it was written by
another version, another query, or somebody else.

Changelog, compacted:
    key [VERSION, tag, start, group key]   value [VERSION, included, accumulator], or null once the window is done with
    key [VERSION, tag]                     value [VERSION, position, top, fingerprint]: the marker
Repartition:
    [VERSION, tag, source partition, included, watermark, idle, [[start, group key, included, accumulator]…]]

The tag says whose the record is and of which input: offsets of another topic, or of one that was made anew, mean
nothing here, and another consumer group is elsewhere in the same one. What has another tag is passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from sightline.query.windows.spec import NEVER_US
from sightline.query.windows.values import Key
from sightline.query.windows.windowing import Partial, Windowing

VERSION = 2

RECORD_BYTES_MAX = 900_000
"""Under Kafka's usual limit of 1 MB; an accumulator that alone is larger still makes one record."""


class ChangelogRecord(NamedTuple):
    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Marker:
    """Rows below the offset `position` are in the entries before it; `top_us` is their largest event time."""

    position: int
    top_us: int


@dataclass(frozen=True, slots=True)
class Tombstone:
    start_us: int
    key: Key


@dataclass(slots=True)
class RepartitionRecord:
    """What source partition `source` has to say at the offset `included`: first the partials, then the watermark."""

    source: int
    included: int
    watermark_us: int
    idle: bool
    partials: list[Partial] = field(default_factory=list)


class Codec:
    """`tag` names the consumer group and the input; each key of the changelog has it, so a short one is better."""

    def __init__(self, windowing: Windowing, tag: str = "") -> None:
        self._windowing, self._fingerprint, self._tag = windowing, windowing.fingerprint, tag
        self._encode = msgspec.msgpack.Encoder().encode

    def entry(self, partial: Partial) -> ChangelogRecord:
        value = [VERSION, partial.included, self._windowing.aggregation.dump(partial.accumulator)]
        return ChangelogRecord(self._entry_key(partial.start_us, partial.key), self._encode(value))

    def tombstone(self, start_us: int, key: Key) -> ChangelogRecord:
        return ChangelogRecord(self._entry_key(start_us, key), None)

    def marker(self, marker: Marker) -> ChangelogRecord:
        value = [VERSION, marker.position, marker.top_us, self._fingerprint]
        return ChangelogRecord(self._encode([VERSION, self._tag]), self._encode(value))

    def read_changelog(self, key: bytes, value: bytes | None) -> Partial | Tombstone | Marker | None:
        """None for a record of another tag, and for a marker that was deleted. Raises ValueError."""
        name = _decode(key, list[Any])
        _check_version(name)
        if len(name) not in (2, 4) or not isinstance(name[1], str):
            raise ValueError("no key of a changelog")
        if name[1] != self._tag:
            return None
        if len(name) == 2:
            return None if value is None else self._read_marker(value)
        if type(name[2]) is not int or not isinstance(name[3], list):
            raise ValueError("no key of a changelog entry")
        start, group = name[2], self._windowing.keys.load(name[3])
        if value is None:
            return Tombstone(start, group)
        version, included, accumulator = _decode(value, tuple[int, int, list[Any]])
        _check_version([version])
        return Partial(start, group, included, self._windowing.aggregation.load(accumulator))

    def repartition(self, record: RepartitionRecord, bytes_max: int = RECORD_BYTES_MAX) -> list[bytes]:
        """The record in pieces of about `bytes_max`, to be sent in this order to one partition.

        Only the last piece has the watermark: with it the receiver may close windows.
        """
        pieces: list[bytes] = []
        held: list[msgspec.Raw] = []
        size = 0
        for each in record.partials:
            dumped = self._windowing.aggregation.dump(each.accumulator)
            raw = self._encode([each.start_us, self._windowing.keys.dump(each.key), each.included, dumped])
            if held and size + len(raw) > bytes_max:
                pieces.append(self._encode([VERSION, self._tag, record.source, record.included, NEVER_US, False, held]))
                held, size = [], 0
            held.append(msgspec.Raw(raw))
            size += len(raw)
        last = [VERSION, self._tag, record.source, record.included, record.watermark_us, record.idle, held]
        return [*pieces, self._encode(last)]

    def read_repartition(self, value: bytes) -> RepartitionRecord | None:
        """None for a record of another tag. Raises ValueError."""
        shape = tuple[int, str, int, int, int, bool, list[tuple[int, list[Any], int, list[Any]]]]
        version, tag, source, included, watermark, idle, partials = _decode(value, shape)
        _check_version([version])
        if tag != self._tag:
            return None
        keys, aggregation = self._windowing.keys, self._windowing.aggregation
        loaded = [
            Partial(start, keys.load(key), below, aggregation.load(accumulator))
            for start, key, below, accumulator in partials
        ]
        return RepartitionRecord(source, included, watermark, idle, loaded)

    def _entry_key(self, start_us: int, key: Key) -> bytes:
        return self._encode([VERSION, self._tag, start_us, self._windowing.keys.dump(key)])

    def _read_marker(self, value: bytes) -> Marker:
        version, position, top, fingerprint = _decode(value, tuple[int, int, int, str])
        _check_version([version])
        if fingerprint != self._fingerprint:
            raise ValueError(
                "the state was written by another query: its windows, group keys or aggregates differ; "
                "give the pipeline another name, or delete its changelog and repartition topics"
            )
        return Marker(position, top)


def _decode(value: bytes, shape: Any) -> Any:
    try:
        return msgspec.msgpack.decode(value, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"no record of this pipeline: {error}") from None


def _check_version(name: Sequence[Any]) -> None:
    if not name or name[0] != VERSION:
        raise ValueError(f"a record of version {name[0] if name else 'none'}, {VERSION} is known")
