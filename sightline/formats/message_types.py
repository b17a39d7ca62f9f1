"""SQL types of a protobuf message's fields, as Spark maps them."""

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from sightline.query.types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    TIMESTAMP,
    Array,
    Decimal,
    Field,
    Struct,
    Type,
)

TIMESTAMP_MESSAGE = "google.protobuf.Timestamp"

_SCALARS = {
    FieldDescriptor.CPPTYPE_INT32: INT,
    FieldDescriptor.CPPTYPE_INT64: BIGINT,
    FieldDescriptor.CPPTYPE_UINT32: BIGINT,
    FieldDescriptor.CPPTYPE_UINT64: Decimal(precision=20, scale=0),
    FieldDescriptor.CPPTYPE_FLOAT: FLOAT,
    FieldDescriptor.CPPTYPE_DOUBLE: DOUBLE,
    FieldDescriptor.CPPTYPE_BOOL: BOOLEAN,
    FieldDescriptor.CPPTYPE_ENUM: STRING,
}
_UNMAPPED = {"google.protobuf.Duration": "an interval"}


class NoTypeError(Exception):
    """A field is no column, for a reason."""


def mapped(message: Descriptor) -> tuple[dict[str, Type], dict[str, str]]:
    """The fields' types, and the fields that have none with why."""
    types: dict[str, Type] = {}
    left_out: dict[str, str] = {}
    for field in message.fields:
        try:
            types[field.name] = _type(field, (message.full_name,))
        except NoTypeError as error:
            left_out[field.name] = str(error)
    return types, left_out


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _type(field: FieldDescriptor, above: tuple[str, ...]) -> Type:
    if is_map(field):
        raise NoTypeError(f"{field.full_name} is a map, which is not supported")
    element = _element(field, above)
    return Array(element=element) if field.is_repeated else element


def _element(field: FieldDescriptor, above: tuple[str, ...]) -> Type:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return BINARY
    if field.type == FieldDescriptor.TYPE_STRING:
        return STRING
    message = field.message_type
    if message is None:
        return _SCALARS[field.cpp_type]
    if message.full_name == TIMESTAMP_MESSAGE:
        return TIMESTAMP
    if message.full_name in _UNMAPPED:
        raise NoTypeError(f"{field.full_name} is {_UNMAPPED[message.full_name]}, which is not supported")
    if message.full_name in above:
        raise NoTypeError(f"{field.full_name} holds a {message.full_name} in a {message.full_name}, without an end")
    if not message.fields:
        raise NoTypeError(f"{field.full_name} is a message without fields")
    inner = (*above, message.full_name)
    return Struct(fields=tuple(Field(each.name, _type(each, inner)) for each in message.fields))
