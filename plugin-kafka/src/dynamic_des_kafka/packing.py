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

    from dynamic_des_kafka.parcels import Parcels

__all__ = ["Pack", "Packing", "by_partition"]

_HEADERS = 1000  # bytes that the headers of a record hardly ever exceed


@dataclass
class Pack:
    """Records for one partition that go together.

    Attributes:
        topic: Their topic.
        partition: Their partition.
        parcels: The records; None for what only the twin itself reads.
        builder: The client's batch of them.
        delivered: Whether it is in the log.
        error: Why it was refused, or None.
    """

    topic: str
    partition: int
    parcels: Parcels | None
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
        self._ahead: tuple[AIOKafkaProducer, Sequence[Parcels], list[Pack]] | None = None

    def too_large(self, parcels: Parcels) -> dict[int, str]:
        """Return which records are too large for any broker, and why: seq → reason."""
        largest = max(map(len, parcels.values), default=0) + max(map(len, filter(None, parcels.keys)), default=0)
        if largest <= self._limit - _HEADERS:
            return {}
        sizes = {seq: parcels.size(place) for place, seq in enumerate(parcels.seqs)}
        return {
            seq: f"the record has {size} bytes; max_request_size is {self._limit}."
            for seq, size in sizes.items()
            if size > self._limit
        }

    def refused(self, pack: Pack) -> dict[int, str]:
        """Take note that a pack is too large for its topic; return what can never be written."""
        parcels = pack.parcels
        assert parcels is not None, "what only the twin reads is small"
        if len(parcels) > 1:
            self._smaller[pack.topic] = max(1, sum(map(parcels.size, range(len(parcels)))) // 2)
            return {}
        reason = f"the record has {parcels.size(0)} bytes: more than topic {pack.topic!r} takes."
        return {parcels.seqs[0]: reason}

    def pack_ahead(self, producer: AIOKafkaProducer, cargo: Sequence[Parcels]) -> None:
        """Pack what `pack` will be asked for next, where the client knows all its topics already."""
        if self._chosen is not None:
            return  # a function of the user's may raise, which is said when it is the turn of these
        partitions = producer.client.cluster.partitions_for_topic
        counts = [len(partitions(parcels.topic) or ()) for parcels in cargo]
        if all(counts):
            self._ahead = (producer, cargo, self._packed(producer, cargo, counts))

    async def pack(self, producer: AIOKafkaProducer, cargo: Sequence[Parcels]) -> list[Pack]:
        """Return records as packs, in their order within each partition.

        Raises:
            MissingTopicError: If a topic is not on the brokers.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] is producer and ahead[1] is cargo:
            return ahead[2]
        counts = [await _count_partitions(producer, parcels.topic) for parcels in cargo]
        return self._packed(producer, cargo, counts)

    def _packed(self, producer: AIOKafkaProducer, cargo: Sequence[Parcels], counts: Iterable[int]) -> list[Pack]:
        packs: list[Pack] = []
        now = int(time.time() * 1000)  # of the broker's world: simulated time would confuse its retention
        for parcels, count in zip(cargo, counts, strict=True):
            if self._chosen is None:
                places = self._partitions(parcels, count)
            else:
                places = _as_chosen(self._chosen, producer, parcels)
            for partition, some in places:
                packs += self._packs(producer, partition, some, now)
        return packs

    def _partitions(self, parcels: Parcels, count: int) -> Iterable[tuple[int, Parcels]]:
        if count == 1:
            return [(0, parcels)]
        partition = self._partition
        places: dict[int, list[int]] = defaultdict(list)
        for place, key in enumerate(parcels.keys):
            places[partition(key, count)].append(place)
        return [(number, parcels.at(some)) for number, some in places.items()]

    def _packs(self, producer: AIOKafkaProducer, partition: int, parcels: Parcels, now: int) -> Iterator[Pack]:
        limit = self._smaller.get(parcels.topic)
        left = parcels
        while len(left):
            builder = producer.create_batch()
            taken = _fill(builder, left, now, limit)
            yield Pack(parcels.topic, partition, left if taken == len(left) else left.part(0, taken), builder)
            left = left.part(taken)


def _as_chosen(
    choose: Callable[[Any, list[int], list[int]], int], producer: AIOKafkaProducer, parcels: Parcels
) -> Iterable[tuple[int, Parcels]]:
    """Return which records go to which partition, as a function of the user's says.

    Raises:
        PermanentError: If it raises, or names a partition that there is not.
    """
    topic, cluster = parcels.topic, producer.client.cluster
    there = sorted(cluster.partitions_for_topic(topic))
    led = sorted(cluster.available_partitions_for_topic(topic))
    places: dict[int, list[int]] = defaultdict(list)
    for place, key in enumerate(parcels.keys):
        try:
            number = choose(key, there, led)
        except Exception as error:
            raise PermanentError(f"partitioner: key {show(key)}: {told(error)}.") from error
        if number not in there:
            raise PermanentError(f"partitioner: key {show(key)}: {show(number)} is no partition of {topic!r}.")
        places[number].append(place)
    return [(number, parcels.at(some)) for number, some in places.items()]


def _fill(builder: Any, parcels: Parcels, now: int, limit: int | None) -> int:
    """Put records into one of the client's batches; return for how many of them there was room."""
    append, number = builder.append, parcels.number
    columns = zip(parcels.seqs, parcels.keys, parcels.values, parcels.beside, strict=True)
    for place, (seq, key, value, beside) in enumerate(columns):
        if limit is not None and place and builder.size() + parcels.size(place) > limit:
            return place
        headers = [(number, b"%d" % seq), *beside]  # Parcels.headers, without the call
        if append(timestamp=now, key=key, value=value, headers=headers) is None:
            return place
    return len(parcels)


async def _count_partitions(producer: AIOKafkaProducer, topic: str) -> int:
    try:
        return len(await producer.partitions_for(topic))
    except UnknownTopicOrPartitionError as error:
        if not await still_answers(producer.client):
            raise ConnectionError(f"the brokers do not answer where topic {topic!r} is.") from error
        raise MissingTopicError(
            f"topic {topic!r} is not on the brokers. Create it: KafkaAdminConnector.create_topics does."
        ) from error
