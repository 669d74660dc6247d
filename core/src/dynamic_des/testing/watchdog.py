"""Whether a connector blocks the event loop that it shares with all others."""

from __future__ import annotations

import asyncio
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.testing.waiting import wait_until

if TYPE_CHECKING:
    from dynamic_des.messages import RunInfo

__all__ = ["Watchdog"]

_TICK_S = 0.005


class Watchdog(BaseEgress):
    """A sink that takes everything, and measures for how long the loop it lives on did nothing for it.

    Measured in beats of a thread that wants as little of the machine as the loop's own tick does: what a busy machine
    takes from both of them is nobody's fault.

    Attributes:
        longest_block_s: For how long the loop stood still, at most, while the thread went on, in seconds.
        blocked_s: For how long in all.
        ticks: How often the loop had a turn for this sink.
    """

    def __init__(self) -> None:
        self.longest_block_s = 0.0
        self.blocked_s = 0.0
        self.ticks = 0
        self._beats = 0
        self._ended = Flag()
        self._task: asyncio.Task[None] | None = None

    def await_ticks(self, count: int, limit_s: float) -> None:
        """Wait for so many ticks more, or until the loop was blocked for half a second in all; from any thread."""
        until, blocked = self.ticks + count, self.blocked_s + 0.5
        wait_until(lambda: self.ticks >= until or self.blocked_s > blocked, limit_s)

    async def open(self, run: RunInfo) -> None:  # noqa: ARG002
        Thread(target=self._beat, name="contract watchdog", daemon=True).start()
        self._task = asyncio.create_task(self._watch())

    async def write(self, batch: Batch) -> None:
        pass

    async def close(self) -> None:
        self._ended.set()
        if self._task is not None:
            self._task.cancel()

    def _beat(self) -> None:
        while not self._ended.wait(_TICK_S):
            self._beats += 1

    async def _watch(self) -> None:
        while True:
            due = self._beats + 1
            try:
                await asyncio.sleep(_TICK_S)
            finally:  # also when it is cancelled: the block may be the last thing that happens
                block_s = max(0, self._beats - due) * _TICK_S
                self.blocked_s += block_s
                self.longest_block_s = max(self.longest_block_s, block_s)
            self.ticks += 1
