"""A Protobuf message as a dictionary of Python's own types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["value_of"]

_OWN_JSON = "google.protobuf."  # Timestamp, Value, wrappers …: their JSON form is what they mean


def value_of(message: Message) -> Any:
    """Return the fields by the names in the schema: 64-bit numbers are numbers, enumerations their names.

    Fields without presence that were left out have their defaults; those with presence are left out.
    """
    if message.DESCRIPTOR.full_name.startswith(_OWN_JSON):
        return MessageToDict(message, preserving_proto_field_name=True)
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields if _is_there(message, field)}


def _is_there(message: Message, field: FieldDescriptor) -> bool:
    return not field.has_presence or message.HasField(field.name)


def _field(message: Message, field: FieldDescriptor) -> Any:
    value = getattr(message, field.name)
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        inner = kind.fields_by_name["value"]
        return {key: _one(inner, value[key]) for key in value}
    if _is_repeated(field):
        return [_one(field, item) for item in value]
    return _one(field, value)


def _is_repeated(field: FieldDescriptor) -> bool:
    known = getattr(field, "is_repeated", None)  # protobuf 6 and newer; 7 has no label any more
    return bool(known) if known is not None else field.label == FieldDescriptor.LABEL_REPEATED


def _one(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return value_of(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    return value
