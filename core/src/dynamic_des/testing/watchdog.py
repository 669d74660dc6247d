"""Whether a connector blocks the event loop that it shares with all others."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.testing.waiting import wait_until

if TYPE_CHECKING:
    from dynamic_des.messages import RunInfo

__all__ = ["Watchdog"]

_TICK_S = 0.005


class Watchdog(BaseEgress):
    """A sink that takes everything, and measures for how long the loop it lives on did nothing for it.

    Attributes:
        longest_block_s: Longest time by which a tick was late, in wall seconds.
        late_s: By how much all ticks together were late, in wall seconds.
        ticks: How many ticks there were.
    """

    def __init__(self) -> None:
        self.longest_block_s = 0.0
        self.late_s = 0.0
        self.ticks = 0
        self._task: asyncio.Task[None] | None = None

    def await_ticks(self, count: int, limit_s: float) -> None:
        """Wait for so many ticks more, or until they are late by half a second in all; from any thread."""
        until, late = self.ticks + count, self.late_s + 0.5
        wait_until(lambda: self.ticks >= until or self.late_s > late, limit_s)

    async def open(self, run: RunInfo) -> None:  # noqa: ARG002
        self._task = asyncio.create_task(self._watch())

    async def write(self, batch: Batch) -> None:
        pass

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            due = monotonic() + _TICK_S
            try:
                await asyncio.sleep(_TICK_S)
            finally:  # also when it is cancelled: the block may be the last thing that happens
                late_s = max(0.0, monotonic() - due)
                self.late_s += late_s
                self.longest_block_s = max(self.longest_block_s, late_s)
            self.ticks += 1
