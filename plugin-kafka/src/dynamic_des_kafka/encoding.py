"""The records of one topic, all at once, as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_des.errors import PermanentError, UnavailableError, show, told
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_des.serializers import MessageSerializer

__all__ = ["encode"]


def encode(
    serializer: MessageSerializer, topic: str, data: Sequence[Any]
) -> tuple[list[bytes | None], dict[int, str], dict[int, int]]:
    """Return each as bytes; why which have no form, by place; and how many numbers of which became null, by place.

    Raises:
        UnavailableError: If the serializer cannot reach what it needs.
        PermanentError: If it says that it never will.
    """
    if type(serializer) is JsonSerializer and (lines := serializer.serialize_lines(data)) is not None:
        return [*lines.split(b"\n")[:-1]], {}, {}
    encoded: list[bytes | None] = []
    refused: dict[int, str] = {}
    for place, one in enumerate(data):
        try:
            value = serializer.serialize(topic, one)
            if not isinstance(value, bytes):
                raise TypeError(f"{type(serializer).__name__}: serialize returned {show(value)}, not bytes.")
            encoded.append(value)
        except (UnavailableError, PermanentError):
            raise
        except Exception as error:  # noqa: BLE001 - a serializer is the user's: counted, and only this record
            refused[place] = told(error)
            encoded.append(None)
    # not every serializer is derived from the base class
    nulled = dict(serializer.nulled(data, encoded)) if hasattr(serializer, "nulled") else {}
    return encoded, refused, nulled
