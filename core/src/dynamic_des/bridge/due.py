"""Which of the records that wait for a sink make a batch, and when."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.outbox import Outbox
from dynamic_des.bridge.sink_options import USUAL_FLUSH_INTERVAL
from dynamic_des.egress import Batch
from dynamic_des.sim.records import system_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dynamic_des.bridge.sink_options import SinkOptions

__all__ = ["DueBatches"]


class DueBatches:
    """What waits for one sink, in batches.

    A batch is due when it is full, when its first record has waited for the flush interval, or when a flush is asked
    for; at factor 0 the interval is one of simulation time, and counts only where it was given.

    Args:
        name: The egress's name.
        options: What the sink was set up with.
        patient: Whether only full batches are wanted, and the rest at the end: at factor 0.
        build: Makes the payload of a record.
        loop: The I/O loop, on which batches are taken.

    Attributes:
        outbox: The records that wait.
        counts_simulation_time: Whether the flush interval is one of simulation time.
    """

    def __init__(
        self,
        name: str,
        options: SinkOptions,
        *,
        patient: bool,
        build: Callable[[Any], dict[str, Any]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.counts_simulation_time = patient and options.flush_interval is not USUAL_FLUSH_INTERVAL
        self._batch_size = min(options.batch_size, options.outbox_size)
        self._flush_interval_s = options.flush_interval
        self._patient = patient
        self._build = build
        self._loop = loop
        self._news = asyncio.Event()
        self._announced = False
        self._flushes_asked = 0  # counted by who asks, so that none is overlooked between two looks
        self._flushes_done = 0
        self._finishing = False
        self._first_waits_since: float | None = None
        self.outbox = Outbox(
            name,
            options.outbox_size,
            options.on_full or ("block" if patient else "spill"),
            batch_size=self._batch_size,
            wake=self._wake,
            spill_dir=options.spill_dir,
            spill_limit=options.spill_limit,
            span=options.flush_interval if self.counts_simulation_time else None,
        )

    @property
    def over(self) -> bool:
        """Whether nothing waits, and nothing more will come."""
        return self._finishing and self.outbox.empty

    def flush(self) -> None:
        """Let everything that waits be due now, full batch or not; from any thread."""
        self._flushes_asked += 1
        self._wake()

    def finish(self) -> None:
        """Let everything be due from now on: nothing more will come; from any thread."""
        self._finishing = True
        self._wake()

    def batches(self) -> Iterator[Batch]:
        """Yield the batches that are due: of what waits now, so that neither kind of record starves the other."""
        outbox, size = self.outbox, self._batch_size
        asked = self._flushes_asked
        flush = self._flushing
        if not outbox.on_disk:  # what comes from there is to be flushed too
            self._flushes_done = asked
        overdue = self._first_waits_since is not None and not self._patient and self._left_s() <= 0
        if overdue or outbox.empty:
            self._first_waits_since = None
        model, system = len(outbox), outbox.system_waiting
        while model >= size or (model > 0 and (flush or overdue or outbox.due_by_span)):
            raw = outbox.take(size)
            model -= max(len(raw), 1)  # none, where the outbox has dropped them meanwhile
            if raw:
                yield Batch(raw, self._build)
        while system >= size or (system > 0 and (flush or overdue)):
            system -= size
            yield Batch(outbox.take_system(size), system_payload, system=True)

    async def wait(self) -> None:
        """Wait for a batch that is due."""
        outbox = self.outbox
        if self._flushing and (len(outbox) or outbox.system_waiting or not outbox.on_disk):
            return
        timeout = None
        if (len(outbox) or outbox.system_waiting) and not self._patient:
            if self._first_waits_since is None:  # also when a batch is full: the other kind of record may wait
                self._first_waits_since = monotonic()
            timeout = max(0.0, self._left_s())
        if max(outbox.system_waiting, len(outbox)) >= self._batch_size or outbox.due_by_span:
            return
        try:
            async with asyncio.timeout(timeout):  # wait_for may swallow a cancellation (Python 3.11)
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()
        self._announced = False

    @property
    def _flushing(self) -> bool:
        return self._finishing or self._flushes_asked > self._flushes_done

    def _left_s(self) -> float:
        """Return for how long the first record that waits may do so."""
        since = self._first_waits_since
        return 0.0 if since is None else since + self._flush_interval_s - monotonic()

    def _wake(self) -> None:
        if not self._announced:
            self._announced = True
            with suppress(RuntimeError):  # the loop is closed: torn down
                self._loop.call_soon_threadsafe(self._news.set)
