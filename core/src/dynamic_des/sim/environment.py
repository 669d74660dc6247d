"""The environment: SimPy's, with a registry, one door for changes, and records that leave it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from functools import cached_property
from heapq import heappop
from math import inf
from numbers import Integral
from threading import get_ident
from typing import TYPE_CHECKING, Any

from simpy.core import EmptySchedule, Environment, StopSimulation
from simpy.events import URGENT, Event, EventPriority
from simpy.rt import RealtimeEnvironment

from dynamic_des.errors import ConfigError, show
from dynamic_des.sim.clock import WallClock, check_number
from dynamic_des.sim.named_resources import NamedResources
from dynamic_des.sim.records import SCALARS, Record, SystemRecord, freeze
from dynamic_des.sim.registry import SimulationRegistry
from dynamic_des.sim.steering import Steering

if TYPE_CHECKING:
    from dynamic_des.sim.sampling import RandomStreams, Sampler

__all__ = ["SteeredEnvironment"]

_FACTORIES = ("process", "timeout", "event")
_HAND_OVER = 256  # records collected in the simulation thread before they are handed over


class SteeredEnvironment(RealtimeEnvironment):
    """A SimPy environment that is steered from outside and publishes records.

    The part of `DynamicRealtimeEnvironment` that needs no thread and no I/O. What comes in arrives through
    ``_steering``; what goes out is collected and given to ``_hand_over``, which the bridge overrides.

    Attributes:
        registry: The live parameters of the model.
        name: The twin's name.
        seed: What all random streams come from.
        start_datetime: Wall-clock time that belongs to the initial simulation time.
        resources: What a configuration file calls resources, by name.
    """

    # An instance with more than thirty attributes is slow to read, and so is one with slots (Python 3.13): what is
    # not needed per event lives in Steering and in the bridge.

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
        check_number("factor", factor)
        check_number("lag_monitor_interval", lag_monitor_interval)
        _check_seed(seed)
        super().__init__(initial_time, factor, strict)
        # SimPy binds them early for its own classes only; a tenth of the speed (the two others are called too rarely
        # to be worth an attribute each)
        for factory in _FACTORIES:
            setattr(self, factory, getattr(self, factory))
        self.registry = SimulationRegistry(self)
        self.seed = secrets.randbits(63) if seed is None else int(seed)
        self.name = name
        self.start_datetime = datetime.now(UTC) if logical_start_time is None else _with_zone(logical_start_time)
        self._steering = Steering(self, WallClock(factor, initial_time), lag_monitor_interval)
        self.resources: dict[str, Any] = NamedResources()
        self._seq = 0
        self._sys_seq = 0
        self._records: list[Record] = []
        self._publishing = False

    @property
    def lag_seconds(self) -> float:
        """By how much the simulation was late when it was last measured, in wall seconds."""
        return self._steering.lag_seconds

    @property
    def changes_applied(self) -> int:
        """How many changes were put in force, or found in force already."""
        return self._steering.changes_applied

    @property
    def changes_refused(self) -> int:
        """How many changes were refused; `system.changes` says why."""
        return self._steering.changes_refused

    @cached_property
    def streams(self) -> RandomStreams:
        """The named random streams."""
        from dynamic_des.sim.sampling import RandomStreams  # numpy: not for a model that draws nothing

        return RandomStreams(self.seed)

    def sampler(self, name: str = "default") -> Sampler:
        """Return the sampler of the random stream ``name``: the same one at every call.

        Streams of different names are independent, and a new one does not disturb the others.
        """
        return self.streams.sampler(name)

    # -- publishing ----------------------------------------------------------------------------------------

    def publish_event(self, key: str, value: Any) -> None:
        """Publish an event in the life of an entity.

        Args:
            key: The entity, such as ``"task-1"``: brokers keep the records of one key in order.
            value: Its details: a dictionary or a pydantic model. Copied at once: what the model changes later
                does not change what was published.
        """
        self._seq = seq = self._seq + 1
        if self._publishing:
            if type(value) is dict:
                for item in value.values():
                    if type(item) not in SCALARS:
                        value = freeze(value)
                        break
                else:
                    value = value.copy()
            else:
                value = freeze(value)
            records = self._records
            records.append((seq, self._now, True, key, value))
            if len(records) >= _HAND_OVER:
                self._hand_over()

    def publish_telemetry(self, path_id: str, value: Any) -> None:
        """Publish the value of a metric at this simulation time.

        Args:
            path_id: Dot path of the metric, such as ``"Line_A.lathe.utilization"``.
            value: Usually a number. Copied at once.
        """
        self._seq = seq = self._seq + 1
        if self._publishing:
            if type(value) not in SCALARS:
                value = freeze(value)
            records = self._records
            records.append((seq, self._now, False, path_id, value))
            if len(records) >= _HAND_OVER:
                self._hand_over()

    def _publish_system(self, path: str, value: Any) -> None:
        """Publish one of the framework's own records: numbered apart, stamped with the wall clock."""
        self._sys_seq += 1
        if self._publishing:
            self._hand_over_system((self._sys_seq, self._now, datetime.now(UTC), path, value))

    def _hand_over(self) -> None:
        """Give the collected records to the bridge."""

    def _hand_over_system(self, record: SystemRecord) -> None:
        """Give one system record to the bridge."""

    # -- running -------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Let the wall clock start over: this moment belongs to the time the environment started with."""
        super().sync()
        self.real_start = self._steering.clock.anchor = self._steering.clock.wall()

    def run(self, until: float | Event | None = None) -> Any:
        """Run until a time, until an event has happened, or until there is nothing left to do.

        In real time (``factor`` above 0) it waits for the wall clock, and as long as an ingress is open there is
        always something left to do. At ``factor=0`` it runs flat out.

        Args:
            until: As in SimPy: a simulation time, an event (its value is returned), or None.

        Raises:
            ValueError: If a time is not in the future.
            RuntimeError: If the event cannot happen any more; or ``strict`` and too slow for real time.
        """
        steering = self._steering
        outer = steering.until_at, steering.patient  # a model may call run() from within
        stop, value = self._stop_at(until)
        if stop is None and until is not None:
            return value
        outermost = not self._running
        how = "error"
        try:
            if outermost:
                self._enter_run(until)
            if not self._factor and not self._step_is_patched():
                self._run_flat_out()
            while True:
                self.step()
        except StopSimulation as reached:
            how = "until"
            return reached.args[0]
        except EmptySchedule:
            if stop is not None:
                assert not stop.triggered
                raise RuntimeError(f'No scheduled events left but "until" event was not triggered: {stop}') from None
            how = "empty"
            return None
        finally:
            steering.until_at, steering.patient = outer
            if outermost:
                self._leave_run(how)

    def step(self) -> None:
        """Process the next event, after applying the changes that come before it.

        In real time it waits for the event's time, and for an event to appear while an ingress is open.

        Raises:
            EmptySchedule: If there is no event and none can appear.
            RuntimeError: If ``strict`` and the event is late by more than one simulated second.
        """
        if self._factor:
            self._steering.await_next()
        else:
            self._steering.apply_due()
        self._steering.processed += 1
        Environment.step(self)

    def _stop_at(self, until: float | Event | None) -> tuple[Event | None, Any]:
        """Return the event that stops the run, or its value when it has happened already. SimPy's rules."""
        stop: Event | None = None
        at: float = inf
        if isinstance(until, Event):
            if until.callbacks is None:
                return None, until.value
            stop = until
        elif until is not None:
            at = until if isinstance(until, int) else float(until)
            if at <= self._now:
                raise ValueError(f"until ({at}) must be greater than the current simulation time")
            stop = Event(self)
            stop._ok = True
            stop._value = None
            self.schedule(stop, URGENT, at - self._now)
        if stop is not None:
            stop.callbacks.append(StopSimulation.callback)
        self._steering.until_at = at
        self._steering.patient = isinstance(until, Event)
        return stop, None

    @property
    def _running(self) -> bool:
        return self.registry._thread is not None

    def _step_is_patched(self) -> bool:
        # SimPy's monitoring recipes replace step on the instance; subclasses may override it
        # (asking the bound method, because looking into __dict__ would slow down every attribute from then on)
        return getattr(self.step, "__func__", None) is not SteeredEnvironment.step

    def _enter_run(self, until: float | Event | None) -> None:  # noqa: ARG002 - the bridge notes it
        """Begin a run: what is there already (a snapshot) is applied before the clock starts."""
        self.registry._thread = get_ident()
        self._steering.drain(len(self._steering.arrivals))
        if self._factor:
            self._steering.start_clock()

    def _leave_run(self, how: str) -> None:  # noqa: ARG002 - the bridge notes it
        """End a run: ``how`` is ``until``, ``empty`` or ``error``."""
        self.registry._thread = None
        self._steering.clock.anchor = None  # until the next run, or the next step

    def _run_flat_out(self) -> None:
        """`step` in a loop, inlined: a method call per event costs a tenth of the speed."""
        steering, pop = self._steering, heappop
        queue, arrivals, processed = self._queue, steering.arrivals, 0
        horizon, timed = -inf, True  # time of the next change on the agenda, looked up before the first event
        try:
            while True:
                # `timed` spares the usual case the comparison of an integer with a float, which is slow
                if not queue or arrivals or (timed and queue[0][0] >= horizon):
                    steering.processed += processed  # added and not set: a model may call run() from within
                    processed = 0
                    horizon = steering.apply_due()
                    timed = horizon != inf
                self._now, _, _, event = pop(queue)
                processed += 1
                callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
                try:
                    for callback in callbacks:
                        callback(event)
                except StopSimulation:
                    event.callbacks = callbacks[callbacks.index(callback) + 1 :]
                    self.schedule(event, EventPriority(-1))
                    raise
                if not event._ok and not hasattr(event, "_defused"):
                    error = type(event._value)(*event._value.args)
                    error.__cause__ = event._value
                    raise error
        finally:
            steering.processed += processed


def _check_seed(seed: object) -> None:
    if seed is not None and (not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0):
        raise ConfigError(f"DynamicRealtimeEnvironment: seed is {show(seed)}. Give a whole number, 0 or more.")


def _with_zone(moment: datetime) -> datetime:
    if not isinstance(moment, datetime):
        raise ConfigError(f"DynamicRealtimeEnvironment: logical_start_time is {show(moment)}. Give a datetime.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
