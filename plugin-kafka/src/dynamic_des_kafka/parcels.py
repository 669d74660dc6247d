"""Records as Kafka takes them: with a topic, a key, bytes and headers."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Header", "Parcels", "key_bytes", "letter", "merged"]

Header = tuple[str, bytes]

_OVERHEAD = 120  # bytes that a record and the batch around it need at most beyond key, value and headers


@dataclass(eq=False, slots=True)
class Parcels:
    """Records for one topic as Kafka takes them, by columns of one length.

    By columns, because a tuple for each of 100 000 records that wait would keep the garbage collector busy for longer
    than everything else takes.

    Attributes:
        topic: Their topic.
        number: The name of the header that says their number.
        seqs: Their numbers.
        keys: Their keys.
        values: Their bytes.
        beside: The other headers of each.
    """

    topic: str
    number: str
    seqs: list[int]
    keys: list[bytes | None]
    values: list[bytes]
    beside: list[tuple[Header, ...]]

    def __len__(self) -> int:
        return len(self.seqs)

    def extend(self, other: Parcels) -> None:
        """Add records for the same topic."""
        self.seqs += other.seqs
        self.keys += other.keys
        self.values += other.values
        self.beside += other.beside

    def part(self, start: int, stop: int | None = None) -> Parcels:
        """Return those from place ``start`` to before place ``stop``."""
        return self._with(lambda column: column[start:stop])

    def at(self, places: Sequence[int]) -> Parcels:
        """Return those at some places."""
        return self._with(lambda column: [column[place] for place in places])

    def where(self, wanted: Callable[[int], bool]) -> Parcels:
        """Return those whose number is wanted."""
        places = [place for place, seq in enumerate(self.seqs) if wanted(seq)]
        return self if len(places) == len(self) else self.at(places)

    def headers(self, place: int) -> list[Header]:
        """Return all headers of the one at a place."""
        return [(self.number, b"%d" % self.seqs[place]), *self.beside[place]]

    def size(self, place: int) -> int:
        """Return how many bytes the one at a place takes at most."""
        inside = sum(len(name) + len(value) + 10 for name, value in self.headers(place))
        return len(self.values[place]) + len(self.keys[place] or b"") + inside + _OVERHEAD

    def _with(self, change: Callable[[list[Any]], list[Any]]) -> Parcels:
        return Parcels(
            self.topic,
            self.number,
            seqs=change(self.seqs),
            keys=change(self.keys),
            values=change(self.values),
            beside=change(self.beside),
        )


def merged(some: Iterable[Parcels]) -> list[Parcels]:
    """Return records with those for one topic together; takes over what it is given."""
    topics: dict[str, Parcels] = {}
    for parcels in some:
        if parcels.topic in topics:
            topics[parcels.topic].extend(parcels)
        else:
            topics[parcels.topic] = parcels
    return list(topics.values())


def key_bytes(name: Any) -> bytes | None:
    """Return an event's key, or a path, as the key of a record."""
    if type(name) is str:
        return name.encode()
    if name is None or isinstance(name, bytes):
        return name
    return str(name).encode()


def letter(topic: str, record: dict[str, Any], run: Header) -> tuple[bytes | None, bytes, tuple[Header, ...]]:
    """Return key, value and headers of a dead letter: what arrived, as it arrived, and all that is known about it."""
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
    return key_bytes(record.get("key")) if key is None else _bytes(key), value, tuple(headers)


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
