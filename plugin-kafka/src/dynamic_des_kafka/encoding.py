"""The records of one topic, all at once, as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_des.encoding import Encoded, encode_each
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_des.serializers import MessageSerializer

__all__ = ["encode"]


def encode(serializer: MessageSerializer, topic: str, data: Sequence[Any]) -> Encoded:
    """Return each as bytes.

    Raises:
        UnavailableError: If the serializer cannot reach what it needs.
        PermanentError: If it says that it never will.
    """
    if type(serializer) is JsonSerializer and (lines := serializer.serialize_lines(data)) is not None:
        return Encoded([*lines.split(b"\n")[:-1]], {}, {})
    return encode_each(serializer, topic, data)
