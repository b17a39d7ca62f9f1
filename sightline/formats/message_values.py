"""Rows of protobuf messages: one generated constructor call a message, over the fields that are needed."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from sightline.formats.message_types import TIMESTAMP_MESSAGE
from sightline.query.runtime.rows import row_class, struct_class
from sightline.query.schema import field_name
from sightline.query.types import Array, Struct, Type

Convert = Callable[[Any], Any]

_YEAR_1_S, _YEAR_10000_S = -62_135_596_800, 253_402_300_800


def converter(message: Descriptor, types: Mapping[str, Type], needed: frozenset[str] | None) -> Convert:
    """From a message to a row. It raises ValueError with the field and its value."""
    row = row_class("Row", types, needed=needed)
    wanted = {name: kind for name, kind in types.items() if needed is None or name in needed}
    numbers = {name: index for index, name in enumerate(types)}
    return _builder(message, wanted, row, {name: numbers[name] for name in wanted})


def _builder(message: Descriptor, types: Mapping[str, Type], made: type, numbers: Mapping[str, int]) -> Convert:
    namespace: dict[str, Any] = {"Row": made}
    values = []
    for name, kind in types.items():
        field, number = message.fields_by_name[name], numbers[name]
        text = _value(field, kind, f"getattr(m, {name!r})", f"f{number}", namespace)
        if field.has_presence and not field.has_default_value:
            text = f"{text} if m.HasField({name!r}) else None"
        values.append(f"{field_name(number)}={text}")
    exec(f"def build(m):\n    return Row({', '.join(values)})", namespace)
    build: Convert = namespace["build"]
    return build


def _value(field: FieldDescriptor, kind: Type, read: str, function: str, namespace: dict[str, Any]) -> str:
    """Python source of the field's value, once it is there."""
    if isinstance(kind, Array):
        convert = _conversion(field, kind.element)
        if convert is None:
            return f"[*{read}]"
        namespace[function] = convert
        return f"[{function}(each) for each in {read}]"
    convert = _conversion(field, kind)
    if convert is None:
        return read
    namespace[function] = convert
    return f"{function}({read})"


def _conversion(field: FieldDescriptor, kind: Type) -> Convert | None:
    """Of one element, None where it is the run-time value already."""
    if field.enum_type is not None:
        return _names(field.enum_type)
    if field.cpp_type == FieldDescriptor.CPPTYPE_UINT64:
        return Decimal
    if field.message_type is None:
        return None
    if field.message_type.full_name == TIMESTAMP_MESSAGE:
        return lambda value: _micros(field.full_name, value)
    assert isinstance(kind, Struct)
    types = {each.name: each.type for each in kind.fields}
    return _builder(field.message_type, types, struct_class(kind), {name: i for i, name in enumerate(types)})


def _names(enum: EnumDescriptor) -> Convert:
    """A number that the descriptor has no name for, as a newer sender may write, is its digits."""
    names = {each.number: each.name for each in reversed(enum.values)}  # of aliases the first one
    return lambda number: names.get(number) or str(number)


def _micros(name: str, value: Any) -> int:
    seconds, nanos = int(value.seconds), int(value.nanos)
    if not (_YEAR_1_S <= seconds < _YEAR_10000_S and 0 <= nanos < 1_000_000_000):
        raise ValueError(f"{name}: {seconds} s and {nanos} ns are no timestamp")
    return seconds * 1_000_000 + nanos // 1000
