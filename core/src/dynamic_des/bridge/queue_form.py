"""The seeds' form of an egress, ``run(queue)``, as one that core can write to."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from dynamic_des.egress import BaseEgress, Batch

if TYPE_CHECKING:
    from dynamic_des.messages import RunInfo

__all__ = ["QueueForm"]


class QueueForm(BaseEgress):
    """Feeds an egress that polls a queue; a batch counts as written once the next one is asked for."""

    def __init__(self, egress: BaseEgress) -> None:
        self._egress = egress
        self._queue = _AskedQueue()
        self._task: asyncio.Task[None] | None = None

    async def open(self, run: RunInfo) -> None:
        await self._egress.open(run)
        self._queue = _AskedQueue()
        self._task = asyncio.create_task(self._egress.run(self._queue))

    async def write(self, batch: Batch) -> None:
        assert self._task is not None
        self._queue.offer(list(batch))
        while not self._queue.taken():
            if self._task.done():
                self._task.result()
                raise RuntimeError(f"{type(self._egress).__name__}.run(queue) returned. It has to run until cancelled.")
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        await self._egress.close()


class _AskedQueue(Queue[Any]):
    """A queue of one batch that knows when the batch has been dealt with."""

    def __init__(self) -> None:
        super().__init__()
        self._out = False
        self._dealt_with = True

    def offer(self, batch: list[dict[str, Any]]) -> None:
        self._out = self._dealt_with = False
        self.put(batch)

    def taken(self) -> bool:
        return self._dealt_with

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if self._out:
            self._dealt_with = True
        try:
            batch = super().get(block, timeout)
        except Empty:
            raise
        self._out = True
        return batch
