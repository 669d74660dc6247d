"""Records as Kafka takes them: with a topic, a key, bytes and headers."""

from __future__ import annotations

from base64 import b64decode
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Header", "Parcel", "key_bytes", "letter", "parcels_of"]

Header = tuple[str, bytes]
_Columns = tuple[int, str, "bytes | None", bytes, str, tuple[Header, ...]]


class Parcel(NamedTuple):
    """One record as Kafka takes it.

    Attributes:
        seq: Its number.
        topic: Its topic.
        key: Its key.
        value: Its bytes.
        number: The name of the header that says the number.
        beside: The other headers, which most records share: lists of their own for 100 000 records that wait would
            keep the garbage collector busy for longer than everything else takes.
    """

    seq: int
    topic: str
    key: bytes | None
    value: bytes
    number: str
    beside: tuple[Header, ...]

    @property
    def headers(self) -> list[Header]:
        """All headers."""
        return [(self.number, b"%d" % self.seq), *self.beside]


_AS_PARCEL = partial(tuple.__new__, Parcel)  # a third of the time of Parcel(…): there is one for every record


def parcels_of(columns: Iterable[_Columns]) -> list[Parcel]:
    """Return parcels made of tuples of their fields."""
    return cast("list[Parcel]", list(map(_AS_PARCEL, columns)))


def key_bytes(name: Any) -> bytes | None:
    """Return an event's key, or a path, as the key of a record."""
    if type(name) is str:
        return name.encode()
    if name is None or isinstance(name, bytes):
        return name
    return str(name).encode()


def letter(seq: int, topic: str, record: dict[str, Any], run: Header) -> Parcel:
    """Return a dead letter: what arrived, as it arrived, with all that is known about it in the headers."""
    held: dict[str, Any] = record["value"]
    headers = [run, *((key, str(record[key]).encode()) for key in ("sim_ts", "timestamp"))]
    info = held.get("info") or {}
    known = {**{key: held.get(key) for key in ("source", "sink", "reason")}, **info}
    headers += [
        (key, str(known[key]).encode("utf-8", "backslashreplace"))
        for key in ("source", "sink", "reason", "topic", "partition", "offset")
        if known.get(key) is not None
    ]
    headers += _headers_of(info, {"seq", *(name for name, _ in headers)})
    if held.get("encoding") == "base64":
        value = b64decode(held["payload"])
    elif isinstance(held.get("payload"), str):
        value = held["payload"].encode("utf-8", "surrogatepass")
    else:
        value = JsonSerializer().serialize(topic, held.get("record", held))
    key = info.get("key")
    name = key_bytes(record.get("key")) if key is None else _bytes(key)
    return Parcel(seq, topic, name, value, "seq", tuple(headers))


def _headers_of(info: dict[str, Any], taken: set[str]) -> list[Header]:
    """Return the headers that the message had; under another name where the letter has one of that name itself."""
    found = info.get("headers")
    pairs = found if isinstance(found, list) else []
    named = [(str(pair[0]), pair[1]) for pair in pairs if isinstance(pair, list) and len(pair) == 2]
    return [(f"original.{name}" if name in taken else name, _bytes(value)) for name, value in named]


def _bytes(plain: Any) -> bytes:
    """Return what a letter holds of some bytes: text if they were UTF-8, else base64."""
    if isinstance(plain, dict) and "base64" in plain:
        return b64decode(plain["base64"])
    return key_bytes(plain) or b""
