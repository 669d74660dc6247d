"""All connectors of one environment, and the thread they live in."""

from __future__ import annotations

import logging
from dataclasses import replace
from operator import itemgetter
from threading import Event as Flag
from time import monotonic
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.loop import IoThread
from dynamic_des.bridge.sink import Sink, SinkOptions
from dynamic_des.bridge.source import Source, SourceOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from dynamic_des.egress import BaseEgress
    from dynamic_des.ingress import BaseIngress
    from dynamic_des.messages import RunInfo
    from dynamic_des.sim.records import Record, SystemRecord
    from dynamic_des.sim.steering import Steering

__all__ = ["Bridge"]

log = logging.getLogger("dynamic_des")

_IS_EVENT = itemgetter(2)


class Bridge:
    """Starts, feeds, drains and stops the connectors of one environment.

    Attributes:
        sources: The ingresses at work.
        sinks: The egresses at work.
        events: How many of the records handed over are events.
        telemetry: How many are telemetry.
    """

    def __init__(
        self, run: RunInfo, *, pending: list[Record], builder: Callable[[], Callable[[Any], Any]], live: bool
    ) -> None:
        self.sources: list[Source] = []
        self.sinks: list[Sink] = []
        self.events = 0
        self.telemetry = 0
        self._run = run
        self._pending = pending  # what the environment has published and not handed over yet
        self._builder = builder
        self._live = live
        self._io = IoThread(f"dynamic-des {run.name}")
        self._tasks: dict[Source | Sink, Future[Any]] = {}

    def add_source(
        self, ingress: BaseIngress, name: str, options: SourceOptions, *, steering: Steering, sim_time: float
    ) -> None:
        """Start an ingress. The simulation waits, before it goes on, until the initial snapshot is there."""
        run = replace(self._run, sim_time=sim_time)
        source = Source(ingress, name, options, run=run, steering=steering, loop=self._io.loop)
        ready = Flag()
        steering.open_sources += 1

        def ended() -> None:
            def count_down() -> None:
                steering.open_sources -= 1

            steering.arrivals.append(count_down)
            steering.wake()

        def wait_for_snapshot() -> None:
            deadline = monotonic() + options.snapshot_timeout
            while not ready.wait(0.05):  # in slices: a signal raises between them
                if monotonic() > deadline:
                    log.warning(
                        "ingress %s: no initial snapshot after %g s; time starts without it. Raise snapshot_timeout.",
                        name,
                        options.snapshot_timeout,
                    )
                    return

        self.sources.append(source)
        self._tasks[source] = self._io.start(source.drive(ready.set, ended))
        steering.arrivals.append(wait_for_snapshot)
        steering.wake()

    def add_sink(self, egress: BaseEgress, name: str, options: SinkOptions) -> None:
        """Start an egress."""
        build = self._builder()  # one each: a builder remembers its last timestamp, and sinks have threads
        sink = Sink(egress, name, options, run=self._run, build=build, patient=not self._live, loop=self._io.loop)
        self.sinks.append(sink)
        self._tasks[sink] = self._io.start(sink.drive())

    def hand_over(self) -> None:
        """Give the records that were published since the last time to every sink."""
        if self._pending:
            records = self._pending[:]
            self._pending.clear()
            events = sum(map(_IS_EVENT, records))
            self.events += events
            self.telemetry += len(records) - events
            for sink in self.sinks:
                sink.outbox.put(records)

    def put_system(self, record: SystemRecord) -> None:
        """Give a system record to every sink."""
        for sink in self.sinks:
            sink.outbox.put_system(record)

    def release(self) -> None:
        """Let publishes that wait for room through: a shutdown has been asked for."""
        for sink in self.sinks:
            sink.outbox.release()

    def drain(self) -> None:
        """Wait until every sink has taken what waits for it, each up to its ``drain_timeout``."""
        self.hand_over()
        for sink in self.sinks:
            sink.flush()
        start = monotonic()
        for sink in self.sinks:
            while not sink.idle and monotonic() - start < sink.options.drain_timeout:
                sink.outbox.wait_for_progress(0.05)
            if not sink.idle:
                log.error("egress %s: %d records are not written: %s", sink.name, sink.outbox.waiting, _why(sink))

    def stop_sources(self) -> None:
        """Stop fetching."""
        for source in self.sources:
            self._tasks[source].cancel()

    def close(self) -> None:
        """Acknowledge what is settled, end every connector, and stop the thread."""
        for source in self.sources:
            _finish(self._io.start(source.finish()))
        for sink in self.sinks:
            if not sink.idle:
                self._tasks[sink].cancel()
            sink.finish()
        for sink in self.sinks:
            _finish(self._tasks[sink])
        self._io.stop()


def _why(sink: Sink) -> str:
    return sink.reason or f"it did not take them within drain_timeout={sink.options.drain_timeout:g} s"


def _finish(task: Future[Any]) -> None:
    """Wait for the end of a task; how it ended has been said already."""
    try:
        task.result(timeout=5.0)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
