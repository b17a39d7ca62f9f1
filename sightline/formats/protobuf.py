"""Protobuf messages as rows, by a descriptor file: `protoc --descriptor_set_out=FILE --include_imports`.

Types are those of Spark's from_protobuf with `upcast.unsigned.ints` and `emit.default.values`
(https://spark.apache.org/docs/latest/sql-data-sources-protobuf.html): a field without presence that is not on the
wire has its zero value, any other field that is not there is NULL. A value is one message, nothing before it.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from sightline.events import DEFAULT_LIMITS, Headers, Limits, Reason, Refusal
from sightline.formats.json import columns_of
from sightline.formats.message_types import mapped
from sightline.formats.message_values import converter
from sightline.formats.reader import RecordBatch, Refusals, bad_size, one_by_one, shown
from sightline.query.runtime.columns import Columns
from sightline.query.schema import Column
from sightline.query.types import Type


class ProtobufReader:
    """`left_out` names the fields that are no columns, and why."""

    def __init__(
        self, descriptor: Descriptor, limits: Limits = DEFAULT_LIMITS, needed: frozenset[str] | None = None
    ) -> None:
        """Raises ValueError if no field can be a column."""
        self._descriptor, self._limits = descriptor, limits
        self._types, self.left_out = mapped(descriptor)
        if not self._types:
            raise ValueError(f"message {descriptor.full_name} has no field that can be a column: {self.left_out}")
        self._message: Callable[[bytes], Any] = GetMessageClass(descriptor).FromString
        self._row = converter(descriptor, self._types, needed)

    @property
    def columns(self) -> Mapping[str, Column]:
        return columns_of(self._types)

    @property
    def types(self) -> Mapping[str, Type]:
        return self._types

    def needs(self, columns: Collection[str]) -> "ProtobufReader":
        return ProtobufReader(self._descriptor, self._limits, frozenset(columns))

    def read(self, key: bytes | None, value: bytes | None, headers: Headers | None, timestamp_ms: int) -> Any | Refusal:
        # A message of defaults alone has no bytes.
        if value is None or len(value) > self._limits.event_bytes_max:
            return bad_size(value, self._limits.event_bytes_max)
        try:
            return self._row(self._message(value))
        except DecodeError as error:
            return Refusal(Reason.BAD_VALUE, f"no {self._descriptor.full_name}: {error}: {shown(value)}")
        except ValueError as error:
            return Refusal(Reason.BAD_VALUE, str(error))

    def read_many(self, batch: RecordBatch) -> tuple[list[Any], Refusals]:
        values = batch.values()
        if None in values or batch.value_bytes_max > self._limits.event_bytes_max:
            return one_by_one(self, batch)
        parse, row = self._message, self._row
        try:
            return [row(parse(value)) for value in values], []  # type: ignore[arg-type]
        except (DecodeError, ValueError):
            return one_by_one(self, batch)

    def read_columns(self, batch: RecordBatch) -> Columns | None:
        return None


def message_type(descriptor_file: bytes, name: str) -> Descriptor:
    """The message `name`, with its package, of a descriptor file's bytes. Raises ValueError."""
    try:
        files = FileDescriptorSet.FromString(descriptor_file).file
    except DecodeError:
        raise ValueError("it is not a file that `protoc --descriptor_set_out` made") from None
    pool = DescriptorPool()
    try:
        for each in files:
            pool.Add(each)
        found: Descriptor = pool.FindMessageTypeByName(name)
    except KeyError:
        known = sorted(f"{each.package}.{message.name}".lstrip(".") for each in files for message in each.message_type)
        raise ValueError(f"it has no message {name!r} (known: {', '.join(known)}), or lacks an import of its file: "
                         "make it with `protoc --include_imports`") from None  # fmt: skip
    except TypeError as error:
        raise ValueError(f"it can't be used: {error}; make it with `protoc --include_imports`") from None
    return found
