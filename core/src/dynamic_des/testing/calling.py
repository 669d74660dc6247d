"""A connector's methods called one by one, as core calls them."""

from __future__ import annotations

import inspect
from queue import Empty, Queue, SimpleQueue
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, Self

import pytest

from dynamic_des.bridge.loop import IoThread
from dynamic_des.bridge.queue_form import QueueEgress
from dynamic_des.bridge.worker import Worker
from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Message

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from dynamic_des.messages import RunInfo

__all__ = ["Calls", "EgressCalls", "IngressCalls", "Writable"]


class Writable(BaseEgress):
    """An egress in whichever form it was written: ``async def write``, ``def write``, ``run(queue)``."""

    def __init__(self, egress: BaseEgress) -> None:
        self._egress = QueueEgress(egress) if type(egress).write is BaseEgress.write else egress
        self._blocking = not inspect.iscoroutinefunction(self._egress.write)
        self._worker: Worker | None = None

    async def open(self, run: RunInfo) -> None:
        await self._egress.open(run)

    async def write(self, batch: Batch) -> Iterable[tuple[int, str]] | None:
        if not self._blocking:
            return await self._egress.write(batch)
        if self._worker is None:
            self._worker = Worker("contract write")
        returned: Any = await self._worker.call(self._egress.write, batch)
        aside: Iterable[tuple[int, str]] | None = await returned if inspect.isawaitable(returned) else returned
        return aside

    async def prepare(self, batch: Batch) -> None:
        if not self._blocking:
            await self._egress.prepare(batch)

    async def written(self) -> int | None:
        return await self._egress.written()

    async def close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
        await self._egress.close()


class Calls:
    """An asyncio loop in a thread of its own, on which methods are called within a time limit."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._io = IoThread("contract")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._io.stop()

    def call(self, what: str, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what ``work`` returns; fail when it takes longer than the limit."""
        future = self._io.start(work)
        try:
            return future.result(self.limit_s)
        except TimeoutError as error:
            if future.done() and future.exception() is error:  # the connector's own
                raise
            future.cancel()
        pytest.fail(f"{what} did not return within {self.limit_s:g} s.")


class EgressCalls(Calls):
    """The methods of one egress."""

    def __init__(self, egress: BaseEgress, limit_s: float) -> None:
        super().__init__(limit_s)
        self._egress = Writable(egress)

    def open(self, run: RunInfo) -> None:
        self.call("open", self._egress.open(run))

    def write(self, batch: Batch) -> list[tuple[int, str]]:
        """Write, and return what was set aside: by the egress, and while encoding."""
        aside = self.call("write", self._egress.write(batch))
        return [*batch.refused, *(aside or ())]

    def prepare(self, batch: Batch) -> None:
        self.call("prepare", self._egress.prepare(batch))

    def written(self) -> int | None:
        last: int | None = self.call("written", self._egress.written())
        return last

    def close(self) -> None:
        self.call("close", self._egress.close())


class IngressCalls(Calls):
    """The methods of one ingress; its messages are read by one task, as core reads them."""

    def __init__(self, ingress: BaseIngress, limit_s: float) -> None:
        super().__init__(limit_s)
        self.from_snapshot: list[Message] = []
        self._ingress = ingress
        self._arrived: SimpleQueue[Message | Exception] = SimpleQueue()
        self._queue = _PassOn(self._arrived)
        self._reading: Any = None
        self._ended = Flag()

    def open(self, run: RunInfo, *, snapshot: bool = True) -> None:
        """Open it, take its snapshot, and begin to read.

        Args:
            run: What it is told.
            snapshot: False for an ingress that is opened again within one run: it is not asked a second time.
        """
        self.call("open", self._ingress.open(run))
        if snapshot:
            found = self.call("snapshot", self._ingress.snapshot())
            self.from_snapshot = [_as_message(one) for one in found]
        self._ended.clear()
        self._reading = self._io.start(self._read())

    def take(self, count: int) -> list[Message]:
        """Return the next ``count`` messages; fail when they do not come within the limit."""
        taken: list[Message] = []
        while len(taken) < count:
            try:
                message = self._arrived.get(timeout=self.limit_s)
            except Empty:
                pytest.fail(f"{len(taken)} of {count} messages came within {self.limit_s:g} s.")
            if isinstance(message, Exception):
                raise message
            taken.append(message)
        return taken

    def applied(self, position: Mapping[str, Any]) -> None:
        self.call("applied", self._ingress.applied(position))

    def something_arrives(self, within_s: float) -> bool:
        """Wait for a message, take it, and return whether there was one."""
        try:
            return self._arrived.get(timeout=within_s) is not None
        except Empty:
            return False

    def stop_reading(self) -> bool:
        """Cancel the task that reads; return whether it has ended within the limit."""
        if self._reading is None:
            return True
        self._reading.cancel()
        self._reading = None
        return self._ended.wait(self.limit_s)

    def close(self) -> None:
        self.stop_reading()
        self.call("close", self._ingress.close())

    async def _read(self) -> None:
        try:
            if type(self._ingress).run is not BaseIngress.run:
                await self._ingress.run(self._queue)
                return
            async for message in self._ingress.messages():
                self._arrived.put(_as_message(message))
        except Exception as error:  # noqa: BLE001 - raised again in `take`
            self._arrived.put(error)
        finally:
            self._ended.set()


class _PassOn(Queue[Any]):
    """The queue of ``run(queue)``."""

    def __init__(self, arrived: SimpleQueue[Message | Exception]) -> None:
        super().__init__()
        self._arrived = arrived

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        self._arrived.put(_as_message(item))


def _as_message(found: Any) -> Message:
    return found if isinstance(found, Message) else Message(found)
