"""Batches on their way to the brokers in transactions: each record written once, whatever dies."""

from __future__ import annotations

import asyncio
import secrets
import sys
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerFenced

from dynamic_des.errors import PermanentError
from dynamic_des_kafka.client import abandon, close_producer
from dynamic_des_kafka.connecting import start
from dynamic_des_kafka.delivery import TOO_LARGE, new_producer, submit
from dynamic_des_kafka.errors import FencedError
from dynamic_des_kafka.packing import Pack, by_partition
from dynamic_des_kafka.progress import Progress, ProgressTopic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka import AIOKafkaProducer

    from dynamic_des.messages import RunInfo
    from dynamic_des_kafka.delivery import Identity
    from dynamic_des_kafka.packing import Packing
    from dynamic_des_kafka.parcels import Parcels
    from dynamic_des_kafka.security import Connection

__all__ = ["TransactionalDelivery"]


class TransactionalDelivery:
    """Delivers each batch in a transaction that also says how far the twin has come.

    After any failure the producer is given up, and a new one of the same id is opened: the brokers then end what the
    old one had begun, all or nothing, and the progress topic says which it was.

    Attributes:
        most: How many records go together: all of a batch.
    """

    most = sys.maxsize

    def __init__(
        self, connection: Connection, packing: Packing, transactional_id: str, progress: ProgressTopic, timeout_s: float
    ) -> None:
        self._connection = connection
        self._packing = packing
        self._id = transactional_id
        self._topic = progress
        self._timeout_s = timeout_s
        self._lifetime_s = float(connection.options.get("transaction_timeout_ms", 60_000)) / 1000
        self._producer: AIOKafkaProducer | None = None
        self._clean = False
        self._began = 0.0
        self._run: RunInfo | None = None
        self._held = Progress()
        self._instance = ""
        self._had_turn = False
        self._known = {""}  # instances that were there before this one, and this one
        self._aside: tuple[Identity, dict[int, str]] | None = None

    async def open(self, run: RunInfo) -> None:
        """Connect, end what a predecessor left open, and read how far it came.

        Raises:
            PermanentError: If this one was the predecessor of somebody else.
        """
        await self.close()
        await self._topic.make()
        if self._run is None or self._run.run_id != run.run_id:
            self._aside = None  # its numbers are used again, for other records
            self._instance = secrets.token_hex(8)
            self._known = {"", self._instance}
            self._had_turn = False
        elif self._had_turn and await self._is_replaced(run):
            self._give_way(None)  # opening would take it from the successor again
        producer = self._producer = new_producer(self._connection, self._id)
        await start(producer, self._connection, self._timeout_s)
        self._run = run
        found = await self._topic.read(run.name)
        self._known.add(found.instance)
        self._held = replace(found, instance=self._instance)
        await self._transact([], self._held)  # so that a predecessor which is still alive sees whose turn it is
        self._clean = self._had_turn = True

    def prepare(self, parcels: Sequence[Parcels]) -> None:
        """Pack records that are the next to be delivered."""
        if self._producer is not None:
            self._packing.pack_ahead(self._producer, parcels)

    async def begin(self, identity: Identity, parcels: Sequence[Parcels]) -> None:
        """Nothing: a transaction does not begin before it is known what is in it."""

    async def deliver(self, identity: Identity, parcels: Sequence[Parcels]) -> dict[int, str]:
        """Return when the batch is committed; the records that are refused for good: seq → reason.

        Raises:
            PermanentError: If another producer has taken over the transactional id.
            Exception: Anything else: open again, and deliver the same batch again.
        """
        if self._aside is None or self._aside[0] != identity:
            self._aside = (identity, {})
        aside, run = self._aside[1], self._run
        assert run is not None, "it was not opened"
        system, first, last = identity
        held, this = self._held, run.run_id
        if system:
            done = held.sys_seq if held.sys_run_id == this else 0
            held = replace(held, sys_seq=last, sys_run_id=this)
        else:
            done = held.seq if held.run_id == this else 0
            held = replace(held, seq=last, run_id=this)
        if last <= done:
            return aside
        left = parcels
        if aside or first <= done:
            left = [some for one in parcels if len(some := one.where(lambda seq: seq > done and seq not in aside))]
        await self._transact(left, held)
        self._held = held
        return aside

    async def written(self, run: RunInfo) -> int | None:
        """Return the number of the last of the twin's records that is committed, 0 if there is none."""
        return self._held.seq if self._run is not None and self._run.name == run.name else None

    async def close(self) -> None:
        """Disconnect. What is not committed never was."""
        producer, self._producer = self._producer, None
        clean, self._clean = self._clean, False
        if producer is not None:
            await (close_producer(producer) if clean else abandon(producer))

    async def _transact(self, parcels: Sequence[Parcels], held: Progress) -> None:
        producer, run = self._producer, self._run
        assert producer is not None, "it was not opened"
        assert run is not None, "it was not opened"
        self._clean = False
        self._began = monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                await producer.begin_transaction()
                await self._send(producer, parcels, held)
                await producer.commit_transaction()
        except TimeoutError as error:
            raise ConnectionError(
                f"{self._connection}: a transaction of {sum(map(len, parcels))} records did not end within "
                f"{self._timeout_s:g} s; whether it is in the log is asked next."
            ) from error
        except (ProducerFenced, AssertionError) as error:
            await self._fenced(error)
        except KafkaError as error:
            raise ConnectionError(f"{self._connection}: {type(error).__name__}: {error}") from error
        self._clean = True

    async def _send(self, producer: AIOKafkaProducer, parcels: Sequence[Parcels], held: Progress) -> None:
        """Send records and, beside them, how far the twin has come: that saves the time of two answers."""
        packs = await self._packing.pack(producer, parcels)
        packs.append(self._note(producer, held))
        await asyncio.gather(*(submit(producer, line) for line in by_partition(packs)))
        failed = [pack for pack in packs if pack.error is not None]
        for pack in failed:
            if isinstance(pack.error, TOO_LARGE) and pack.parcels and self._aside is not None:
                self._aside[1].update(self._packing.refused(pack))
        for pack in sorted(failed, key=lambda pack: isinstance(pack.error, OutOfOrderSequenceNumber)):
            if isinstance(pack.error, ProducerFenced):
                raise pack.error
            text = f"topic {pack.topic!r}, partition {pack.partition}: {type(pack.error).__name__}: {pack.error}"
            raise ConnectionError(f"{self._connection}: {text}") from pack.error

    def _note(self, producer: AIOKafkaProducer, held: Progress) -> Pack:
        assert self._run is not None
        builder = producer.create_batch()
        builder.append(timestamp=None, key=self._run.name.encode(), value=held.json(), headers=[])
        return Pack(self._topic.name, 0, None, builder)

    async def _fenced(self, error: BaseException) -> None:
        """Say whether another producer has taken over, or the brokers have ended a transaction that took too long."""
        run = self._run
        assert run is not None
        if monotonic() - self._began > self._lifetime_s / 2 and not await self._is_replaced(run):
            raise FencedError(
                f"{self._connection}: a transaction took longer than transaction_timeout_ms, and was ended."
            ) from error
        self._give_way(error)

    async def _is_replaced(self, run: RunInfo) -> bool:
        """Return whether a successor has said that it is there.

        What was written last may not be visible yet: then it is this one's predecessor that is seen.
        """
        newest = await self._topic.read(run.name, to_the_end=False)
        return newest.instance not in self._known

    def _give_way(self, error: BaseException | None) -> NoReturn:
        raise PermanentError(
            f"{self._connection}: fenced: another producer has taken over transactional_id {self._id!r}. "
            "Let one twin at a time have it."
        ) from error
