"""Batches on their way to the brokers, each record written once as long as the process lives."""

from __future__ import annotations

import asyncio
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    RecordListTooLargeError,
)

from dynamic_des_kafka.client import abandon, close_producer, expect_failures
from dynamic_des_kafka.connecting import start, still_answers
from dynamic_des_kafka.errors import MissingTopicError
from dynamic_des_kafka.packing import Pack, Packing, by_partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_des.messages import RunInfo
    from dynamic_des_kafka.parcels import Parcels
    from dynamic_des_kafka.security import Connection

__all__ = ["TOO_LARGE", "Delivery", "Identity", "let_leave", "new_producer", "producer_options", "submit"]

TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_DEFAULTS = {
    "max_batch_size": 1_000_000,  # a batch of core's goes in few requests
    "request_timeout_ms": 10_000,
    "metadata_max_age_ms": 30_000,
}
_TURNS = 15  # of the loop: so many the client takes, and some more, until it has given a request to the socket
Identity = tuple[bool, int, int]  # of a batch: system or not, first and last number


def producer_options(connection: Connection, transactional_id: str | None) -> dict[str, Any]:
    """Return the arguments of a producer: idempotent, unless it is told not to wait for all replicas."""
    if transactional_id:
        more: dict[str, Any] = {"transactional_id": transactional_id}
    else:
        more = {"enable_idempotence": connection.options.get("acks", "all") in ("all", -1)}
    return connection.of(AIOKafkaProducer, **_DEFAULTS, **more)


def new_producer(connection: Connection, transactional_id: str | None = None) -> AIOKafkaProducer:
    """Return a producer, not started, that never gives up a batch.

    aiokafka gives up a batch that is older than ``request_timeout_ms`` when there is no leader for a moment, although
    an earlier attempt without an answer may be in the log. Never giving up is what an idempotent producer is for.
    """
    producer = AIOKafkaProducer(**producer_options(connection, transactional_id))
    producer._message_accumulator._batch_ttl = inf
    expect_failures(producer)
    return producer


async def let_leave() -> None:
    """Let the client give the socket what it was handed, before the loop is kept busy with something else."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def submit(producer: AIOKafkaProducer, packs: Sequence[Pack]) -> None:
    """Send the packs of one partition, one after the other, up to the first that is refused; they say which.

    What came after a refused one would stand before it in the log. The client has one request at a time on its way to
    a partition anyway.
    """
    for pack in packs:
        try:
            await (await _hand_over(producer, pack))
            pack.delivered = True
        except Exception as error:  # noqa: BLE001 - noted: the other partitions are to be waited for
            pack.error = error
            return


async def _hand_over(producer: AIOKafkaProducer, pack: Pack) -> asyncio.Future[Any]:
    while True:
        try:
            answer: asyncio.Future[Any] = await producer.send_batch(pack.builder, pack.topic, partition=pack.partition)
            return answer
        except KafkaTimeoutError:  # the one before it is still not taken by the sender
            continue


class _Shipment:
    """One batch on its way: what of it is not in the log yet."""

    def __init__(self, identity: Identity, parcels: Sequence[Parcels]) -> None:
        self.identity = identity
        self.left = parcels
        self.aside: dict[int, str] = {}
        self.packs: list[Pack] = []
        self.task: asyncio.Task[None] | None = None

    def note(self) -> None:
        """Strike off what is in the log."""
        if not self.aside and self.packs and all(pack.delivered for pack in self.packs):
            self.left, self.packs = [], []
            return
        self.left = self.not_delivered()
        self.packs = []

    def not_delivered(self) -> list[Parcels]:
        """Return what is neither in the log nor set aside."""
        delivered = [pack.parcels.seqs for pack in self.packs if pack.delivered and pack.parcels]
        off = self.aside.keys() | set(chain.from_iterable(delivered))
        return [some for one in self.left if len(some := one.where(lambda seq: seq not in off))]


class Delivery:
    """Delivers with an idempotent producer.

    After a time-out the same producer goes on trying in the background, with the same producer id and sequence
    numbers, so that the broker recognises what it has already; `deliver` of the same batch waits for that. Sending it
    again as something new would write it twice: a request that timed out may still be in the log.

    Attributes:
        most: How many records go together, so that the brokers have some to write while the next are encoded.
    """

    most = 1000

    def __init__(self, connection: Connection, packing: Packing, timeout_s: float) -> None:
        self._connection = connection
        self._packing = packing
        self._timeout_s = timeout_s
        self._producer: AIOKafkaProducer | None = None
        self._spoiled = False
        self._run_id = ""
        self._shipment: _Shipment | None = None
        self._lingering: asyncio.Task[None] | None = None

    async def open(self, run: RunInfo) -> None:
        """Connect, or take up again the producer that has something on its way."""
        if self._lingering is not None:
            lingering, self._lingering = self._lingering, None
            lingering.cancel()
        another, self._run_id = self._run_id != run.run_id, run.run_id
        if self._producer is not None and (self._spoiled or another or not _in_this_loop(self._producer)):
            await self._drop()
        if another:
            self._shipment = None  # its numbers are used again, for other records
        if self._producer is None:
            await self._connect()

    def prepare(self, parcels: Sequence[Parcels]) -> None:
        """Pack records that are the next to be delivered."""
        if self._producer is not None and not self._spoiled:
            self._packing.pack_ahead(self._producer, parcels)

    async def begin(self, identity: Identity, parcels: Sequence[Parcels]) -> None:
        """Let the records leave, so that something else can be done while they travel; `deliver` goes on with it."""
        self._begin(identity, parcels)
        await let_leave()

    def _begin(self, identity: Identity, parcels: Sequence[Parcels]) -> tuple[_Shipment, asyncio.Task[None]]:
        if self._shipment is None or self._shipment.identity != identity:
            self._shipment = _Shipment(identity, parcels)
        shipment = self._shipment
        if shipment.task is None:
            shipment.task = asyncio.create_task(self._ship(shipment))
        return shipment, shipment.task

    async def deliver(self, identity: Identity, parcels: Sequence[Parcels]) -> dict[int, str]:
        """Return when every record is in the log of its partition, or refused for good: seq → reason.

        Raises:
            ConnectionError: If it takes longer than the time-out: call again with the same batch.
            MissingTopicError: If a topic is not there: the same.
        """
        shipment, task = self._begin(identity, parcels)
        await asyncio.wait([task], timeout=self._timeout_s)
        if not task.done():
            await self._late(shipment)
        shipment.task = None
        task.result()
        self._shipment = None
        return shipment.aside

    async def written(self, run: RunInfo) -> int | None:  # noqa: ARG002
        """Return None: a log without transactions does not tell."""
        return None

    async def close(self) -> None:
        """Disconnect; but what is on its way stays on its way until `open`, or until the loop ends."""
        if self._producer is None or self._lingering is not None:
            return
        if self._spoiled:
            await self._drop()
        elif self._shipment is not None and self._shipment.task is not None:
            self._lingering = asyncio.create_task(self._linger(self._shipment.task))
        else:
            producer, self._producer = self._producer, None
            await close_producer(producer)

    async def _linger(self, task: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            if self._lingering is not None:  # not opened again: the loop ends
                await self._drop()
            raise
        self._lingering = None
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer)

    async def _connect(self) -> None:
        producer = new_producer(self._connection)
        try:
            await start(producer, self._connection, self._timeout_s)
        except BaseException:
            await abandon(producer)
            raise
        self._producer, self._spoiled = producer, False

    async def _drop(self) -> None:
        """Forget the producer, and what is on its way with it."""
        producer, self._producer = self._producer, None
        shipment = self._shipment
        if producer is not None and _in_this_loop(producer):
            await abandon(producer)
        if shipment is not None:
            task, shipment.task = shipment.task, None
            shipment.note()
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    async def _ship(self, shipment: _Shipment) -> None:
        """Send what is left until nothing is."""
        while shipment.left:
            if self._producer is None:
                await self._connect()
            producer = self._producer
            assert producer is not None
            shipment.packs = packs = await self._packing.pack(producer, shipment.left)
            await asyncio.gather(*(submit(producer, line) for line in by_partition(packs)))
            failed = [pack for pack in packs if pack.error is not None]
            for pack in failed:
                if isinstance(pack.error, TOO_LARGE):
                    shipment.aside.update(self._packing.refused(pack))
            shipment.note()
            if failed:
                # a refused batch leaves a gap in the numbers of this producer: its partition takes no more from it
                self._spoiled = True
                self._raise_first_refusal(failed)
                self._producer = None
                await abandon(producer)

    def _raise_first_refusal(self, failed: list[Pack]) -> None:
        errors = [pack for pack in failed if not isinstance(pack.error, TOO_LARGE)]
        consequences = [pack for pack in errors if isinstance(pack.error, OutOfOrderSequenceNumber)]
        causes = [pack for pack in errors if pack not in consequences]
        if len(failed) > len(errors) and not causes:
            return
        for pack in [*causes, *consequences]:
            error = pack.error
            text = f"topic {pack.topic!r}, partition {pack.partition}: {type(error).__name__}: {error}"
            raise ConnectionError(f"{self._connection}: {text}") from error

    async def _late(self, shipment: _Shipment) -> None:
        """Say why it takes so long.

        Raises:
            MissingTopicError: If what is left waits for topics that are not there.
            ConnectionError: Else.
        """
        left = shipment.not_delivered()
        waiting = [pack for pack in shipment.packs if not pack.delivered and pack.error is None]
        places = {(pack.topic, pack.partition) for pack in waiting} or {(some.topic, 0) for some in left}
        gone = await _gone(self._producer, places) if self._producer is not None else set()
        if gone and gone == places:
            # the brokers say that there is no such partition: it is in no log, and can be sent anew
            topic, partition = min(gone)
            is_there = self._producer is not None and self._producer.client.cluster.partitions_for_topic(topic)
            await self._drop()
            if is_there:
                raise ConnectionError(f"topic {topic!r} has no partition {partition} any more. Another one is taken.")
            raise MissingTopicError(
                f"topic {topic!r} is not on the brokers. Create it: KafkaAdminConnector.create_topics does."
            )
        raise ConnectionError(
            f"{self._connection}: {sum(map(len, left))} records are not acknowledged within {self._timeout_s:g} s; "
            "they are on their way until they are."
        )


async def _gone(producer: AIOKafkaProducer, places: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return which of some partitions there are not, as the brokers say now."""
    if not await still_answers(producer.client):
        return set()
    known = producer.client.cluster.partitions_for_topic
    return {(topic, partition) for topic, partition in places if partition not in (known(topic) or ())}


def _in_this_loop(producer: AIOKafkaProducer) -> bool:
    return producer._loop is asyncio.get_running_loop()
