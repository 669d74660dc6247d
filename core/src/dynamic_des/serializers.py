"""The contract of a serializer, and the one that is always there: JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from abc import ABC, abstractmethod
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

import orjson

from dynamic_des.errors import DecodeError, EncodeError, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["JsonDeserializer", "JsonSerializer", "MessageDeserializer", "MessageSerializer"]


class MessageSerializer(ABC):
    """Turns a record into the bytes of one format. Stateless between calls, or locked."""

    @abstractmethod
    def serialize(self, topic: str, data: Any) -> bytes:
        """Return ``data`` as bytes.

        Called for a batch at a time, in a worker thread: it may block on a schema registry.

        Args:
            topic: Where the bytes will go; schema registries name subjects after it.
            data: The record's dictionary, or what of it the format wants.

        Raises:
            UnavailableError: If what it needs cannot be reached: the batch comes again, with growing pauses.
            Exception: Anything else; the record is set aside with the text as the reason.
        """

    def nulled(self, data: Sequence[Any], encoded: Sequence[bytes | None]) -> Mapping[int, int]:  # noqa: ARG002
        """Return which records hold numbers that became null, because the format has no form for them.

        Core counts them. Override it in a serializer that writes something else than it was given.

        Args:
            data: A batch of records.
            encoded: Each as bytes, None for one that could not be encoded.

        Returns:
            Place in the batch → how many of the record's numbers became null; without those that have none.
        """
        return {}


class MessageDeserializer(ABC):
    """Turns the bytes of one format into plain Python objects."""

    @abstractmethod
    def deserialize(self, topic: str, payload: bytes) -> Any:
        """Return the object that ``payload`` holds.

        Called in a worker thread: it may block on a schema registry.

        Raises:
            UnavailableError: If what it needs cannot be reached: the message comes again, with growing pauses.
            Exception: Anything else; the message is refused with the text as the reason.
        """


class JsonSerializer(MessageSerializer):
    """JSON through orjson: UTF-8, no spaces, dates as ISO 8601, numpy scalars and arrays as numbers.

    NaN and infinities become ``null``. Integers beyond 64 bits are written in full.

    Source: RFC 8259; https://github.com/ijl/orjson
    """

    def serialize(self, topic: str, data: Any) -> bytes:  # noqa: ARG002 - the contract's signature
        """Return ``data`` as JSON.

        Raises:
            EncodeError: If a value has no JSON form; names its type.
        """
        try:
            return orjson.dumps(data, _as_plain, _OPTIONS)
        except orjson.JSONEncodeError:
            return _dumps_slowly(data)  # integers over 64 bits, numpy keys, deep nests: JSON has them, orjson not

    def nulled(self, data: Sequence[Any], encoded: Sequence[bytes | None]) -> Mapping[int, int]:
        """Return which records hold NaN or infinities, and how many."""
        if b"null" not in b"".join(filter(None, encoded)):
            return {}
        pairs = enumerate(zip(data, encoded, strict=True))
        counts = {place: _count_without_form(one) for place, (one, line) in pairs if line and b"null" in line}
        return {place: count for place, count in counts.items() if count}

    def serialize_lines(self, records: Sequence[dict[str, Any]]) -> bytes | None:
        """Return records as JSON lines: what `serialize` returns for each, at a tenth of its cost.

        None when that is not possible: a record that needs `serialize`'s slower way or has no JSON form, one with a
        number that has none, or one that looks like two. Each ends with a line break.
        """
        if not records:
            return b""
        document = _document(records)
        if document is None:
            return None
        first = _FIRST_KEY.match(document)
        if first is None or (b"null" in document and any(map(_count_without_form, records))):  # which is counted
            return None
        # within a text the quotation marks are escaped, so that this can only be where a record begins, or a nested
        # dictionary with the same first key, which the count shows: a text has no line breaks either
        lines = document.replace(b"}," + first[1], b"}\n" + first[1])
        return lines[1:-1] + b"\n" if lines.count(b"\n") == len(records) - 1 else None


class JsonDeserializer(MessageDeserializer):
    """JSON to Python objects, as RFC 8259 has it: NaN and Infinity are not JSON."""

    def deserialize(self, topic: str, payload: bytes | str) -> Any:  # noqa: ARG002 - the contract's signature
        """Return the object that ``payload`` holds.

        Raises:
            DecodeError: If it is not JSON; names the place.
        """
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise DecodeError(f"not JSON ({error}): {show(payload)}. Send one JSON document.") from error


_FINITE = frozenset((str, int, bool, type(None), bytes))
_FIRST_KEY = re.compile(rb'\[(\{"[a-z_]+":)')
_TEXT_KEYS = orjson.OPT_SERIALIZE_NUMPY
_OPTIONS = _TEXT_KEYS | orjson.OPT_NON_STR_KEYS


def _document(records: Sequence[Any]) -> bytes | None:
    for options in (_TEXT_KEYS, _OPTIONS):  # the first is faster by a third, and for nearly all records enough
        with suppress(orjson.JSONEncodeError):
            return orjson.dumps(records, _as_plain, options)
    return None


def _as_plain(value: Any) -> Any:
    """Return a JSON form of what orjson does not know."""
    if hasattr(value, "model_dump"):  # pydantic, without importing it
        return value.model_dump()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)  # a set has no order, a record must have one
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8")
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    if type(value).__module__.partition(".")[0] in ("decimal", "fractions", "uuid", "pathlib"):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def _dumps_slowly(data: Any) -> bytes:
    try:
        return json.dumps(_plain(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise EncodeError(f"JSON: {error}. Publish numbers, text, lists and dictionaries.") from error


def _plain(value: Any) -> Any:
    """Return ``value`` as dictionaries, lists, text and numbers alone, the way orjson sees it."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return _plain(_as_plain(value))


def _count_without_form(value: Any) -> int:
    """Return how many numbers of ``value``, keys aside, are NaN or infinite."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple, set, frozenset)):
        return _count_in_object(value)
    count = 0
    for item in value:
        kind = type(item)
        if kind is float:
            count += not math.isfinite(item)
        elif kind not in _FINITE:
            count += _count_without_form(item)
    return count


def _count_in_object(value: Any) -> int:
    if isinstance(value, Enum):
        return _count_without_form(value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return sum(_count_without_form(getattr(value, field.name)) for field in dataclasses.fields(value))
    if hasattr(value, "model_dump"):  # pydantic, without importing it
        return _count_without_form(value.model_dump())
    return _count_without_form(value.tolist()) if type(value).__module__ == "numpy" else 0


def _key(key: Any) -> str:
    plain = _plain(key)
    if isinstance(plain, (dict, list)):
        raise TypeError(f"a {type(key).__name__} cannot be the key of a JSON object")
    return plain if isinstance(plain, str) else json.dumps(plain)
