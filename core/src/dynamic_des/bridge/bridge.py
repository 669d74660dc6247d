"""All connectors of one environment, and the thread they live in."""

from __future__ import annotations

import asyncio
import atexit
import logging
from concurrent.futures import wait
from dataclasses import replace
from operator import itemgetter
from threading import Event as Flag
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.dead_letters import DeadLetters
from dynamic_des.bridge.forking import disown_in_children
from dynamic_des.bridge.loop import IoThread
from dynamic_des.bridge.monitor import Monitor
from dynamic_des.bridge.rest import at_rest
from dynamic_des.bridge.sink import PATIENCE_S, Sink
from dynamic_des.bridge.source import Source
from dynamic_des.bridge.switching import QuickSwitching
from dynamic_des.errors import ConfigError
from dynamic_des.sim.stamps import expect_many

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from dynamic_des.bridge.letters import Destination
    from dynamic_des.bridge.sink_options import SinkOptions
    from dynamic_des.bridge.source_options import SourceOptions
    from dynamic_des.egress import BaseEgress
    from dynamic_des.ingress import BaseIngress
    from dynamic_des.messages import RunInfo
    from dynamic_des.sim.records import Record, SystemRecord
    from dynamic_des.sim.steering import Steering

__all__ = ["Bridge"]

log = logging.getLogger("dynamic_des")

_IS_EVENT = itemgetter(2)
_TIME = itemgetter(1)
_HAND_OVER_S = 0.05
_BLOCKED_PATIENCE_S = 1.0
_ANOTHER_WAIT_S = 0.5


class Bridge:
    """Starts, feeds, drains and stops the connectors of one environment, at the latest when the interpreter exits.

    Attributes:
        sources: The ingresses at work.
        sinks: The egresses at work.
        dead_letters: The destinations of dead letters.
        events: How many of the records handed over are events.
        telemetry: How many are telemetry.
        monitor: Watches them.
        hurried: Whether somebody has asked twice for the end: it waits for nobody any more than a moment.
        numbering: Held while a system record is numbered and handed over: more than one thread has some to publish.
            Taken before the lock of an outbox, never after it.
    """

    def __init__(
        self,
        run: RunInfo,
        *,
        pending: list[Record],
        builder: Callable[[], Callable[[Any], Any]],
        live: bool,
        publish: Callable[[str, Any], None],
    ) -> None:
        self.sources: list[Source] = []
        self.sinks: list[Sink] = []
        self.dead_letters: list[DeadLetters] = []
        self.events = 0
        self.telemetry = 0
        self._run = run
        self._pending = pending  # what the environment has published and not handed over yet
        self._builder = builder
        self._live = live
        self._prepared = live  # in real time there is no moment for it
        self._moments = 0  # about how many different times the records have
        self._io = IoThread(f"dynamic-des {run.name}")
        self.monitor = Monitor(self._io, run.name, publish)
        self.numbering = RLock()
        self.hurried = False
        self._tasks: dict[Source | Sink, Future[Any]] = {}
        self._prompting: Future[None] | None = None
        self._switching = QuickSwitching()
        self._released = False
        self._closed = False
        self._running = False
        self._hand_over_due = False
        self._parents: list[Any] = []
        atexit.register(self.stop)
        disown_in_children(self)

    def add_source(
        self, ingress: BaseIngress, name: str, options: SourceOptions, *, steering: Steering, sim_time: float
    ) -> None:
        """Start an ingress. The simulation waits, before it goes on, until the initial snapshot is there."""
        run = replace(self._run, sim_time=sim_time, connector=name)
        letters = self._letters_to(options.dead_letters)
        source = Source(ingress, name, options, run=run, steering=steering, loop=self._io.loop, letters=letters)
        ready = Flag()
        deadline = monotonic() + options.snapshot_timeout
        needed = getattr(ingress, "needs_snapshot", False)
        steering.open_sources += 1

        def ended() -> None:
            def count_down() -> None:
                steering.open_sources -= 1

            steering.arrivals.append(count_down)
            steering.wake()

        def wait_for_snapshot() -> None:
            while not (ready.wait(0.02) or self._released):  # in slices: a signal is answered between them
                if monotonic() > deadline and not (needed and source.in_snapshot):
                    log.warning(
                        "ingress %s: no initial snapshot after %g s; time starts without it. Raise snapshot_timeout.",
                        name,
                        options.snapshot_timeout,
                    )
                    return

        self.sources.append(source)
        self.monitor.watch(source)
        self._tasks[source] = self._io.start(source.drive(ready.set, ended))
        steering.arrivals.append(wait_for_snapshot)
        steering.wake()

    def add_sink(self, egress: BaseEgress, name: str, options: SinkOptions, *, steering: Steering) -> None:
        """Start an egress. It gets what is published from now on."""
        if any(letters.destination is egress for letters in self.dead_letters):
            raise ConfigError(f"setup_egress: {name} takes dead letters already. Give another object of its class.")
        letters = self._letters_to(options.dead_letters)
        build = self._builder()  # one each: a builder remembers its last timestamp, and sinks have threads
        patient, loop, run = not self._live, self._io.loop, replace(self._run, connector=name)
        sink = Sink(egress, name, options, run=run, build=build, patient=patient, loop=loop, letters=letters)
        self._put_pending()
        self.sinks.append(sink)
        self.monitor.watch(sink)
        self._tasks[sink] = self._io.start(sink.drive())
        if sink.counts_simulation_time and self._prompting is None:
            self._prompting = self._io.start(self._prompt(steering))

    def begin(self) -> None:
        """A run begins: from now on a full outbox holds up who publishes, where that was asked for."""
        self._released = False
        self._running = True
        for sink in self.sinks:
            sink.outbox.hold()
        if self._live:
            self._switching.begin()

    def end(self) -> None:
        """A run has ended: wait until what it published is written."""
        self._running = False
        self._switching.end()
        self.drain()

    def hand_over(self) -> None:
        """Give the records that were published since the last time to every sink; wait where one is full."""
        if self._pending:
            self._put_pending()
            for sink in self.sinks:
                sink.outbox.wait_for_room()

    def put_system(self, record: SystemRecord) -> None:
        """Give a system record to every sink."""
        for sink in self.sinks:
            sink.outbox.put_system(record)

    def release(self) -> None:
        """Let publishes that wait for room through: a shutdown has been asked for. Signal-safe."""
        self._released = True
        for sink in self.sinks:
            sink.outbox.release()

    def at_rest(self, timeout_s: float = 1.0) -> AbstractContextManager[list[str]]:
        """Hold everything still while a ``with`` block lasts, so that the process can be forked (see `at_rest`)."""
        sinks = [*self.sinks, *(letters.sink for letters in self.dead_letters)]
        connectors: list[Source | Sink] = [*self.sources, *sinks]
        workers = [(connector.name, connector.worker) for connector in connectors]
        locks = [self.numbering, *(sink.outbox.lock for sink in sinks)]
        return at_rest(self._io, self.monitor, workers, locks, timeout_s=timeout_s)

    def disown(self) -> None:
        """Have no connectors any more, and nothing to stop: this is a child of the process that has them."""
        self._closed = True
        # kept: clients that are destroyed wait for threads, which are the parent's as well
        self._parents += [self.sources, self.sinks, self.dead_letters]
        self.sources, self.sinks, self.dead_letters = [], [], []

    def drain(self) -> None:
        """Wait until every sink has taken what waits for it, each up to its ``drain_timeout``."""
        self._put_pending()
        _drain(self.sinks, hurried=self.hurried)
        # afterwards: the sinks may have set something aside
        _drain([letters.sink for letters in self.dead_letters], hurried=self.hurried)

    def stop_sources(self) -> None:
        """Stop fetching: nothing more arrives after this."""
        self._finish([self._io.start(source.stop()) for source in self.sources])

    def close(self) -> None:
        """Acknowledge what is settled, end every connector, and stop the threads."""
        self.monitor.stop()
        finishing = [self._io.start(source.finish()) for source in self.sources]
        if self._prompting is not None:
            self._prompting.cancel()
        letters = [one.sink for one in self.dead_letters]
        for sinks in (self.sinks, letters):
            for sink in sinks:
                sink.finish()
                if not sink.idle or sink.reason:
                    finishing.append(self._io.start(sink.stop()))
            self._finish([*finishing, *(self._tasks[sink] for sink in sinks)])
            finishing = []
        self._io.stop()
        for sink in [*self.sinks, *letters]:
            _say_losses(sink)

    def stop(self) -> None:
        """Stop fetching, write what waits, and close. Idempotent."""
        if not self._closed:
            self._closed = True
            self._switching.end()
            atexit.unregister(self.stop)
            self.stop_sources()
            self.drain()
            self.close()

    def _finish(self, tasks: Sequence[Future[Any]]) -> None:
        """Wait for the end of tasks, not for ever; how they ended has been said already."""
        start = monotonic()
        while left := wait(tasks, timeout=0.05).not_done:
            # where a connector blocks the loop no task gets on
            if monotonic() - start > (_BLOCKED_PATIENCE_S if self.monitor.watchdog.blocked else 3 * PATIENCE_S):
                log.error("%d connectors have not ended in time; they are left behind", len(left))
                return

    async def _prompt(self, steering: Steering) -> None:
        """See to it that what a run flat out publishes is handed over within a moment, also if it is little."""

        def hand_over() -> None:
            self._hand_over_due = False
            self.hand_over()

        while True:
            await asyncio.sleep(_HAND_OVER_S)
            if self._pending and self._running and not self._hand_over_due:
                self._hand_over_due = True
                steering.arrivals.append(hand_over)
                steering.wake()

    def _letters_to(self, destination: Destination | None) -> DeadLetters | None:
        """Return what takes dead letters to a destination: opened once, whoever names it."""
        if destination is None:
            return None
        if any(sink.egress is destination for sink in self.sinks):
            name = type(destination).__name__
            raise ConfigError(f"dead_letters: this {name} takes the model's records. Give another object of its class.")
        for known in self.dead_letters:
            if known.is_at(destination):
                return known
        made = DeadLetters(destination, run=self._run, loop=self._io.loop)
        self.dead_letters.append(made)
        self.monitor.watch(made.sink)
        self._tasks[made.sink] = self._io.start(made.sink.drive())
        return made

    def _put_pending(self) -> None:
        records = self._pending[:]
        self._pending.clear()
        if records:
            events = sum(map(_IS_EVENT, records))
            self.events += events
            self.telemetry += len(records) - events
            if not self._prepared:
                self._moments += len(set(map(_TIME, records)))
                self._prepared = expect_many(self._moments)
            for sink in self.sinks:
                sink.outbox.put(records)


def _drain(sinks: Sequence[Sink], *, hurried: bool) -> None:
    for sink in sinks:
        sink.flush()
    start = monotonic()
    for sink in sinks:
        standing, ended_at = sink.undrained
        patience_s = sink.options.drain_timeout
        again = standing == sink.standing and monotonic() - ended_at < PATIENCE_S
        if hurried or again:  # the end of the run has just waited, for nothing: that of the environment waits less
            patience_s = min(patience_s, _ANOTHER_WAIT_S)
        while not sink.needs_no_wait and monotonic() - start < patience_s:
            sink.outbox.wait_for_progress(0.05)
            sink.flush()  # news of the connectors, which came meanwhile
        waiting = sink.outbox.waiting
        if waiting and sink.standing != standing:
            log.error("egress %s: %d records are not written: %s", sink.name, waiting, _why(sink, patience_s))
        sink.undrained = (sink.standing if waiting else None, monotonic())


def _why(sink: Sink, patience_s: float) -> str:
    limit = sink.options.drain_timeout
    short = f"the {patience_s:g} s that were left" if patience_s < limit else f"drain_timeout={limit:g} s"
    return sink.reason or f"it did not take them within {short}"


def _say_losses(sink: Sink) -> None:
    """Say in the end what a sink did not get, beyond what `Bridge.drain` has said."""
    outbox = sink.outbox
    counts = {
        "records dropped": outbox.dropped,
        "records set aside": sink.set_aside - sink.dead_lettered,
        "records set aside to the dead letters": sink.dead_lettered,
        "system records lost": outbox.system_dropped + sink.system_set_aside,
    }
    if any(counts.values()):
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        log.warning("egress %s: %d records written, %s", sink.name, sink.written, said)
