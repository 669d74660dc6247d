"""A batch of core's on its way: encoded part by part, so that one part travels while the next is encoded."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dynamic_des_kafka.parcels import Parcels, merged

if TYPE_CHECKING:
    from dynamic_des.egress import Batch
    from dynamic_des_kafka.delivery import Identity
    from dynamic_des_kafka.packing import Packing
    from dynamic_des_kafka.routing import Routing

__all__ = ["Consignment", "Encoder"]

_AT_ONCE = 250  # records encoded without letting the loop do anything else: a fraction of a millisecond


class Consignment:
    """One batch.

    Args:
        batch: The batch.
        most: How many records go together.

    Attributes:
        batch: The batch.
        aside: What of it can never be written: number → reason.
        ready: What is encoded and not written: identity and records.
    """

    def __init__(self, batch: Batch, most: int) -> None:
        self.batch = batch
        self.aside: dict[int, str] = {}
        self.ready: deque[tuple[Identity, list[Parcels]]] = deque()
        self._most = most
        self._encoded = 0

    @property
    def last(self) -> int:
        """The number of its last record."""
        return self._number(-1)

    @property
    def to_encode(self) -> bool:
        """Whether there is more of it to encode."""
        return self._encoded < len(self.batch)

    async def encode(self, encoder: Encoder, run_id: str) -> None:
        """Encode the next part."""
        begin, end = self._encoded, min(self._encoded + self._most, len(self.batch))
        parcels, aside = await encoder.encode(self.batch, begin, end, run_id)
        self.aside.update(aside)
        self.ready.append(((self.batch.system, self._number(begin), self._number(end - 1)), parcels))
        self._encoded = end

    def _number(self, place: int) -> int:
        return self.batch.numbers[place]


class Encoder:
    """Makes parcels of records: in the loop, a few at a time, or in a thread where a serializer may block."""

    def __init__(self, routing: Routing, packing: Packing) -> None:
        self._routing = routing
        self._packing = packing
        self._thread: ThreadPoolExecutor | None = None

    async def encode(self, batch: Batch, begin: int, end: int, run_id: str) -> tuple[list[Parcels], dict[int, str]]:
        """Return what of ``batch[begin:end]`` can be written, and what never can: number → reason."""
        if self._routing.blocks:
            return await self._in_thread(batch, begin, end, run_id)
        parcels: list[Parcels] = []
        aside: dict[int, str] = {}
        for first in range(begin, end, _AT_ONCE):
            some, refused = self._work(batch, first, min(first + _AT_ONCE, end), run_id)
            parcels += some
            aside.update(refused)
            await asyncio.sleep(0)
        return merged(parcels), aside

    def close(self) -> None:
        """End the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=False)

    async def _in_thread(self, batch: Batch, begin: int, end: int, run_id: str) -> tuple[list[Parcels], dict[int, str]]:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "kafka encode")
        try:
            future = self._thread.submit(self._work, batch, begin, end, run_id)
        except RuntimeError:  # the interpreter is on its way out and starts nothing new: nobody is left to be held up
            return self._work(batch, begin, end, run_id)
        return await asyncio.wrap_future(future)

    def _work(self, batch: Batch, begin: int, end: int, run_id: str) -> tuple[list[Parcels], dict[int, str]]:
        parcels, aside = self._routing.parcels(batch, run_id, batch[begin:end])
        large: dict[int, str] = {}
        for some in parcels:
            large.update(self._packing.too_large(some))
        if large:
            parcels = [some.where(lambda seq: seq not in large) for some in parcels]
        return parcels, {**aside, **large}
