"""Records put together into the batches that the client sends: one partition each, none too large."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.partitioner import murmur2

from dynamic_des_kafka.errors import MissingTopicError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiokafka import AIOKafkaProducer

    from dynamic_des_kafka.routing import Parcel

__all__ = ["Pack", "Packing", "by_partition"]

_OVERHEAD = 120  # bytes that a record and the batch around it need at most beyond key, value and headers
_HASHES = 200_000


@dataclass
class Pack:
    """Records for one partition that go together.

    Attributes:
        topic: Their topic.
        partition: Their partition.
        parcels: The records.
        builder: The client's batch of them.
        delivered: Whether it is in the log.
        error: Why it was refused, or None.
    """

    topic: str
    partition: int
    parcels: list[Parcel]
    builder: Any
    delivered: bool = False
    error: BaseException | None = None


def by_partition(packs: Iterable[Pack]) -> list[list[Pack]]:
    """Return packs, one list for each partition: within one they go one after the other."""
    lines: dict[tuple[str, int], list[Pack]] = defaultdict(list)
    for pack in packs:
        lines[pack.topic, pack.partition].append(pack)
    return list(lines.values())


class Packing:
    """Packs records; learns which topics take less than others.

    Args:
        max_request_size: Largest record, in bytes.
    """

    def __init__(self, max_request_size: int) -> None:
        self._limit = max_request_size
        self._smaller: dict[str, int] = {}  # topic → most bytes in one batch, where the broker refused more
        self._hashes: dict[bytes, int] = {}
        self._turn = 0

    def too_large(self, parcel: Parcel) -> str | None:
        """Return why a record is too large for any broker, or None."""
        if len(parcel.value) + len(parcel.key or b"") + 1000 < self._limit:
            return None
        size = _size(parcel)
        if size <= self._limit:
            return None
        return f"the record has {size} bytes; max_request_size is {self._limit}."

    def refused(self, pack: Pack) -> dict[int, str]:
        """Take note that a pack is too large for its topic; return what can never be written."""
        if len(pack.parcels) > 1:
            self._smaller[pack.topic] = max(1, sum(map(_size, pack.parcels)) // 2)
            return {}
        only = pack.parcels[0]
        return {only.seq: f"the record has {_size(only)} bytes: more than topic {only.topic!r} takes."}

    async def pack(self, producer: AIOKafkaProducer, parcels: Iterable[Parcel]) -> list[Pack]:
        """Return records as packs, in their order within each partition.

        Raises:
            MissingTopicError: If a topic is not on the brokers.
        """
        counts: dict[str, int] = {}
        open_packs: dict[tuple[str, int], Pack] = {}
        packs: list[Pack] = []
        now = int(time.time() * 1000)  # of the broker's world: simulated time would confuse its retention
        for parcel in parcels:
            topic = parcel.topic
            if topic not in counts:
                counts[topic] = await _count_partitions(producer, topic)
            place = (topic, self._partition(parcel.key, counts[topic]))
            pack = open_packs.get(place)
            if pack is None or not self._append(pack, parcel, now):
                pack = open_packs[place] = Pack(*place, [], producer.create_batch())
                packs.append(pack)
                self._append(pack, parcel, now)
        return packs

    def _append(self, pack: Pack, parcel: Parcel, now: int) -> bool:
        """Add a record; return whether there was room."""
        smaller = self._smaller.get(pack.topic)
        if smaller is not None and pack.parcels and pack.builder.size() + _size(parcel) > smaller:
            return False
        _, _, key, value, headers = parcel
        if pack.builder.append(timestamp=now, key=key, value=value, headers=headers) is None:
            return False
        pack.parcels.append(parcel)
        return True

    def _partition(self, key: bytes | None, count: int) -> int:
        """Return where Kafka's own clients would put a key; what has none goes round."""
        if count == 1:
            return 0
        if key is None:
            self._turn += 1
            return self._turn % count
        hashed = self._hashes.get(key)
        if hashed is None:
            if len(self._hashes) >= _HASHES:
                self._hashes.clear()
            hashed = self._hashes[key] = murmur2(key) & 0x7FFFFFFF
        return hashed % count


def _size(parcel: Parcel) -> int:
    inside = sum(len(name) + len(value) + 10 for name, value in parcel.headers)
    return len(parcel.value) + len(parcel.key or b"") + inside + _OVERHEAD


async def _count_partitions(producer: AIOKafkaProducer, topic: str) -> int:
    try:
        return len(await producer.partitions_for(topic))
    except UnknownTopicOrPartitionError as error:
        raise MissingTopicError(
            f"topic {topic!r} is not on the brokers. Create it: KafkaAdminConnector.create_topics does."
        ) from error
