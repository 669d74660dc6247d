"""One egress at work: opened, written to, retried, drained."""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from dynamic_des.bridge.backoff import Backoff
from dynamic_des.bridge.loop import cancel
from dynamic_des.bridge.outbox import OnFull, Outbox
from dynamic_des.bridge.queue_form import QueueEgress
from dynamic_des.bridge.report import SinkReport
from dynamic_des.bridge.worker import Worker
from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import ConfigError, PermanentError, UnavailableError, show
from dynamic_des.sim.records import system_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dynamic_des.messages import RunInfo

__all__ = ["Sink", "SinkOptions"]

log = logging.getLogger("dynamic_des.egress")

PATIENCE_S = 5.0  # how long a connector may take to stop, and to close
SinkState = Literal["connecting", "up", "failed", "closed"]


@dataclass(frozen=True)
class SinkOptions:
    """What core itself does for an egress.

    Attributes:
        batch_size: Most records in one ``write``.
        flush_interval: In real time: wall seconds after which fewer are written. At ``factor=0`` batches are
            full, and the rest is written when the run ends.
        on_full: What a publish does when `outbox_size` records wait: ``"block"`` waits for room,
            ``"drop_oldest"`` drops and counts.
        outbox_size: How many records may wait.
        drain_timeout: How long, in wall seconds, the end of a run waits for the sink to take what is left.
    """

    batch_size: int = 500
    flush_interval: float = 1.0
    on_full: OnFull = "block"
    outbox_size: int = 100_000
    drain_timeout: float = 30.0

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("outbox_size", 1), ("flush_interval", 0), ("drain_timeout", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
                raise ConfigError(f"setup_egress: {name} is {show(value)}. Give a number of at least {least}.")
            if least and not isinstance(value, int):
                raise ConfigError(f"setup_egress: {name} is {show(value)}. Give a whole number.")
        if self.on_full not in ("block", "drop_oldest"):
            raise ConfigError(f"setup_egress: on_full is {show(self.on_full)}. Give 'block' or 'drop_oldest'.")


class Sink:
    """Drives one egress on the I/O loop.

    Attributes:
        name: The egress's name.
        state: Where it stands.
        reason: Why it is not up, or None.
        written: Model records written.
        retried: Failed attempts that were followed by another.
        set_aside: Model records that can never be written.
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
    ) -> None:
        self.name = name
        self.state: SinkState = "connecting"
        self.reason: str | None = None
        self.written = 0
        self.retried = 0
        self.set_aside = 0
        self.system_written = 0
        self.system_set_aside = 0
        self.options = options
        self._batch_size = size = min(options.batch_size, options.outbox_size)
        self.outbox = Outbox(name, options.outbox_size, options.on_full, size, self._wake_from_anywhere)
        self._egress = _connector(egress)
        self._run = run
        self._build = build
        self._patient = patient  # full batches only: at factor 0
        self._loop = loop
        self._wake = asyncio.Event()
        self._announced = False
        self._flushes_asked = 0  # counted by who asks, so that none is overlooked between two looks
        self._flushes_done = 0
        self._closing = False
        self._setting_aside = False
        self._task: asyncio.Task[Any] | None = None
        self._worker = Worker(f"write {name}")
        self._blocking = not inspect.iscoroutinefunction(self._egress.write)
        if self._blocking:
            self._worker.start()
        self._first_waits_since: float | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits, or nothing that waits can ever be written."""
        return self.outbox.empty or self.state == "failed"

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
        )

    async def drive(self) -> None:
        """Write what comes, until closed."""
        self._task = asyncio.current_task()
        try:
            await self._open()
            self._become("up", None)
            while not (self._closing and self.outbox.empty):
                for batch in self._next_batches():
                    await self._deliver(batch)
                    self.outbox.done(len(batch), system=batch.system)
                await self._wait()
            self._become("closed", None)
        except Exception as error:  # noqa: BLE001 - a PermanentError, or what no retry would mend
            self._become("failed", str(error) if isinstance(error, PermanentError) else _text(error))
            self.outbox.give_up()
        finally:
            await self._close()
            self._worker.stop()

    def flush(self) -> None:
        """Write everything that waits now, full batch or not; from any thread."""
        self._flushes_asked += 1
        self._wake_from_anywhere()

    def finish(self) -> None:
        """End when everything is written; from any thread."""
        self._closing = True
        self._wake_from_anywhere()

    async def stop(self) -> None:
        """End now, written or not."""
        if self._task is not None:
            await cancel(self._task, PATIENCE_S)

    def _next_batches(self) -> Iterator[Batch]:
        """Yield the batches that are due: of what waits now, so that neither kind of record starves the other."""
        outbox, size = self.outbox, self._batch_size
        asked = self._flushes_asked
        flush, self._flushes_done = self._closing or asked > self._flushes_done, asked
        overdue = self._first_waits_since is not None and not self._patient and self._timeout() <= 0
        if overdue or outbox.empty:
            self._first_waits_since = None
        model, system = len(outbox), outbox.system_waiting
        while model >= size or (model > 0 and (flush or overdue)):
            raw = outbox.take(size)
            model -= size
            if raw:
                yield Batch(raw, self._build)
        while system >= size or (system > 0 and (flush or overdue)):
            system -= size
            yield Batch(outbox.take_system(size), system_payload, system=True)

    def _timeout(self) -> float:
        since = self._first_waits_since
        return 0.0 if since is None else since + self.options.flush_interval - monotonic()

    async def _wait(self) -> None:
        """Wait for something to write: a full batch, the end of the flush interval, a flush."""
        outbox = self.outbox
        if self._closing or self._flushes_asked > self._flushes_done:
            return
        if max(outbox.system_waiting, len(outbox)) >= self._batch_size:
            return
        timeout = None
        if (len(outbox) or outbox.system_waiting) and not self._patient:
            if self._first_waits_since is None:
                self._first_waits_since = monotonic()
            timeout = max(0.0, self._timeout())
        try:
            async with asyncio.timeout(timeout):  # wait_for may swallow a cancellation (Python 3.11)
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
        self._announced = False

    async def _open(self) -> None:
        """Open the egress; try again with growing pauses."""
        backoff = Backoff()
        while True:
            try:
                await self._egress.open(self._run)
            except PermanentError:
                raise
            except Exception as error:  # noqa: BLE001 - a connector is a plugin: counted, reported, reopened
                self._become("connecting", _text(error))
                await self._close()
                await asyncio.sleep(backoff.failed())
            else:
                return

    async def _deliver(self, batch: Batch) -> None:
        """Write one batch, however often it takes."""
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
                self._become("connecting", _text(error))
                await self._close()
                await asyncio.sleep(backoff.failed())
                await self._open()
        self._become("up", None)
        aside = self._aside(batch, returned)
        if batch.system:
            self.system_written += len(batch) - len(aside)
            self.system_set_aside += len(aside)
        else:
            self.written += len(batch) - len(aside)
            self.set_aside += len(aside)
        if aside and not self._setting_aside:  # once per change of state; the counts have every single one
            seq, reason = next(iter(aside.items()))
            first = f"{_seq_field(batch)} {seq}: {reason}"
            log.warning("egress %s: %d of %d records set aside; %s", self.name, len(aside), len(batch), first)
        self._setting_aside = bool(aside)

    def _aside(self, batch: Batch, returned: Any) -> dict[int, str]:
        """Return the records of the batch that are set aside: seq → reason."""
        aside = dict(batch.refused)
        if returned is None:
            return aside
        try:
            known = {record[_seq_field(batch)] for record in batch}
            aside.update((seq, str(reason)) for seq, reason in returned if seq in known)
        except (TypeError, ValueError):
            log.warning(
                "egress %s: write returned %s; taken as None. Return None, or the (seq, reason) of what is set aside.",
                self.name,
                show(returned),
            )
        return aside

    async def _call_write(self, batch: Batch) -> Any:
        if not self._blocking:
            return await self._egress.write(batch)
        returned: Any = await self._worker.call(self._egress.write, batch)
        return await returned if inspect.isawaitable(returned) else returned

    async def _close(self) -> None:
        try:
            await asyncio.wait_for(self._egress.close(), PATIENCE_S)
        except Exception as error:  # noqa: BLE001 - a connector is a plugin: whatever it is, it is closed
            log.debug("egress %s: close: %s", self.name, _text(error))

    def _become(self, state: SinkState, reason: str | None) -> None:
        if (state, reason) == (self.state, self.reason):
            return
        waiting = self.outbox.waiting
        if reason:
            log.warning("egress %s: %s: %s (%d records wait)", self.name, state, reason, waiting)
        elif self.reason:
            log.info("egress %s: %s again", self.name, state)
        self.state, self.reason = state, reason

    def _wake_from_anywhere(self) -> None:
        if not self._announced:
            self._announced = True
            with suppress(RuntimeError):  # the loop is closed: torn down
                self._loop.call_soon_threadsafe(self._wake.set)


def _seq_field(batch: Batch) -> str:
    return "sys_seq" if batch.system else "seq"


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


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
