"""Entries of a stream, as messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import DecodeError
from dynamic_des.messages import Message
from dynamic_des.serializers import JsonDeserializer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["as_text", "entries_of", "json_or_text", "message_of"]

_JSON = JsonDeserializer()
_DOCUMENT = b"data"
_LARGE = 1 << 20  # bytes; as a document it meets max_message_bytes


def message_of(stream: str, entry: str, fields: Mapping[bytes, bytes], part: str | None = None) -> Message:
    """Return an entry as a message.

    A field ``data`` is the document, undecoded. Without one the fields themselves are the change: ``path``,
    ``value``, and perhaps ``at`` and ``id``, each JSON or else text.
    """
    payload: Any = fields.get(_DOCUMENT)
    if payload is None:
        payload = {as_text(name): _field(name, value) for name, value in fields.items()}
        if sum(map(len, fields.values())) > _LARGE:
            payload = json.dumps(payload)
    return Message(payload, {part or stream: entry}, {"stream": stream, "entry": entry})


def entries_of(reply: Any) -> Iterator[tuple[str, Mapping[bytes, bytes]]]:
    """Yield the entries in an answer about one stream, in RESP2's form and in RESP3's; deleted ones without fields."""
    if not reply:
        return
    found = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    if isinstance(reply, dict):
        found = [entry for page in found for entry in page]
    for entry, fields in found:
        yield as_text(entry), fields or {}


def json_or_text(value: bytes | str) -> Any:
    """Return the JSON document that ``value`` is; else its text."""
    try:
        return _JSON.deserialize("", value)
    except DecodeError:
        return as_text(value)


def _field(name: bytes, value: bytes) -> Any:
    return json_or_text(value) if name in (b"value", b"param_value", b"at", b"changes") else as_text(value)


def as_text(value: bytes | str) -> str:
    """Return what the server sent as text; what is no UTF-8 is replaced."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
