"""The seeds' form of a connector, ``run(queue)``, as one that core can work with."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from queue import Queue
from threading import get_ident
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.loop import cancel, contained
from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.ingress import BaseIngress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from dynamic_des.messages import Message, RunInfo

__all__ = ["QueueEgress", "QueueIngress"]

log = logging.getLogger("dynamic_des.ingress")
_MANY = 10_000


class QueueIngress(BaseIngress):
    """Reads what an ingress puts on a queue, from the loop or from threads of its own."""

    def __init__(self, ingress: BaseIngress) -> None:
        self._ingress = ingress
        self._task: asyncio.Task[None] | None = None

    async def open(self, run: RunInfo) -> None:
        await self._ingress.open(run)

    async def snapshot(self) -> Iterable[Message]:
        return await self._ingress.snapshot()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what is put, until the ingress's ``run`` has ended and everything it put was taken."""
        wake, items = asyncio.Event(), deque[Any]()
        queue = _PutQueue(type(self._ingress).__name__, items, wake)
        self._task = task = asyncio.create_task(contained(self._ingress.run, queue))
        task.add_done_callback(lambda _: wake.set())
        try:
            while True:
                ended = task.done()  # asked first: what it put before it ended is then in sight
                while items:
                    yield items.popleft()  # whatever it is: who asks makes a message of it
                if ended:
                    task.result()
                    return
                await wake.wait()
                wake.clear()
        finally:
            await cancel(task, 5.0)

    async def applied(self, position: Mapping[str, Any]) -> None:
        await self._ingress.applied(position)

    async def close(self) -> None:
        if self._task is not None:
            await cancel(self._task, 5.0)
        await self._ingress.close()


class QueueEgress(BaseEgress):
    """Feeds an egress that polls a queue; a batch counts as written once the next one is asked for."""

    def __init__(self, egress: BaseEgress) -> None:
        self._egress = egress
        self._asked = asyncio.Event()
        self._queue: _AskedQueue | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, run: RunInfo) -> None:
        await self._egress.open(run)
        self._asked = asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._queue = _AskedQueue(lambda: _on_loop(loop, asked.set))
        self._task = asyncio.create_task(contained(self._egress.run, self._queue))
        self._task.add_done_callback(lambda _: asked.set())

    async def write(self, batch: Batch) -> None:
        assert self._task is not None
        assert self._queue is not None
        self._asked.clear()
        self._queue.offer(list(batch))
        while not self._queue.dealt_with:
            if self._task.done():
                self._task.result()
                raise RuntimeError(f"{type(self._egress).__name__}.run(queue) returned. It has to run until cancelled.")
            await self._asked.wait()
            self._asked.clear()

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            assert self._queue is not None
            self._queue.put([])  # a thread of its own that waits for the next batch goes on, and can end
            await cancel(task, 5.0)
        await self._egress.close()


class _PutQueue(Queue[Any]):
    """Takes what is put from whatever thread, at once and for ever: a `put` that waited could be a deadlock."""

    def __init__(self, name: str, items: deque[Any], wake: asyncio.Event) -> None:
        super().__init__()
        self._name = name
        self._items = items
        self._event = wake
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._warned = False

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        self._items.append(item)
        if len(self._items) >= _MANY and not self._warned:
            self._warned = True
            log.warning(
                "ingress %s: %d items wait in its queue, and put never waits. Override messages() to be slowed down.",
                self._name,
                len(self._items),
            )
        elif self._warned and len(self._items) < _MANY // 2:
            self._warned = False
        if get_ident() == self._thread:
            self._event.set()
        else:
            _on_loop(self._loop, self._event.set)

    def qsize(self) -> int:
        return len(self._items)


class _AskedQueue(Queue[Any]):
    """A queue of one batch that knows when the batch has been dealt with: when more is asked for.

    Attributes:
        dealt_with: Whether the batch was taken, and the next one asked for.
    """

    def __init__(self, asked: Callable[[], None]) -> None:
        super().__init__()
        self.dealt_with = True
        self._out = False
        self._tell = asked

    def offer(self, batch: list[dict[str, Any]]) -> None:
        self._out = self.dealt_with = False
        self.put(batch)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        self._ask()
        batch = super().get(block, timeout)
        self._out = True
        return batch

    def qsize(self) -> int:
        self._ask()
        return super().qsize()

    def empty(self) -> bool:
        self._ask()
        return super().empty()

    def task_done(self) -> None:
        self._ask()
        super().task_done()

    def _ask(self) -> None:
        if self._out and not self.dealt_with:
            self.dealt_with = True
            self._tell()


def _on_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(function)
