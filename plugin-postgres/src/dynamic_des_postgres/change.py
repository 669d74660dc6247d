"""A row as a change, in JSON: core decodes it, with the bounds that it has for every source."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import DecodeError
from dynamic_des.serializers import JsonDeserializer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["change_of", "document_of"]

_JSON = JsonDeserializer()
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")


def change_of(path: str | None, value: str | None, at: str | None = None, reference: str | None = None) -> str:
    """Return the change that a row asks for.

    Args:
        path: The path.
        value: The value, as JSON.
        at: The simulation time; what is no number is text, so that the reason to refuse it names it.
        reference: The sender's reference.
    """
    when = "" if at is None else f', "at": {at if _NUMBER.fullmatch(at) else json.dumps(at)}'
    who = "" if reference is None else f', "id": {json.dumps(reference)}'
    return f'{{"path": {json.dumps(path)}, "value": {"null" if value is None else value}{when}{who}}}'


def document_of(row: Sequence[Any]) -> str:
    """Return what a row of the table of changes asks for; without a path its value is the whole document.

    Args:
        row: Number, path, value, whether that is JSON, time and reference; all text but for the third last.
    """
    _, path, value, is_json, at, reference = row
    if path is None:
        return value or "null"
    return change_of(path, value if is_json or value is None else _as_json(value), at, reference)


def _as_json(text: str) -> str:
    """Return what a column that is not JSON holds: the document that it is, else its text."""
    try:
        _JSON.deserialize("", text)
    except DecodeError:
        return json.dumps(text)
    return text
