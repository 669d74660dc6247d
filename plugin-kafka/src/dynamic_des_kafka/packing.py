"""Records put together into the batches that the client sends: one partition each, none too large."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka.errors import UnknownTopicOrPartitionError

from dynamic_des.errors import PermanentError, show, told
from dynamic_des_kafka.connecting import still_answers
from dynamic_des_kafka.errors import MissingTopicError
from dynamic_des_kafka.partitioning import Partitioner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aiokafka import AIOKafkaProducer

    from dynamic_des_kafka.parcels import Parcel

__all__ = ["Pack", "Packing", "by_partition"]

_OVERHEAD = 120  # bytes that a record and the batch around it need at most beyond key, value and headers
_HEADERS = 1000  # bytes that the headers of a record hardly ever exceed


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
        chosen: The client's argument ``partitioner``: takes a key, all partitions and those that have a leader, and
            returns one. Kafka's own rule when None.
    """

    def __init__(self, max_request_size: int, chosen: Callable[[Any, list[int], list[int]], int] | None = None) -> None:
        self._limit = max_request_size
        self._chosen = chosen
        self._smaller: dict[str, int] = {}  # topic → most bytes in one batch, where the broker refused more
        self._partition = Partitioner()

    def too_large(self, parcels: Sequence[Parcel]) -> dict[int, str]:
        """Return which records are too large for any broker, and why: seq → reason."""
        usual = self._limit - _HEADERS
        suspects = [one for one in parcels if len(one[3]) + len(one[2] or b"") > usual]
        sizes = {one.seq: _size(one) for one in suspects}
        return {
            seq: f"the record has {size} bytes; max_request_size is {self._limit}."
            for seq, size in sizes.items()
            if size > self._limit
        }

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
        topics: dict[str, list[Parcel]] = defaultdict(list)
        for parcel in parcels:
            topics[parcel.topic].append(parcel)
        packs: list[Pack] = []
        now = int(time.time() * 1000)  # of the broker's world: simulated time would confuse its retention
        for topic, all_of_it in topics.items():
            count = await _count_partitions(producer, topic)
            if self._chosen is None:
                places = self._partitions(all_of_it, count)
            else:
                places = _as_chosen(self._chosen, producer, topic, all_of_it)
            for partition, some in places:
                packs += self._packs(producer, topic, partition, some, now)
        return packs

    def _partitions(self, parcels: list[Parcel], count: int) -> Iterable[tuple[int, list[Parcel]]]:
        if count == 1:
            return [(0, parcels)]
        partition = self._partition
        places: dict[int, list[Parcel]] = defaultdict(list)
        for parcel in parcels:
            places[partition(parcel.key, count)].append(parcel)
        return places.items()

    def _packs(
        self, producer: AIOKafkaProducer, topic: str, partition: int, parcels: list[Parcel], now: int
    ) -> Iterator[Pack]:
        limit = self._smaller.get(topic)
        left = parcels
        while left:
            builder = producer.create_batch()
            taken = _fill(builder, left, now, limit)
            yield Pack(topic, partition, left[:taken], builder)
            left = left[taken:]


def _as_chosen(
    choose: Callable[[Any, list[int], list[int]], int], producer: AIOKafkaProducer, topic: str, parcels: list[Parcel]
) -> Iterable[tuple[int, list[Parcel]]]:
    """Return which records go to which partition, as a function of the user's says.

    Raises:
        PermanentError: If it raises, or names a partition that there is not.
    """
    cluster = producer.client.cluster
    there = sorted(cluster.partitions_for_topic(topic))
    led = sorted(cluster.available_partitions_for_topic(topic))
    places: dict[int, list[Parcel]] = defaultdict(list)
    for parcel in parcels:
        try:
            place = choose(parcel.key, there, led)
        except Exception as error:
            raise PermanentError(f"partitioner: key {show(parcel.key)}: {told(error)}.") from error
        if place not in there:
            raise PermanentError(f"partitioner: key {show(parcel.key)}: {show(place)} is no partition of {topic!r}.")
        places[place].append(parcel)
    return places.items()


def _fill(builder: Any, parcels: list[Parcel], now: int, limit: int | None) -> int:
    """Put records into one of the client's batches; return for how many of them there was room."""
    append = builder.append
    for place, (seq, _, key, value, number, beside) in enumerate(parcels):
        if limit is not None and place and builder.size() + _size(parcels[place]) > limit:
            return place
        headers = [(number, b"%d" % seq), *beside]  # Parcel.headers, without the call
        if append(timestamp=now, key=key, value=value, headers=headers) is None:
            return place
    return len(parcels)


def _size(parcel: Parcel) -> int:
    inside = sum(len(name) + len(value) + 10 for name, value in parcel.headers)
    return len(parcel.value) + len(parcel.key or b"") + inside + _OVERHEAD


async def _count_partitions(producer: AIOKafkaProducer, topic: str) -> int:
    try:
        return len(await producer.partitions_for(topic))
    except UnknownTopicOrPartitionError as error:
        if not await still_answers(producer.client):
            raise ConnectionError(f"the brokers do not answer where topic {topic!r} is.") from error
        raise MissingTopicError(
            f"topic {topic!r} is not on the brokers. Create it: KafkaAdminConnector.create_topics does."
        ) from error
