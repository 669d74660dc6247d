"""Which message of a Protobuf schema a payload is: indexes between the schema's id and the message.

Source: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.errors import DecodeError

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

__all__ = ["indexes_of", "packed", "unpacked"]

_MOST = 64  # a message nested deeper than this is no message


def indexes_of(descriptor: Descriptor) -> list[int]:
    """Return the place of a message in its file, the outermost first."""
    outer = descriptor.containing_type
    siblings = outer.nested_types if outer is not None else list(descriptor.file.message_types_by_name.values())
    number = [one.full_name for one in siblings].index(descriptor.full_name)
    return [*(indexes_of(outer) if outer is not None else []), number]


def packed(indexes: list[int]) -> bytes:
    """Return indexes as zigzag numbers after their count; the first message of a file is a single 0."""
    if indexes == [0]:
        return b"\0"
    return b"".join(map(_zigzag, [len(indexes), *indexes]))


def unpacked(payload: bytes, begin: int) -> tuple[list[int], int]:
    """Return the indexes that stand at a place, and the place behind them.

    Raises:
        DecodeError: If there are none.
    """
    count, place = _number(payload, begin)
    if not 0 <= count <= _MOST:
        raise DecodeError(f"Protobuf: {count} is no number of indexes. Write with a serializer of the registry.")
    indexes = []
    for _ in range(count):
        index, place = _number(payload, place)
        indexes.append(index)
    return indexes or [0], place


def _zigzag(number: int) -> bytes:
    rest, found = number << 1, bytearray()
    while rest >= 0x80:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*found, rest])


def _number(payload: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        if place >= len(payload):
            break
        byte = payload[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), place
    raise DecodeError("Protobuf: the message's indexes are cut off. Write with a serializer of the registry.")
