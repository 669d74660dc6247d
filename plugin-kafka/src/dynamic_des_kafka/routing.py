"""From records to Kafka's: which topic each of them goes to, and in which form."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import PermanentError, UnavailableError, show, told
from dynamic_des.serializers import JsonSerializer
from dynamic_des_kafka.encoding import encode
from dynamic_des_kafka.parcels import Parcels, key_bytes, letter, merged
from dynamic_des_kafka.topics import is_legal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_des.egress import Batch
    from dynamic_des.serializers import MessageSerializer
    from dynamic_des_kafka.parcels import Header

__all__ = ["Routing"]

_KNOWN_TOPICS = 10_000
_LETTER = "dead_letter"
_BESIDE = ("stream_type", "sim_ts", "timestamp", "key", "path_id")  # what else a record has, beside value and number
_Record = dict[str, Any]
_Aside = dict[int, str]


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

    def parcels(self, batch: Batch, run_id: str, some: Sequence[_Record] | None = None) -> tuple[list[Parcels], _Aside]:
        """Return the records for Kafka, in order within each topic, and those that can never be written: seq → reason.

        Args:
            batch: Records; what became null in them is noted there.
            run_id: The run.
            some: Which of them; all when None.

        Raises:
            UnavailableError: If a serializer cannot reach what it needs: the whole batch comes again.
            PermanentError: If it says that it never will.
        """
        number = "sys_seq" if batch.system else "seq"
        run = ("run_id", run_id.encode())
        aside: _Aside = {}
        parcels: list[Parcels] = []
        dropped = self.dropped
        try:
            for (topic, is_letter), records in self._by_topic(batch if some is None else some, number, aside).items():
                if is_letter:
                    parcels.append(_letters(topic, records, (number, run), aside))
                else:
                    parcels += self._parcels(topic, records, batch, (number, run), aside)
        except (UnavailableError, PermanentError):
            self.dropped = dropped
            raise
        return merged(parcels), aside

    def _by_topic(
        self, records: Sequence[_Record], number: str, aside: _Aside
    ) -> dict[tuple[str, bool], list[_Record]]:
        """Return the records of each topic; dead letters apart."""
        if self._router is None and len(kinds := {record["stream_type"] for record in records}) == 1:
            kind = kinds.pop()
            return {(self._topics[kind], kind == _LETTER): list(records)}
        groups: dict[tuple[str, bool], list[_Record]] = defaultdict(list)
        for record in records:
            kind = record["stream_type"]
            topic: str | None
            if self._router is None or kind == _LETTER:
                topic = self._topics[kind]
            else:
                try:
                    topic = self._routed(record)
                except Exception as error:  # noqa: BLE001 - a function of the user: counted, and only this record
                    aside[record[number]] = told(error)
                    continue
                if topic is None:
                    self.dropped += 1
                    continue
            groups[topic, kind == _LETTER].append(record)
        return groups

    def _routed(self, record: _Record) -> str | None:
        assert self._router is not None
        topic = self._router(record)
        if topic is None or topic in self._legal:
            return topic
        if not is_legal(topic):
            raise ValueError(f"topic_router returned {show(topic)}, which is no name of a topic.")
        if len(self._legal) < _KNOWN_TOPICS:
            self._legal.add(topic)
        return topic

    def _parcels(
        self, topic: str, records: list[_Record], batch: Batch, mark: tuple[str, Header], aside: _Aside
    ) -> list[Parcels]:
        """Return the records of one topic, made column by column: at half the cost of record by record."""
        number = mark[0]
        serializer = self._serializers.get(topic, self._default)
        # such a format describes the model's own data: what belongs to the record travels beside it
        alone = getattr(serializer, "payload", "record") == "value"
        data = [record["value"] for record in records] if alone else records
        values, refused, nulled = encode(serializer, topic, data)
        for place, count in nulled.items():
            seq = records[place][number]
            batch.nulled[seq] = max(count, batch.nulled.get(seq, 0))
        if refused:
            aside.update((records[place][number], reason) for place, reason in refused.items())
            records = [record for place, record in enumerate(records) if place not in refused]
        encoded = [value for value in values if value is not None]
        try:
            return [_labelled(topic, records, encoded, mark, alone=alone)]
        except Exception:  # noqa: BLE001 - a key is the model's: what has no form as bytes must not hold up the rest
            pairs = [*zip(records, encoded, strict=True)]
            parcels = []
            for record, value in pairs:
                try:
                    parcels.append(_labelled(topic, [record], [value], mark, alone=alone))
                except Exception as error:  # noqa: BLE001 - the same
                    aside[record[number]] = f"its key has no form as bytes: {told(error)}"
            return parcels


def _letters(topic: str, records: Sequence[_Record], mark: tuple[str, Header], aside: _Aside) -> Parcels:
    """Return dead letters as parcels."""
    number, run = mark
    letters = Parcels(topic, number, seqs=[], keys=[], values=[], beside=[])
    for record in records:
        try:
            key, value, headers = letter(topic, record, run)
        except Exception as error:  # noqa: BLE001 - what is in it came from outside
            aside[record[number]] = told(error)
            continue
        letters.seqs.append(record[number])
        letters.keys.append(key)
        letters.values.append(value)
        letters.beside.append(headers)
    return letters


def _labelled(
    topic: str, records: Sequence[_Record], values: list[bytes], mark: tuple[str, Header], *, alone: bool
) -> Parcels:
    """Return values as parcels, with keys and headers."""
    number, run = mark
    names = [record["path_id"] if "path_id" in record else record["key"] for record in records]
    return Parcels(
        topic,
        number,
        seqs=[record[number] for record in records],
        keys=[name.encode() if type(name) is str else key_bytes(name) for name in names],
        values=values,
        beside=[(run, *_beside(record)) for record in records] if alone else [(run,)] * len(records),
    )


def _beside(record: _Record) -> list[Header]:
    return [(name, str(record[name]).encode()) for name in _BESIDE if record.get(name) is not None]
