"""A sink that fails on command."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dynamic_des.connectors.memory import MemoryEgress
from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.testing.calling import Writable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dynamic_des.messages import RunInfo

__all__ = ["FaultyEgress"]


class FaultyEgress(BaseEgress):
    """Keeps what it is given, with the faults it was asked for in between.

    Writes of the model's records are counted from 1, retries included; ``system.*`` records are written without
    faults.

    Args:
        sink: What the faults are put in front of; a `MemoryEgress` when None.
        down: How many times `open` raises before it succeeds.
        fail: Numbers of the writes that raise and write nothing.
        lose_answer: Numbers of the writes that write everything and then raise: the acknowledgement got lost.
        hang: Numbers of the writes that wait for `release` before they write.
        slow: Wall seconds that every write takes longer.
        refuse: ``seq`` of the records that are set aside.

    Attributes:
        sink: The egress behind the faults.
        opens: How many times it was opened.
        writes: How many times model records were to be written.
    """

    def __init__(
        self,
        sink: BaseEgress | None = None,
        *,
        down: int = 0,
        fail: Collection[int] = (),
        lose_answer: Collection[int] = (),
        hang: Collection[int] = (),
        slow: float = 0.0,
        refuse: Collection[int] = (),
    ) -> None:
        self.sink = MemoryEgress() if sink is None else sink
        self.opens = 0
        self.writes = 0
        self._writable = Writable(self.sink)
        self._down = down
        self._fail = frozenset(fail)
        self._lose_answer = frozenset(lose_answer)
        self._hang = frozenset(hang)
        self._slow_s = slow
        self._refuse = frozenset(refuse)
        self._released = False
        self._gate: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    @property
    def records(self) -> list[dict[str, Any]]:
        """The model's records that were written, in order.

        Raises:
            TypeError: If the sink is not the one in memory.
        """
        if not isinstance(self.sink, MemoryEgress):
            raise TypeError(f"FaultyEgress: {type(self.sink).__name__} does not show its records. Read it back itself.")
        return self.sink.records

    def release(self) -> None:
        """Let the writes that hang go on, and hang no more; from any thread."""
        self._released = True
        if self._gate is not None:
            loop, gate = self._gate
            with suppress(RuntimeError):  # the loop is closed: nothing hangs any more
                loop.call_soon_threadsafe(gate.set)

    async def open(self, run: RunInfo) -> None:
        """Open the sink, or raise ConnectionError."""
        self.opens += 1
        if self.opens <= self._down:
            raise ConnectionError(f"FaultyEgress: down at opening {self.opens} of {self._down}, as asked for")
        self._gate = (asyncio.get_running_loop(), asyncio.Event())
        await self._writable.open(run)

    async def prepare(self, batch: Batch) -> None:
        """Let the sink prepare it."""
        await self._writable.prepare(batch)

    async def write(self, batch: Batch) -> Iterable[tuple[int, str]] | None:
        """Write to the sink, with the faults of this write."""
        if batch.system:
            return await self._writable.write(batch)
        self.writes += 1
        number = self.writes
        if number in self._hang and not self._released:
            assert self._gate is not None
            await self._gate[1].wait()
        if self._slow_s:
            await asyncio.sleep(self._slow_s)
        if number in self._fail:
            raise ConnectionError(f"FaultyEgress: write {number} fails, as asked for")
        aside = await self._write_but_refused(batch)
        if number in self._lose_answer:
            raise ConnectionError(f"FaultyEgress: the acknowledgement of write {number} is lost, as asked for")
        return aside

    async def written(self) -> int | None:
        """Ask the sink."""
        return await self._writable.written()

    async def close(self) -> None:
        """Close the sink."""
        await self._writable.close()

    async def _write_but_refused(self, batch: Batch) -> list[tuple[int, str]]:
        refused = [(r["seq"], "FaultyEgress: set aside, as asked for") for r in batch if r["seq"] in self._refuse]
        if not refused:
            return list(await self._writable.write(batch) or ())
        rest = Batch([r for r in batch if r["seq"] not in self._refuse], dict)
        aside = list(await self._writable.write(rest) or ()) if rest else []
        return [*refused, *rest.refused, *aside]
