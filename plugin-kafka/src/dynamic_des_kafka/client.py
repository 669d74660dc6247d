"""aiokafka, kept from what it would do to the rest of the process."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import aiokafka.client
import aiokafka.conn
import aiokafka.consumer.fetcher
import aiokafka.partitioner
import aiokafka.producer.sender

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient

__all__ = ["abandon", "close_admin", "close_consumer", "close_producer", "expect_failures"]

# The module-level functions of `random` belong to the model, which may have seeded them: a reconnection must not
# change its numbers.
_own_random = Random()  # noqa: S311 - which broker to ask first is no secret
for _module in (aiokafka.client, aiokafka.conn, aiokafka.consumer.fetcher, aiokafka.partitioner):
    _module.random = _own_random

# A transaction that follows another has to wait until the brokers have put that one's end into every partition, which
# takes them a few milliseconds: asked again after 20, as the client does, most of a transaction's time is that wait.
aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.003

# It writes an error for each of its many attempts; core says once what is the matter. A level that was chosen stays.
_log = logging.getLogger("aiokafka")
if _log.level == logging.NOTSET:
    _log.setLevel(logging.CRITICAL)

_CLOSING_S = 2.0


def expect_failures(producer: AIOKafkaProducer) -> None:
    """Keep asyncio from reporting what the client sets on futures that nobody waits for, when it fails."""
    accumulator = producer._message_accumulator
    append = accumulator._append_batch

    def append_expecting(builder: Any, place: Any) -> Any:
        batch = append(builder, place)
        batch._drain_waiter.add_done_callback(_look_away)
        return batch

    accumulator._append_batch = append_expecting


def _look_away(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


async def abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for what it has not delivered.

    Its own ``stop`` waits until everything is delivered, which may be never.
    """
    producer._closed = True
    sender: asyncio.Task[Any] | None = producer._sender.sender_task
    for _ in range(20):
        if sender is None or sender.done():
            break
        sender.cancel()  # more than once: it waits for requests that nobody will answer
        with suppress(Exception):
            await producer.client.close()
        await asyncio.wait([sender], timeout=0.05)
    with suppress(Exception):
        await producer.client.close()  # also what was connected meanwhile
    waiter = getattr(producer._txn_manager, "_transaction_waiter", None)  # nobody waits: asyncio would say so
    for ended in (sender, waiter):
        if ended is not None and ended.done():
            _look_away(ended)
    await farewell()


async def farewell() -> None:
    """Let the loop close the sockets that were closed: it does so in its next turns."""
    for _ in range(3):
        await asyncio.sleep(0)


async def close_producer(producer: AIOKafkaProducer) -> None:
    """Close a producer that has nothing left to deliver."""
    try:
        async with asyncio.timeout(_CLOSING_S):
            await producer.stop()
        await farewell()
    except Exception:  # noqa: BLE001 - whatever it is, it is closed
        await abandon(producer)


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Close a consumer, also one that did not start, and one whose broker does not answer."""
    await asyncio.sleep(0)  # aiokafka cancels tasks that have not begun yet, and takes that for its own cancellation
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=_CLOSING_S)
    if not stopping.done():
        stopping.cancel()
        with suppress(Exception):
            await consumer._client.close()
        await asyncio.wait([stopping], timeout=_CLOSING_S)
    if stopping.done() and not stopping.cancelled():
        stopping.exception()
    with suppress(Exception):
        await consumer._client.close()  # also what was connected meanwhile
    await farewell()


async def close_admin(admin: AIOKafkaAdminClient) -> None:
    """Close an administrator, also one that did not start."""
    with suppress(Exception):
        await admin.close()
    await farewell()
