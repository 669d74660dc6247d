"""Reading topics for as long as one likes, each from where one has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiokafka import AIOKafkaConsumer

__all__ = ["Following"]


class Following:
    """Where one has come in some topics; survives the consumers.

    A topic that is missing is waited for, and nobody else waits with it. What is added later, a topic or a partition,
    is read from its beginning.

    Args:
        topics: Names of topics.
        from_beginning: Whether what is there at the start is read, too.
    """

    def __init__(self, topics: Iterable[str], *, from_beginning: bool) -> None:
        self._topics = tuple(topics)
        self._all = from_beginning  # of what is new
        self._next: dict[TopicPartition, int] = {}

    async def follow(self, consumer: AIOKafkaConsumer, note: Callable[[bytes | None], None]) -> None:
        """Give ``note`` the value of every message, until the connection is lost.

        Raises:
            KafkaError: When it is.
        """
        while True:
            await self._take_all(consumer)
            try:
                found = await consumer.getmany(timeout_ms=500)
            except OffsetOutOfRangeError as error:  # deleted meanwhile, by age or with the topic
                for place in error.args[0]:
                    self._next.pop(place, None)
                continue
            for place, records in found.items():
                for record in records:
                    note(record.value)
                self._next[place] = records[-1].offset + 1

    async def _take_all(self, consumer: AIOKafkaConsumer) -> None:
        there = set()
        for topic in self._topics:
            if not await consumer._client.add_topic(topic):  # returns at once when it was asked for before
                raise KafkaConnectionError("the brokers do not say where a topic is")
            there |= {TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()}
        self._next = {place: at for place, at in self._next.items() if place in there}  # others were deleted
        new = sorted(there - self._next.keys())
        if new:
            self._next.update(await (consumer.beginning_offsets if self._all else consumer.end_offsets)(new))
        self._all = True
        if new or there != consumer.assignment():
            consumer.assign(sorted(there))
            for place in there:
                consumer.seek(place, self._next[place])
