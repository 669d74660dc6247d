"""One egress at work: opened, written to, retried, drained."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.backoff import Backoff
from dynamic_des.bridge.condition import AT_WORK, Condition, State
from dynamic_des.bridge.due import DueBatches
from dynamic_des.bridge.loop import cancel, contained
from dynamic_des.bridge.queue_form import QueueEgress
from dynamic_des.bridge.report import SinkReport
from dynamic_des.bridge.worker import Worker
from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import ConfigError, PermanentError, UnavailableError, show, told, told_by_connector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dynamic_des.bridge.dead_letters import DeadLetters
    from dynamic_des.bridge.sink_options import SinkOptions
    from dynamic_des.messages import RunInfo

__all__ = ["Sink"]

log = logging.getLogger("dynamic_des.egress")

PATIENCE_S = 5.0  # how long a connector may take to stop, and to close


class Sink:
    """Drives one egress on the I/O loop.

    Attributes:
        name: The egress's name.
        egress: The egress.
        condition: How it fares.
        written: Model records written.
        retried: Failed attempts that were followed by another.
        set_aside: Model records that can never be written.
        dead_lettered: How many of those are in the dead letters.
        filtered: Model records that ``when`` kept from it.
        nulled: NaN and infinite numbers that were written as null.
        worker: The thread for what blocks.
        undrained: How it stood when a drain ended before everything was written (else None), and when that was.
        system_written: System records written.
        system_set_aside: System records that can never be written.
    """

    def __init__(
        self,
        egress: BaseEgress,
        name: str,
        options: SinkOptions,
        *,
        run: RunInfo,
        build: Callable[[Any], dict[str, Any]],
        patient: bool,
        loop: asyncio.AbstractEventLoop,
        letters: DeadLetters | None = None,
    ) -> None:
        self.name = name
        self.condition = Condition("egress", name)
        self.written = 0
        self.retried = 0
        self.set_aside = 0
        self.nulled = 0
        self.filtered = 0
        self.dead_lettered = 0
        self.system_written = 0
        self.system_set_aside = 0
        self.options = options
        self._due = DueBatches(name, options, patient=patient, build=build, loop=loop)
        self.outbox = self._due.outbox
        self.egress = egress
        self._egress = _connector(egress)
        self._letters = letters
        self._run = run
        self._task: asyncio.Task[Any] | None = None
        self.worker = Worker(f"write {name}")
        write = self._egress.write
        self._blocking = not (inspect.iscoroutinefunction(write) or inspect.isasyncgenfunction(write))
        if self._blocking:
            self.worker.start()
        overridden = type(self._egress).prepare is not BaseEgress.prepare
        self._prepares = overridden and not self._blocking and options.when is None
        self.undrained: tuple[tuple[int, ...] | None, float] = (None, 0.0)

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.condition.state

    @property
    def reason(self) -> str | None:
        """Why it is not up, or None."""
        return self.condition.reason

    @property
    def counts_simulation_time(self) -> bool:
        """Whether its flush interval is one of simulation time."""
        return self._due.counts_simulation_time

    @property
    def idle(self) -> bool:
        """Whether nothing waits, or nothing that waits can ever be written."""
        return self.outbox.empty or self.state == "failed"

    @property
    def needs_no_wait(self) -> bool:
        """Whether waiting for it would bring nothing but news about itself."""
        return self.idle or (self.reason is not None and not self.outbox.waiting)

    @property
    def standing(self) -> tuple[int, ...]:
        """What became of its records so far: the same as long as nothing comes and nothing goes."""
        return (self.written, self.set_aside, self.filtered, self.outbox.dropped, self.outbox.waiting)

    def report(self) -> SinkReport:
        """Return what became of the records so far."""
        return SinkReport(
            self.name,
            self.state,
            self.written,
            self.retried,
            self.set_aside,
            self.outbox.dropped,
            self.outbox.waiting,
            self.reason,
            filtered=self.filtered,
            dead_lettered=self.dead_lettered,
            nulled=self.nulled,
            blocked_seconds=self.condition.blocked_s,
        )

    async def drive(self) -> None:
        """Write what comes, until closed."""
        self._task = asyncio.current_task()
        AT_WORK.set(self.condition)
        try:
            await self._open()
            self._become("up", None)
            while not self._due.over:
                await self._deliver_all(self._due.batches())
                await self._due.wait()
            self._become("closed", None)
        except Exception as error:  # noqa: BLE001 - a PermanentError, or what no retry would mend
            self._become("failed", str(error) if isinstance(error, PermanentError) else told_by_connector(error))
            self.outbox.give_up()
        finally:
            await self._close()
            self.worker.stop()
            self.outbox.close()

    def flush(self) -> None:
        """Write everything that waits now, full batch or not; from any thread."""
        self._due.flush()

    def finish(self) -> None:
        """End when everything is written; from any thread."""
        self._due.finish()

    async def stop(self) -> None:
        """End now, written or not."""
        if self._task is not None:
            await cancel(self._task, PATIENCE_S)

    async def _deliver_all(self, batches: Iterator[Batch]) -> None:
        """Write batches one after the other, each prepared while the one before is written."""
        batch, ahead = next(batches, None), None
        try:
            while batch is not None:
                if self._prepares:
                    ahead = asyncio.create_task(self._prepare(batches))
                if wanted := await self._wanted(batch):
                    await self._deliver(wanted)
                    self.outbox.done(len(wanted), system=wanted.system)
                await asyncio.sleep(0)  # a write that waits for nothing leaves a turn to the others
                if ahead is None:
                    batch = next(batches, None)
                else:
                    await asyncio.wait([ahead])  # and not `await ahead`, which would pass a cancellation on to it alone
                    batch = ahead.result()
        finally:
            if ahead is not None and not ahead.done():
                await cancel(ahead, PATIENCE_S)

    async def _prepare(self, batches: Iterator[Batch]) -> Batch | None:
        """Take the next batch, and let the egress prepare it."""
        batch = next(batches, None)
        if batch is not None:
            with self.condition.calling("prepare"):
                try:
                    await contained(self._egress.prepare, batch)
                except Exception as error:  # noqa: BLE001 - a connector is a plugin: whatever it is, `write` says it
                    log.debug("egress %s: prepare: %s", self.name, told(error))
        return batch

    async def _wanted(self, batch: Batch) -> Batch:
        """Return what the sink's filter lets through of a batch; the rest is off the books."""
        when = self.options.when
        if when is None:
            return batch
        wanted: list[dict[str, Any]] = []
        unjudged: dict[int, str] = {}
        for payload in batch:
            try:
                if when(payload):
                    wanted.append(payload)
            except BaseException as error:  # noqa: BLE001 - a function of the user: counted, said, and only this record
                unjudged[payload[_seq_field(batch)]] = f"when: {told(error)}"
        if unjudged:
            await self._put_aside(unjudged, batch)
        if not batch.system:
            self.filtered += len(batch) - len(wanted) - len(unjudged)
        self.outbox.done(len(batch) - len(wanted), system=batch.system)
        return Batch(wanted, _same, system=batch.system)

    async def _open(self) -> None:
        """Open the egress; try again with growing pauses."""
        backoff = Backoff()
        while True:
            try:
                with self.condition.calling("open"):
                    await contained(self._egress.open, self._run)
            except PermanentError:
                raise
            except Exception as error:  # noqa: BLE001 - a connector is a plugin: counted, reported, reopened
                self._become("connecting", told_by_connector(error))
                await self._close()
                await asyncio.sleep(backoff.failed())
            else:
                self.condition.progressed()
                return

    async def _deliver(self, batch: Batch) -> dict[int, str]:
        """Write one batch, however often it takes; return what is set aside."""
        backoff = Backoff()
        while True:
            try:
                returned = await self._call_write(batch)
                break
            except PermanentError:
                raise
            except UnavailableError as error:  # the serializer's trouble: the connection itself is as good as before
                self.retried += 1
                self._become("connecting", str(error))
                await asyncio.sleep(backoff.failed())
            except Exception as error:  # noqa: BLE001 - a connector is a plugin: counted, reported, retried
                self.retried += 1
                self._become("connecting", told_by_connector(error))
                await self._close()
                await asyncio.sleep(backoff.failed())
                await self._open()
        self._become("up", None)
        self.condition.progressed()
        aside = self._aside(batch, returned)
        await self._put_aside(aside, batch)
        if batch.system:
            self.system_written += len(batch) - len(aside)
        else:
            self.written += len(batch) - len(aside)
            self._count_nulled(batch)
        return aside

    async def _put_aside(self, aside: dict[int, str], batch: Batch) -> None:
        """Say, hand on and count the records of a batch that can never be written."""
        if aside:
            seq, reason = next(iter(aside.items()))
            first = f"{_seq_field(batch)} {seq}: {reason}"
            self.condition.trouble("set aside", f"{len(aside)} of {len(batch)} records set aside; {first}")
            if self._letters is not None:
                await self._letters.put_records(self, batch, aside)
        else:
            self.condition.trouble_over("set aside")
        # counted when it is off the books at the same moment: while the letters have no room it waits
        if batch.system:
            self.system_set_aside += len(aside)
        else:
            self.set_aside += len(aside)

    def _count_nulled(self, batch: Batch) -> None:
        if batch.nulled:
            self.nulled += sum(batch.nulled.values())
            first = f"seq {next(iter(batch.nulled))}"
            self.condition.trouble("nulled", f"NaN and infinities are written as null, first in {first}")

    def _aside(self, batch: Batch, returned: Any) -> dict[int, str]:
        """Return the records of the batch that are set aside: seq → reason."""
        aside = dict(batch.refused)
        if returned is None:
            return aside
        try:
            named = [(seq, str(reason)) for seq, reason in returned]
            known = set(batch.numbers) if named else ()
            aside.update((seq, reason) for seq, reason in named if seq in known)
        except (TypeError, ValueError):
            remedy = "Return None, or the (seq, reason) of what is set aside."
            self.condition.trouble("returned", f"write returned {show(returned)}; taken as None. {remedy}")
        return aside

    async def _call_write(self, batch: Batch) -> Any:
        with self.condition.calling("write"):
            if not self._blocking:
                return await contained(self._egress.write, batch)
            returned: Any = await self.worker.call(self._write_out, batch)
            return await contained(_same, returned)  # which may be a coroutine all the same

    def _write_out(self, batch: Batch) -> Any:
        """Write in the thread for what blocks, also what a generator does only when it is asked for what it yields."""
        returned = self._egress.write(batch)
        return list(returned) if inspect.isgenerator(returned) else returned

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await contained(self._egress.close)
        except Exception as error:  # noqa: BLE001 - a connector is a plugin: whatever it is, it is closed
            log.debug("egress %s: close: %s", self.name, told(error))

    def _become(self, state: State, reason: str | None) -> None:
        self.condition.become(state, reason, note=f" ({self.outbox.waiting} records wait)")


def _seq_field(batch: Batch) -> str:
    return "sys_seq" if batch.system else "seq"


def _same(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


def _connector(egress: BaseEgress) -> BaseEgress:
    """Return an egress that core can write to, whichever form it was written in."""
    kind = type(egress)
    if kind.write is not BaseEgress.write:
        return egress
    if kind.run is not BaseEgress.run:
        return QueueEgress(egress)
    raise ConfigError(
        f"{kind.__name__}: overrides neither write nor run, so nothing can be written. "
        "Write `async def write(self, batch)`."
    )
