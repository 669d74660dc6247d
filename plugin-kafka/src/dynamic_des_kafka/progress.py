"""How far a twin has come, kept in a topic of its own: written in the transactions of its records."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.structs import TopicPartition

from dynamic_des_kafka.client import close_admin, close_consumer
from dynamic_des_kafka.connecting import start
from dynamic_des_kafka.errors import MissingTopicError
from dynamic_des_kafka.topics import new_topic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_des_kafka.security import Connection

__all__ = ["Progress", "ProgressTopic"]

_Seen = TypeVar("_Seen")
_STEP = 100  # records that are read from the end at first


@dataclass(frozen=True)
class Progress:
    """What is in the log of a twin.

    Attributes:
        seq: Number of the last of the model's records.
        sys_seq: Number of the last of the system's.
        run_id: The run that wrote the former: numbers of one run say nothing about another's.
        sys_run_id: The run that wrote the latter.
        instance: Which of the producers wrote this.
    """

    seq: int = 0
    sys_seq: int = 0
    run_id: str = ""
    sys_run_id: str = ""
    instance: str = ""

    def json(self) -> bytes:
        """Return it as the value of a record."""
        return orjson.dumps(self)


class ProgressTopic:
    """The topic of one transactional id. Nobody else should write there: an open transaction would hide its end.

    Attributes:
        name: Its name.
    """

    def __init__(self, connection: Connection, transactional_id: str, name: str | None, timeout_s: float) -> None:
        self.name = name or f"{re.sub('[^a-zA-Z0-9._-]', '-', transactional_id)[:200]}.progress"
        self._connection = connection
        self._timeout_s = timeout_s

    async def make(self) -> None:
        """Make the topic if it is missing.

        Raises:
            MissingTopicError: If it is missing, and may not be made.
        """
        admin = AIOKafkaAdminClient(**self._connection.of(AIOKafkaAdminClient, request_timeout_ms=self._timeout_ms))
        try:
            await start(admin, self._connection, self._timeout_s)
            async with asyncio.timeout(self._timeout_s):
                if self.name in await admin.list_topics():
                    return
                settings = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "segment.ms": "600000"}
                topic = new_topic(self.name, partitions=1, replication=None, configs=settings)
                answer = await admin.create_topics([topic])
        except TimeoutError as error:
            raise ConnectionError(f"{self._connection}: no answer within {self._timeout_s:g} s.") from error
        finally:
            await close_admin(admin)
        _, code, *text = answer.topic_errors[0]
        if code not in (0, TopicAlreadyExistsError.errno):
            raise MissingTopicError(
                f"topic {self.name!r}, which transactional_id needs, cannot be made: "
                f"{for_code(code).__name__} {text[0] if text and text[0] else ''}. Create it, with one partition."
            )

    async def read(self, twin: str, *, to_the_end: bool = True) -> Progress:
        """Return the last progress of a twin.

        Args:
            twin: Its name.
            to_the_end: Whether an open transaction, which may hide the last, is an error. Then call it when none of
                this id is open.

        Raises:
            ConnectionError: If it cannot be read, or somebody else's open transaction may hide it: ask again.
        """
        written = await self._look("read_uncommitted", self._end) if to_the_end else 0
        return await self._look("read_committed", lambda consumer: self._find(consumer, twin.encode(), written))

    async def _look(self, isolation_level: str, look: Callable[[AIOKafkaConsumer], Awaitable[_Seen]]) -> _Seen:
        """Return what one sees of the topic."""
        options: dict[str, Any] = {"isolation_level": isolation_level, "auto_offset_reset": "earliest"}
        consumer = AIOKafkaConsumer(
            **{**self._connection.of(AIOKafkaConsumer, request_timeout_ms=self._timeout_ms), **options}
        )
        try:
            await start(consumer, self._connection, self._timeout_s)
            async with asyncio.timeout(self._timeout_s):
                return await look(consumer)
        except TimeoutError as error:
            raise ConnectionError(f"{self._connection}: {self.name} was not read in {self._timeout_s:g} s.") from error
        except KafkaError as error:
            raise ConnectionError(f"{self._connection}: {self.name}: {type(error).__name__}: {error}") from error
        finally:
            await close_consumer(consumer)

    async def _end(self, consumer: AIOKafkaConsumer) -> int:
        """Return where the topic ends."""
        place = TopicPartition(self.name, 0)
        consumer.assign([place])
        end: int = (await consumer.end_offsets([place]))[place]
        return end

    async def _find(self, consumer: AIOKafkaConsumer, key: bytes, written: int) -> Progress:
        """Return the last record of a key, looking from the end backwards."""
        place = TopicPartition(self.name, 0)
        end = await self._end(consumer)
        if end < written:
            raise ConnectionError(
                f"{self._connection}: a transaction of somebody else hides the end of {self.name}. It is waited for. "
                "Give each twin a progress_topic of its own."
            )
        first = (await consumer.beginning_offsets([place]))[place]
        upper, step = end, _STEP
        while upper > first:
            lower = max(first, upper - step)
            consumer.seek(place, lower)
            found: Progress | None = None
            while await consumer.position(place) < upper:
                for record in await _some(consumer, place):
                    if record.key == key and record.offset < upper:
                        found = Progress(**orjson.loads(record.value))
            if found is not None:
                return found
            upper, step = lower, step * 10
        return Progress()

    @property
    def _timeout_ms(self) -> int:
        return int(self._timeout_s * 1000)


async def _some(consumer: AIOKafkaConsumer, place: TopicPartition) -> list[Any]:
    found: list[Any] = (await consumer.getmany(place, timeout_ms=200)).get(place, [])
    return found
