"""From records to Kafka's: which topic, key, bytes and headers each of them gets."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any, NamedTuple

from dynamic_des.errors import PermanentError, UnavailableError, show
from dynamic_des.serializers import JsonSerializer
from dynamic_des_kafka.topics import is_legal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dynamic_des.egress import Batch
    from dynamic_des.serializers import MessageSerializer

__all__ = ["Headers", "Parcel", "Routing"]

Headers = list[tuple[str, bytes]]
_KNOWN_TOPICS = 10_000


class Parcel(NamedTuple):
    """One record as Kafka takes it."""

    seq: int
    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


class Routing:
    """Chooses topics, and makes bytes of records.

    Attributes:
        dropped: How many records the router dropped by returning None.
    """

    def __init__(
        self,
        topics: Mapping[str, str],
        router: Callable[[dict[str, Any]], str | None] | None,
        serializers: Mapping[str, MessageSerializer],
        default: MessageSerializer | None,
    ) -> None:
        self.dropped = 0
        self._topics = topics  # stream type → topic
        self._router = router
        self._serializers = dict(serializers)
        self._default = default or JsonSerializer()
        self._legal: set[str] = set()

    @property
    def blocks(self) -> bool:
        """Whether a serializer may block: everything but JSON may ask a schema registry."""
        return any(type(one) is not JsonSerializer for one in (self._default, *self._serializers.values()))

    def parcels(self, batch: Batch, run_id: str) -> tuple[list[Parcel], dict[int, str]]:
        """Return the records for Kafka, and those that can never be written: seq → reason."""
        number = "sys_seq" if batch.system else "seq"
        run = ("run_id", run_id.encode())
        parcels: list[Parcel] = []
        aside: dict[int, str] = {}
        for record in batch:
            seq = record[number]
            try:
                topic = self._topic(record)
                if topic is None:
                    self.dropped += 1
                    continue
                if record["stream_type"] == "dead_letter":
                    parcels.append(_letter(seq, topic, record, run))
                else:
                    headers = [(number, b"%d" % seq), run]
                    parcels.append(self._parcel(seq, topic, record, headers))
            except (UnavailableError, PermanentError):
                raise  # a schema registry does not answer: the whole batch comes again
            except Exception as error:  # noqa: BLE001 - routers and serializers are the user's: counted, set aside
                aside[seq] = f"{type(error).__name__}: {error}"
        return parcels, aside

    def _topic(self, record: dict[str, Any]) -> str | None:
        if self._router is None or record["stream_type"] == "dead_letter":
            return self._topics[record["stream_type"]]
        topic = self._router(record)
        if topic is None or topic in self._legal:
            return topic
        if not is_legal(topic):
            raise ValueError(f"topic_router returned {show(topic)}, which is no name of a topic.")
        if len(self._legal) < _KNOWN_TOPICS:
            self._legal.add(topic)
        return topic

    def _parcel(self, seq: int, topic: str, record: dict[str, Any], headers: Headers) -> Parcel:
        name = record.get("key") if record["stream_type"] == "event" else record["path_id"]
        serializer = self._serializers.get(topic, self._default)
        data: Any = record
        if getattr(serializer, "payload", "record") == "value":
            # the format describes the model's own data: what belongs to the record travels beside it
            data = record["value"]
            headers += [(key, str(record[key]).encode()) for key in ("stream_type", "sim_ts", "timestamp")]
        value = serializer.serialize(topic, data)
        if not isinstance(value, bytes):
            raise TypeError(f"{type(serializer).__name__}: serialize returned {show(value)}, not bytes.")
        return Parcel(seq, topic, _key(name), value, headers)


def _key(name: Any) -> bytes | None:
    if type(name) is str:
        return name.encode()
    if name is None or isinstance(name, bytes):
        return name
    return str(name).encode()


def _letter(seq: int, topic: str, record: dict[str, Any], run: tuple[str, bytes]) -> Parcel:
    """Return a dead letter: what arrived, as it arrived, with all that is known about it in the headers."""
    letter: dict[str, Any] = record["value"]
    headers: Headers = [("seq", b"%d" % seq), run]
    headers += [(key, str(record[key]).encode()) for key in ("sim_ts", "timestamp")]
    info = letter.get("info") or {}
    known = {**{key: letter.get(key) for key in ("source", "sink", "reason")}, **info}
    headers += [
        (key, str(known[key]).encode("utf-8", "backslashreplace"))
        for key in ("source", "sink", "reason", "topic", "partition", "offset")
        if known.get(key) is not None
    ]
    if letter.get("encoding") == "base64":
        value = b64decode(letter["payload"])
    elif isinstance(letter.get("payload"), str):
        value = letter["payload"].encode("utf-8", "surrogatepass")
    else:
        value = JsonSerializer().serialize(topic, letter.get("record", letter))
    key = info.get("key")
    if isinstance(key, dict) and "base64" in key:
        return Parcel(seq, topic, b64decode(key["base64"]), value, headers)
    return Parcel(seq, topic, _key(record.get("key") if key is None else key), value, headers)
