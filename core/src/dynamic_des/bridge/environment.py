"""The environment that users make: the simulation side, connected to the world."""

from __future__ import annotations

import logging
import secrets
import weakref
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from simpy.events import Event

from dynamic_des.bridge.bridge import Bridge
from dynamic_des.bridge.health import (
    Health,
    SimulationHealth,
    SimulationState,
    health_of_sink,
    health_of_source,
    is_well,
)
from dynamic_des.bridge.journal import JournalWriter, digest_of, parameters_of
from dynamic_des.bridge.report import Report
from dynamic_des.bridge.setting_up import named, options_of
from dynamic_des.bridge.signals import StopSignals
from dynamic_des.bridge.sink_options import USUAL_FLUSH_INTERVAL, SinkOptions
from dynamic_des.bridge.source_options import SourceOptions
from dynamic_des.egress import BaseEgress
from dynamic_des.errors import ConfigError, DecodeError
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Change, Outcome, RunInfo
from dynamic_des.sim.arrivals import Arrival
from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.records import record_builder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dynamic_des.sim.records import SystemRecord

__all__ = ["DynamicRealtimeEnvironment"]

log = logging.getLogger("dynamic_des")

_FIGURES_EVERY = 10  # measurements of the lag


class DynamicRealtimeEnvironment(SteeredEnvironment):
    """SimPy's ``RealtimeEnvironment``, steered from outside while it runs, publishing what happens.

    Every SimPy model runs on it unchanged. Use it in a ``with`` statement, or call `teardown` at the end; a script
    that forgets to is torn down when the interpreter exits.

    Args:
        initial_time: Simulation time to start from, in simulated seconds.
        factor: Wall seconds per simulated second. 1.0 keeps wall time; 0 runs as fast as possible.
        strict: Raise, as SimPy does, when the model is late by more than one simulated second.
        name: The twin's name: what offsets and exactly-once bookkeeping are kept under.
        seed: What all named random streams come from; drawn at random, and kept in ``seed``, when None.
        logical_start_time: The wall-clock time that belongs to ``initial_time``; now when None. Taken as UTC when
            it has no zone.
        lag_monitor_interval: Wall seconds between two ``system.simulation.lag_seconds``; the figures of the connectors
            (``system.egress.*``, ``system.ingress.*``) follow every tenth time. 0 for none. At ``factor=0`` there is
            no lag, and neither is published.

    Attributes:
        registry: The live parameters of the model.
        start_datetime: The wall-clock time that belongs to ``initial_time``.
        run_id: This environment's own id.
    """

    def __init__(
        self,
        initial_time: float = 0,
        factor: float = 1.0,
        strict: bool = False,
        *,
        name: str = "twin",
        seed: int | None = None,
        logical_start_time: datetime | None = None,
        lag_monitor_interval: float = 1.0,
    ) -> None:
        super().__init__(
            initial_time,
            factor,
            strict,
            name=name,
            seed=seed,
            logical_start_time=logical_start_time,
            lag_monitor_interval=lag_monitor_interval,
        )
        self.run_id = secrets.token_hex(8)
        self._bridge: Bridge | None = None
        self._last_bridge: Bridge | None = None
        self._journal: JournalWriter | None = None
        self._signals: StopSignals | None = None
        self._forgotten: weakref.finalize[Any, Any] | None = None

    # -- connecting ----------------------------------------------------------------------------------------

    def setup_ingress(self, providers: Iterable[BaseIngress] | Mapping[str, BaseIngress], **options: Any) -> None:
        """Open ingresses: from now on their changes come in. A second call adds to the first.

        Args:
            providers: The ingresses; a mapping gives them names, else they are named after their class.
            **options: What core itself does for each of them: ``deserializer``, ``inbox_size``,
                ``max_message_bytes``, ``snapshot_timeout``, ``on_poison``, ``dead_letters`` (see `SourceOptions`).

        Raises:
            ConfigError: If something is not an ingress, or an option is unknown.
        """
        checked = options_of(SourceOptions, options, "setup_ingress")
        connectors = named(providers, BaseIngress, "setup_ingress", taken=[source.name for source in self._sources()])
        bridge = self._connect()
        for name, ingress in connectors:
            bridge.add_source(ingress, name, checked, steering=self._steering, sim_time=self._now)

    def setup_egress(
        self,
        providers: Iterable[BaseEgress] | Mapping[str, BaseEgress],
        batch_size: int = 500,
        flush_interval: float = USUAL_FLUSH_INTERVAL,
        lag_monitor_interval: float | None = None,
        **options: Any,
    ) -> None:
        """Open egresses: from now on every record goes to each of them. A second call adds to the first.

        Args:
            providers: The egresses; a mapping gives them names, else they are named after their class.
            batch_size: Most records in one ``write``.
            flush_interval: Seconds after which fewer are written: of wall time in real time, of simulation time at
                ``factor=0`` (left out, batches are full there).
            lag_monitor_interval: Another value for the environment's own, when given.
            **options: What core itself does for each of them: ``when``, ``on_full``, ``outbox_size``, ``spill_dir``,
                ``spill_limit``, ``drain_timeout``, ``dead_letters`` (see `SinkOptions`).

        Raises:
            ConfigError: If something is not an egress, or an option is unknown.
        """
        wanted = {"batch_size": batch_size, "flush_interval": flush_interval, **options}
        checked = options_of(SinkOptions, wanted, "setup_egress")
        connectors = named(providers, BaseEgress, "setup_egress", taken=[sink.name for sink in self._sinks()])
        if lag_monitor_interval is not None:
            self._steering.monitor_lag_every(lag_monitor_interval)
        bridge = self._connect()
        if self._factor:
            bridge.monitor.figures_every_s = _FIGURES_EVERY * self._steering.lag_interval_s
        for name, egress in connectors:
            bridge.add_sink(egress, name, checked, steering=self._steering)
        self._publishing = bool(bridge.sinks)

    def setup_journal(self, path: str | Path, *, model: str | None = None, **further: Any) -> None:
        """Write down what comes in from now on, so that the run can be repeated (see `dynamic_des.bridge.replay`).

        Call it when the parameters are registered and before anything is run. What was applied is in the file within
        0.1 wall seconds, and when `run` returns.

        Args:
            path: The file; made anew.
            model: Where the model comes from, ``"module:function"``.
            **further: Further keys for the journal's header, such as the configuration file.

        Raises:
            ConfigError: If there is a journal already, or the file cannot be made.
        """
        if self._journal is not None:
            raise ConfigError(f"setup_journal: {self._journal.path} is being written already. One journal is enough.")
        header = {
            "run_id": self.run_id,
            "name": self.name,
            "seed": self.seed,
            "factor": self._factor,
            "initial_time": self.env_start,
            "start_time": self.start_datetime,
            "model": model,
            "parameters": parameters_of(self.registry),
            **further,
        }
        try:
            self._journal = JournalWriter(path, header)
        except OSError as error:
            raise ConfigError(f"setup_journal: {path} cannot be written: {error.strerror}.") from error
        self._steering.note_change = self._journal.note_change

    def post(self, path: str, value: Any, id: str | None = None) -> Future[Outcome]:
        """Ask for a change from inside the process, from any thread, through the same door as everybody else.

        Args:
            path: The dot path of a parameter.
            value: Its new value.
            id: The sender's own reference.

        Returns:
            A future of the outcome. It is applied between two events of the run that is on, or of the next one.
        """
        answer: Future[Outcome] = Future()
        answer.set_running_or_notify_cancel()  # who gives up on the answer does not take back the change
        change = Change(((path, value),), id=id, source="post")
        arrival = Arrival(
            change, answer.set_result, abandon=lambda reason: answer.set_result(Outcome("refused", reason))
        )
        self._steering.arrivals.append(arrival)
        self._steering.wake()
        return answer

    def report(self) -> Report:
        """Return what was done so far, in numbers; after `teardown`, for good."""
        bridge, steering = self._bridge or self._last_bridge, self._steering
        return Report(
            bridge.events if bridge else 0,
            bridge.telemetry if bridge else 0,
            steering.changes_applied,
            steering.changes_refused,
            steering.lag_seconds,
            [sink.report() for sink in bridge.sinks] if bridge else [],
            [source.report() for source in bridge.sources] if bridge else [],
            [letters.sink.report() for letters in bridge.dead_letters] if bridge else [],
            steering.worst_lag_seconds,
        )

    def health(self) -> Health:
        """Return how the twin and its connectors fare at this moment. From any thread, and cheap."""
        bridge = self._bridge or self._last_bridge
        egresses = [health_of_sink(sink) for sink in bridge.sinks] if bridge else []
        ingresses = [health_of_source(source) for source in bridge.sources] if bridge else []
        block = bridge.monitor.watchdog.block if bridge else None
        letters = [health_of_sink(one.sink) for one in bridge.dead_letters] if bridge else []
        well = all(map(is_well, [*egresses, *letters])) and all(map(is_well, ingresses))
        return Health(
            ok=well and not (block and block.ongoing),
            name=self.name,
            run_id=self.run_id,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            simulation=self._simulation_health(),
            egresses=egresses,
            ingresses=ingresses,
            dead_letters=letters,
            block=block,
        )

    def _simulation_health(self) -> SimulationHealth:
        bridge, steering = self._bridge, self._steering
        state: SimulationState
        if bridge is None and self._last_bridge is not None:
            state = "closed"
        elif not self._running:
            state = "idle"
        else:
            state = "blocked" if any(sink.outbox.blocked for sink in self._sinks()) else "running"
        return SimulationHealth(
            state, self._now, steering.lateness_s(), steering.changes_applied, steering.changes_refused
        )

    # -- the end -------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Stop fetching, apply what arrived, write what was published, acknowledge, close. Idempotent.

        What a sink does not take within its ``drain_timeout`` is logged as not written.
        """
        bridge = self._bridge
        if bridge is not None:
            bridge.stop_sources()
        try:
            self._steering.drain(len(self._steering.arrivals))
        except DecodeError as poison:  # on_poison="stop", and the run is over already
            log.error("teardown: %s", poison)
        finally:
            self._steering.abandon("the environment was torn down before its time came")
            self._close_journal()
            if bridge is not None:
                self._publishing = False
                self._let_go()
                try:
                    bridge.stop()  # which may have news of the connectors until the last
                finally:
                    self._bridge, self._last_bridge = None, bridge

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.teardown()

    # -- what the simulation side asks for -----------------------------------------------------------------

    def _enter_run(self, until: float | Event | None) -> None:
        self._signals = StopSignals(self._steering, self._release, self._hurry)
        self._signals.take_over()
        if self._bridge is not None:
            self._bridge.begin()
        if self._journal is not None:
            asked = "event" if isinstance(until, Event) else until
            self._journal.note_start(self._now, self._steering.processed, asked, digest_of(self.registry))
        super()._enter_run(until)

    def _leave_run(self, how: str) -> None:
        super()._leave_run(how)
        if self._journal is not None:
            self._journal.note_end(self._now, self._steering.processed, how)
        signals, self._signals = self._signals, None
        try:
            if signals is not None:
                signals.raise_at_once()
            if self._bridge is not None:
                self._bridge.end()
        finally:
            if signals is not None:
                signals.give_back()

    def _close_journal(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            self._steering.note_change = None
            journal.close(self._now, self._steering.processed)

    def _hand_over(self) -> None:
        if self._bridge is not None:
            self._bridge.hand_over()

    def _hand_over_system(self, record: SystemRecord) -> None:
        if self._bridge is not None:
            self._bridge.put_system(record)

    def _publish_system(self, path: str, value: Any) -> None:
        bridge = self._bridge
        if bridge is None:
            super()._publish_system(path, value)
            return
        with bridge.numbering:  # the monitor publishes from its own thread
            super()._publish_system(path, value)

    def _release(self) -> None:
        if self._bridge is not None:
            self._bridge.release()

    def _hurry(self) -> None:
        if self._bridge is not None:
            self._bridge.hurried = True

    def _connect(self) -> Bridge:
        if self._bridge is None:
            run = RunInfo(self.name, self.run_id, self.start_datetime, self.seed)
            builder = partial(record_builder, self.start_datetime, self.env_start)
            self._bridge = Bridge(
                run,
                pending=self._records,
                builder=builder,
                live=bool(self._factor),
                publish=partial(_publish_of, weakref.ref(self)),
            )
            self._forgotten = weakref.finalize(self, _stop_elsewhere, self._bridge)
            self._forgotten.atexit = False  # the bridge sees to that itself
        return self._bridge

    def _let_go(self) -> None:
        if self._forgotten is not None:
            self._forgotten.detach()
            self._forgotten = None

    def _sources(self) -> list[Any]:
        return [] if self._bridge is None else list(self._bridge.sources)

    def _sinks(self) -> list[Any]:
        return [] if self._bridge is None else list(self._bridge.sinks)


def _stop_elsewhere(bridge: Bridge) -> None:
    """Stop the bridge of an environment that nobody refers to any more.

    In a thread of its own: garbage is collected in any thread, also in the one that the sinks need.
    """
    Thread(target=bridge.stop, name="dynamic-des stop").start()


def _publish_of(env: weakref.ref[DynamicRealtimeEnvironment], path: str, value: Any) -> None:
    """Publish a system record, unless nobody refers to the environment any more."""
    alive = env()
    if alive is not None:
        alive._publish_system(path, value)
