"""Which messages are settled, and how far a source may be acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.backoff import Backoff
from dynamic_des.bridge.condition import AT_WORK
from dynamic_des.bridge.loop import cancel, contained
from dynamic_des.errors import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_des.bridge.condition import Condition
    from dynamic_des.ingress import BaseIngress

__all__ = ["Settling"]

log = logging.getLogger("dynamic_des.ingress")


class _Entry:
    __slots__ = ("position", "settled", "since")

    def __init__(self, position: Mapping[str, Any]) -> None:
        self.position = position
        self.settled = False
        self.since = monotonic()


class Settling:
    """Follows the messages of one ingress from the inbox to their outcome.

    A part's position is acknowledged only up to the first message of that part that is not settled yet: a change
    with a later simulation time holds back what came after it in its part, and nothing else. While the ingress is
    not connected, what is settled is kept for the next connection.

    Attributes:
        waiting: How many messages are not settled.
    """

    def __init__(self, ingress: BaseIngress, condition: Condition, loop: asyncio.AbstractEventLoop) -> None:
        self.waiting = 0
        self._ingress = ingress
        self._condition = condition
        self._loop = loop
        self._line: deque[_Entry] = deque()  # all that are not settled, and some that are
        self._parts: dict[str, deque[_Entry]] = {}
        self._settled: deque[_Entry] = deque()
        self._announced = False
        self._progress = asyncio.Event()
        self._positions: dict[str, Any] = {}
        self._connected = False
        self._acknowledging: asyncio.Task[None] | None = None

    def expect(self, position: Mapping[str, Any]) -> _Entry:
        """Note a message that goes into the inbox. On the I/O loop."""
        entry = _Entry(position)
        self.waiting += 1
        self._line.append(entry)
        for part in position:
            self._parts.setdefault(part, deque()).append(entry)
        return entry

    def settle(self, entry: _Entry) -> None:
        """Note that a message's outcome is final. From the simulation thread; costs it next to nothing."""
        self._settled.append(entry)
        if not self._announced:
            self._announced = True
            with suppress(RuntimeError):  # the loop is closed: torn down, nobody left to acknowledge to
                self._loop.call_soon_threadsafe(self._collect)

    def oldest_s(self) -> float:
        """Return for how long the oldest message has not been settled, in seconds; 0 when all are. From any thread."""
        try:
            return max(0.0, monotonic() - self._line[0].since)
        except IndexError:
            return 0.0

    async def progress(self) -> None:
        """Wait until something more is settled, or for a moment (what waits for its time settles much later)."""
        self._progress.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02):  # wait_for may swallow a cancellation (Python 3.11)
                await self._progress.wait()

    def connect(self) -> None:
        """The ingress is open: acknowledge from now on, beginning with what was settled meanwhile."""
        self._connected = True
        self._collect()

    async def disconnect(self) -> None:
        """The connection is lost or about to be closed: keep what is not acknowledged for the next one."""
        self._connected = False
        task, self._acknowledging = self._acknowledging, None
        if task is not None:
            await cancel(task, 1.0)  # it may hang on the lost connection, and would hinder the next one

    async def flush(self, timeout_s: float) -> None:
        """Acknowledge everything that is settled by now; give up, and say so, after ``timeout_s`` wall seconds."""
        self._collect()
        if self._acknowledging is not None:
            await asyncio.wait([self._acknowledging], timeout=timeout_s)
            if not self._acknowledging.done():
                log.error("%s: did not take the acknowledgement within %g s", self._condition, timeout_s)

    def _collect(self) -> None:
        self._announced = False
        while self._settled:
            entry = self._settled.popleft()
            entry.settled = True
            self.waiting -= 1
            for part in entry.position:
                line = self._parts[part]
                while line and line[0].settled:
                    self._positions[part] = line.popleft().position[part]
        while self._line and self._line[0].settled:
            self._line.popleft()
        self._progress.set()
        idle = self._acknowledging is None or self._acknowledging.done()
        if self._positions and self._connected and idle:
            self._acknowledging = self._loop.create_task(self._acknowledge())

    async def _acknowledge(self) -> None:
        AT_WORK.set(self._condition)
        backoff = Backoff()
        while self._positions:
            positions, self._positions = self._positions, {}
            try:
                with self._condition.calling("applied"):
                    await contained(self._ingress.applied, positions)
                backoff.succeeded()
                self._condition.progressed()
                self._condition.trouble_over("acknowledging")
            except asyncio.CancelledError:
                self._positions = {**positions, **self._positions}
                raise
            except Exception as error:  # noqa: BLE001 - a connector is a plugin: said, and tried again
                self._positions = {**positions, **self._positions}
                self._condition.trouble("acknowledging", f"{positions} was not acknowledged, will be: {told(error)}")
                await asyncio.sleep(backoff.failed())
