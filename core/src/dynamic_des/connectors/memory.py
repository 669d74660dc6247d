"""Connectors that live in memory, for tests."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dynamic_des.messages import RunInfo

__all__ = ["MemoryEgress", "MemoryIngress"]


class MemoryIngress(BaseIngress):
    """Brings in what a test sends.

    Attributes:
        settled: How many messages, from the first on, have been settled.
    """

    def __init__(self) -> None:
        self.settled = 0
        self._waiting: deque[Any] = deque()
        self._sent = 0
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None

    def send(self, payload: Any) -> None:
        """Send one message, from any thread: ``(path, value)``, a dictionary, a list, JSON text or bytes."""
        self._waiting.append(payload)
        self._ring()

    def end(self) -> None:
        """Let the source end after what was sent, from any thread."""
        self._ended = True
        self._ring()

    async def open(self, run: RunInfo) -> None:  # noqa: ARG002
        """Begin to listen."""
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what was sent."""
        assert self._wake is not None
        while True:
            while self._waiting:
                self._sent += 1
                yield Message(self._waiting.popleft(), {"memory": self._sent}, {"message": self._sent})
            if self._ended:
                return
            await self._wake.wait()
            self._wake.clear()

    async def applied(self, position: Mapping[str, Any]) -> None:
        """Remember how far it got."""
        self.settled = position["memory"]

    def _ring(self) -> None:
        if self._loop is not None and self._wake is not None:
            with suppress(RuntimeError):  # the loop is closed: torn down, nobody takes it any more
                self._loop.call_soon_threadsafe(self._wake.set)


class MemoryEgress(BaseEgress):
    """Keeps every record.

    Attributes:
        records: The model's records, in order.
        system: The framework's ``system.*`` records, in order.
        batches: Size of each batch of model records, in order.
    """

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.system: list[dict[str, Any]] = []
        self.batches: list[int] = []

    async def write(self, batch: Batch) -> None:
        """Keep the batch."""
        if batch.system:
            self.system.extend(batch)
        else:
            self.records.extend(batch)
            self.batches.append(len(batch))

    @property
    def events(self) -> list[tuple[float, str, Any]]:
        """``(sim_ts, key, value)`` of the model's events."""
        return [(r["sim_ts"], r["key"], r["value"]) for r in self.records if r["stream_type"] == "event"]

    @property
    def telemetry(self) -> list[tuple[float, str, Any]]:
        """``(sim_ts, path_id, value)`` of the model's telemetry."""
        return [(r["sim_ts"], r["path_id"], r["value"]) for r in self.records if r["stream_type"] == "telemetry"]

    def system_values(self, path: str) -> list[Any]:
        """Return the values of the ``system.*`` records of one path."""
        return [r["value"] for r in self.system if r["path_id"] == path]
