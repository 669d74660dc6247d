"""Records as bytes, one by one, whatever a serializer does with each."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from dynamic_des.errors import EncodeError, PermanentError, UnavailableError, show, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_des.serializers import MessageSerializer

__all__ = ["Encoded", "encode_each"]


class Encoded(NamedTuple):
    """Records as bytes, by their places.

    Attributes:
        values: Each as bytes, None for one that cannot be encoded.
        refused: Place → why it cannot.
        nulled: Place → how many of its numbers became null.
    """

    values: list[bytes | None]
    refused: dict[int, str]
    nulled: dict[int, int]


def encode_each(serializer: MessageSerializer, topic: str, data: Sequence[Any]) -> Encoded:
    """Return records as bytes, whatever the serializer does: it may be the user's, and need not be derived from ours.

    Args:
        serializer: Called once for each record.
        topic: Passed to the serializer.
        data: The records.

    Raises:
        UnavailableError: If the serializer cannot reach what it needs.
        PermanentError: If it says that it never will.
    """
    values: list[bytes | None] = []
    refused: dict[int, str] = {}
    for place, one in enumerate(data):
        try:
            value = serializer.serialize(topic, one)
            if not isinstance(value, bytes):
                raise EncodeError(f"{type(serializer).__name__}: serialize returned {show(value)}, not bytes.")
            values.append(value)
        except (UnavailableError, PermanentError):
            raise
        except Exception as error:  # noqa: BLE001 - a serializer is a plugin: counted, reported, only this record
            refused[place] = told(error)
            values.append(None)
    nulled: dict[int, int] = {}
    if hasattr(serializer, "nulled"):
        with suppress(Exception):  # what it encoded is good, whatever it cannot count
            nulled = dict(serializer.nulled(data, values))
    return Encoded(values, refused, nulled)
