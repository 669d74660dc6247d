"""One destination of dead letters, driven like any sink, and filled by sources and sinks."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.letter_file import LetterFile
from dynamic_des.bridge.letters import of_record
from dynamic_des.bridge.sink import Sink
from dynamic_des.bridge.sink_options import SinkOptions
from dynamic_des.egress import BaseEgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_des.bridge.letters import Destination, Letter
    from dynamic_des.egress import Batch
    from dynamic_des.messages import RunInfo
    from dynamic_des.sim.records import Record

__all__ = ["LETTERS", "DeadLetters", "egress_of"]

log = logging.getLogger("dynamic_des")

LETTERS = 1000  # letters that wait before who brings them has to wait
_BYTES = 1 << 26  # and bytes of payloads
_OPTIONS = SinkOptions(batch_size=100, flush_interval=0, on_full="block", outbox_size=1 << 40)


def egress_of(destination: Destination) -> tuple[str, BaseEgress]:
    """Return what writes dead letters to a destination, and what it is called."""
    if isinstance(destination, BaseEgress):
        return f"dead_letters:{type(destination).__name__}", destination
    return f"dead_letters:{Path(destination).name}", LetterFile(destination)


class DeadLetters:
    """Takes letters from any thread, and tells what became of each.

    What waits is bounded because who brings letters looks at `full` first: a source that brings nothing more, a sink
    that writes nothing more until there is room. A letter that the destination itself refuses is said, counted and
    gone: there are no letters about letters.

    Attributes:
        destination: Where they go, as it was given.
        sink: What writes them.
    """

    def __init__(self, destination: Destination, *, run: RunInfo, loop: asyncio.AbstractEventLoop) -> None:
        self.destination = destination
        name, egress = egress_of(destination)
        # numbers start again with each run, and differ from the model's: not to be taken for what a sink has already
        run = replace(run, name=f"{run.name}/dead-letters/{run.run_id}")
        self.sink = _LetterSink(egress, name, run=run, loop=loop, letters=self)
        self._loop = loop
        self._lock = Lock()
        self._seq = 0
        self._bytes = 0
        self._waiting: dict[int, Letter] = {}
        self._eased = asyncio.Event()
        self._losing = False

    @property
    def failed(self) -> bool:
        """Whether the destination has failed for good: what is put is only counted."""
        return self.sink.state == "failed"

    @property
    def full(self) -> bool:
        """Whether nothing more should be put for now."""
        return not self.failed and (len(self._waiting) >= LETTERS or self._bytes >= _BYTES)

    def is_at(self, destination: Destination) -> bool:
        """Return whether this is the place that is meant."""
        if isinstance(destination, BaseEgress) or isinstance(self.destination, BaseEgress):
            return destination is self.destination
        return Path(destination).resolve() == Path(self.destination).resolve()

    def put(self, letter: Letter) -> None:
        """Add a letter, from any thread. Never waits."""
        with self._lock:  # numbers and places in the outbox are given in the same order
            self._seq += 1
            letter.seq = self._seq
            if not self.failed:
                self._waiting[letter.seq] = letter
                self._bytes += letter.size
            self.sink.outbox.put([(letter.seq, letter.sim_ts, True, letter.name, letter)])

    async def put_records(self, sink: Sink, batch: Batch, aside: Mapping[int, str]) -> None:
        """Add the records of a batch that a sink has set aside; wait for room. On the I/O loop."""

        def told(reason: str | None) -> None:
            sink.dead_lettered += reason is None and not batch.system

        number = "sys_seq" if batch.system else "seq"
        for record in batch:
            if record[number] in aside:
                await self.room()
                self.put(of_record(sink.name, record, aside[record[number]], told))

    async def room(self) -> None:
        """Wait while it is full. On the I/O loop."""
        while self.full:
            self._eased.clear()
            await self._eased.wait()

    def ended(self) -> None:
        """The sink has ended: nobody waits for room any more. On the I/O loop."""
        if self.failed:
            with self._lock:
                self._waiting.clear()
                self._bytes = 0
            log.error("%s: failed, so what can go nowhere else is lost: %s", self.sink.name, self.sink.reason)
        self._eased.set()

    def dealt_with(self, batch: Batch, aside: Mapping[int, str]) -> None:
        """A batch is off the sink's books. On the I/O loop."""
        for record in batch:
            with self._lock:
                letter = self._waiting.pop(record["seq"])
                self._bytes -= letter.size
            reason = aside.get(letter.seq)
            letter.told(reason)
            if reason is not None and not self._losing:  # once per change of state; the counts have every single one
                log.error("%s: a letter of %s cannot be written and is lost: %s", self.sink.name, letter.name, reason)
            self._losing = reason is not None
        self._eased.set()


class _LetterSink(Sink):
    """Writes letters at once: sources wait with their acknowledgement."""

    def __init__(
        self,
        egress: BaseEgress,
        name: str,
        *,
        run: RunInfo,
        loop: asyncio.AbstractEventLoop,
        letters: DeadLetters,
    ) -> None:
        super().__init__(egress, name, _OPTIONS, run=run, build=_payload_of, patient=False, loop=loop)
        self._letters_of = letters

    async def drive(self) -> None:
        """Write what comes, until closed."""
        try:
            await super().drive()
        finally:
            self._letters_of.ended()

    async def _deliver(self, batch: Batch) -> dict[int, str]:
        aside = await super()._deliver(batch)
        self._letters_of.dealt_with(batch, aside)
        return aside


def _payload_of(record: Record) -> dict[str, Any]:
    letter: Letter = record[4]
    return letter.payload()
