"""Stateful windowed stream processing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping  # noqa: TC003 - the constructor's types, as below
from dataclasses import asdict, dataclass
from math import inf, isfinite, nextafter
from typing import TYPE_CHECKING, Any

from simpy import Environment  # noqa: TC002 - a run that is put together from a file reads the constructors' types

from dynamic_des.components.checks import one_of, positive_number
from dynamic_des.components.live import LiveNumber, live_number
from dynamic_des.components.sinks import Sink, as_sink
from dynamic_des.components.telemetry import Telemetered
from dynamic_des.components.timers import Ticker
from dynamic_des.errors import ConfigError, ParameterError, nearest, show
from dynamic_des_streaming.aggregates import aggregate_of
from dynamic_des_streaming.operations import finished
from dynamic_des_streaming.records import Record
from dynamic_des_streaming.requests import carry_out
from dynamic_des_streaming.results import LateEvent, Pane, WindowResult
from dynamic_des_streaming.triggers import EarlyTrigger, Previews, early_trigger_of
from dynamic_des_streaming.watermarks import EventTime, watermark_of
from dynamic_des_streaming.window_store import store_of
from dynamic_des_streaming.windows import LateEventPolicy, WindowType, window_type_of

if TYPE_CHECKING:
    from dynamic_des_streaming.operations import Operation
    from dynamic_des_streaming.watermarks import Watermark
    from dynamic_des_streaming.windows import WindowState

__all__ = ["StreamProcessor", "StreamProcessorStats"]

_OPERATIONS = ("process",)


@dataclass(frozen=True)
class StreamProcessorStats:
    """Statistics tracked by `StreamProcessor`.

    Attributes:
        events_processed: Total events received.
        windows_emitted: Total windows emitted; one that fires again counts again, a preview does not.
        late_events: Total late events received: the sum of the following three.
        late_events_dropped: Late events that were dropped.
        late_events_updated: Late events applied to closed windows, under ``LateEventPolicy.UPDATE``.
        late_events_side_output: Late events sent to side output.
        early_panes: Previews emitted.
    """

    events_processed: int = 0
    windows_emitted: int = 0
    late_events: int = 0
    late_events_dropped: int = 0
    late_events_updated: int = 0
    late_events_side_output: int = 0
    early_panes: int = 0


class StreamProcessor(Telemetered):
    """Stateful windowed stream processor.

    Receives events with event times, assigns them to windows by key, and emits aggregated results when the watermark
    reaches the end of a window. The results of one advance come ordered by window end, then key.

    An event is late for a window when ``window end + allowed lateness <= watermark``. One that is late for all its
    windows goes to ``late_event_policy``. One that comes after its window was emitted, but is not late, makes the
    window fire again at once. A window's state is freed when the watermark reaches its end plus the lateness.

    Args:
        env: Any SimPy environment.
        name: Name for this processor.
        window_type: Window assignment strategy, or the table of one: ``{"type": "tumbling", "size_s": 10}``.
        aggregate_fn: Makes a result of the list of a window's values; or the name of one: ``"count"``, ``"sum"``,
            ``"mean"``, ``"min"``, ``"max"``, ``"first"``, ``"last"``, ``"list"`` or ``"module:name"``.
        downstream: Takes each `WindowResult`: a function, or anything with ``put`` or ``submit``; or the name of a
            resource, or the path of a live parameter.
        allowed_lateness_s: Grace period after a window closes, in seconds; may be live.
        late_event_policy: How to handle late events, as a `LateEventPolicy` or its value.
        side_output: Takes each `LateEvent` (for ``SIDE_OUTPUT``): as ``downstream``.
        watermark_interval_s: Interval at whose whole multiples the watermark advances. 0: at once.
        watermark: ``"processing"``: the simulation clock. ``"event"``: the largest event time minus
            ``max_out_of_orderness_s``, the least of all sources.
        max_out_of_orderness_s: How late events are expected to be, in seconds; may be live. Only for ``"event"``.
        idle_timeout_s: Simulated seconds of silence after which a source does not hold back the watermark any more.
            None: never. Only for ``"event"``.
        sources: Sources that hold back the watermark from the beginning; others do from their first event on. Only
            for ``"event"``.
        accumulation: ``"accumulating"``: every result has all records of its window. ``"discarding"``: those since
            the window's last result.
        early_trigger: Emits windows before their end too: an `EarlyTrigger`, or the table of one.

    Attributes:
        env: The environment.
        name: Name of this processor.

    Raises:
        ParameterError: (a ValueError) If a number makes no sense.
        ConfigError: (a ValueError) If something else makes no sense, such as a policy that is unknown.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        window_type: WindowType | Mapping[str, Any],
        aggregate_fn: Callable[[list[Any]], Any] | str,
        downstream: Sink,
        allowed_lateness_s: LiveNumber = 0.0,
        late_event_policy: LateEventPolicy | str = LateEventPolicy.DROP,
        side_output: Sink | None = None,
        watermark_interval_s: float = 1.0,
        *,
        watermark: str = "processing",
        max_out_of_orderness_s: LiveNumber = 0.0,
        idle_timeout_s: float | None = None,
        sources: Iterable[Hashable] = (),
        accumulation: str = "accumulating",
        early_trigger: EarlyTrigger | Mapping[str, Any] | None = None,
    ) -> None:
        self.env = env
        self.name = name
        self._window_type = window_type_of(window_type, f"{name}: window_type")
        self._aggregate = aggregate_of(aggregate_fn, f"{name}: aggregate_fn")
        self._downstream = as_sink(env, downstream, f"{name}: downstream")
        self._lateness = live_number(env, allowed_lateness_s, f"{name}.allowed_lateness_s")
        self._policy = _policy(late_event_policy, name)
        self._side_output = _side_output(env, side_output, self._policy, name)
        self._accumulating = one_of(accumulation, ("accumulating", "discarding"), f"{name}: accumulation") == 0
        self._interval = positive_number(watermark_interval_s, f"{name}: watermark_interval_s", zero=True)
        self._clock: Watermark = watermark_of(
            env,
            name,
            kind=watermark,
            interval=self._interval,
            max_out_of_orderness=max_out_of_orderness_s,
            idle_timeout=idle_timeout_s,
            sources=tuple(sources),
        )
        self._by_event_time = isinstance(self._clock, EventTime)
        self._at_every_event = self._by_event_time and not self._interval
        self._ticks = Ticker(env, self._interval, self._advance)
        self._store = store_of(self._window_type, self._opened)
        trigger = early_trigger_of(early_trigger, f"{name}: early_trigger")
        self._previews = None if trigger is None else Previews(env, trigger, self._preview)
        self._freed_until = -inf
        self._counts = dict.fromkeys(StreamProcessorStats.__dataclass_fields__, 0)
        self._taken, self._refused = finished(env, True), finished(env, False)

    # -- what there is -----------------------------------------------------------------------------------

    @property
    def stats(self) -> StreamProcessorStats:
        """A frozen snapshot of current statistics."""
        return StreamProcessorStats(**self._counts)

    @property
    def watermark_s(self) -> float:
        """Current watermark in seconds; -inf while an event-time watermark has nothing to go by."""
        return self._clock.now()

    @property
    def active_windows(self) -> int:
        """Number of active (non-emitted) windows across all keys."""
        return self._store.active

    @property
    def total_windows_emitted(self) -> int:
        """Total windows emitted."""
        return self._counts["windows_emitted"]

    def telemetry(self) -> dict[str, float]:
        """Return the figures that `publish_telemetry` publishes: ``active``, ``watermark_delay`` and the counters.

        The watermark's delay is by how much it is behind the simulation clock; it is absent while there is none.
        """
        figures = {"active": self.active_windows, **asdict(self.stats)}
        watermark = self.watermark_s
        return figures if watermark == -inf else {**figures, "watermark_delay": self.env.now - watermark}

    # -- operations --------------------------------------------------------------------------------------

    def process(self, key: Any, value: Any, event_time_s: float | None = None, source: Hashable = None) -> Operation:
        """Take an event.

        Args:
            key: Windows are kept by key: anything hashable.
            value: What is aggregated. Not copied.
            event_time_s: When it happened, in seconds of simulation time. None: now.
            source: Where it comes from, for event-time watermarks of several sources.

        Returns:
            An operation that has happened already: waiting for it costs nothing. Its value is False if the event was
            late for all its windows, else True.

        Raises:
            ParameterError: (a ValueError) If the event time is not a finite number, or the key not hashable.
        """
        if event_time_s is None:
            event_time_s = self.env.now
        elif not isfinite(event_time_s):
            raise ParameterError(
                f"{self.name}: the event time {show(event_time_s)} is not finite. Give one in seconds."
            )
        try:
            hash(key)
        except TypeError:
            raise ParameterError(
                f"{self.name}: the key {show(key)} cannot be looked up. Give something hashable."
            ) from None
        self._counts["events_processed"] += 1
        watermark = self._clock.now()
        states = self._store.place(key, event_time_s, watermark, self._is_late)
        if self._by_event_time and self._clock.observe(event_time_s, source) and not self._at_every_event:
            self._ticks.arm(self.env.now)
        taken = self._taken
        if states:
            for state in states:
                state.records.append(value)
            if states[0].end <= watermark:  # the earliest of them
                self._fire_overdue(states)
            if self._previews is not None:
                self._previews.added(states)
        elif states is not None:
            self._take_late(key, value, event_time_s, watermark)
            taken = self._refused
        if self._at_every_event:
            self._advance()
        return taken

    def put(self, item: Any) -> Operation:
        """Take an event in another form: so that a processor can be the sink of something else.

        A processor behind another one that closes its windows at the same instants needs an allowed lateness, or
        event-time watermarks: the results of the last moment come when the clock is at the end already.

        Args:
            item: A `WindowResult` (at the last moment of its window), a `Record` (its partition is the source), a
                `LateEvent`, or a tuple of the arguments of `process`.

        Raises:
            ParameterError: (a ValueError) If it is none of these.
        """
        if isinstance(item, WindowResult):
            return self.process(item.key, item.result, nextafter(item.window_end, -inf))
        if isinstance(item, Record):
            return self.process(item.key, item.value, item.timestamp, item.partition)
        if isinstance(item, LateEvent):
            return self.process(item.key, item.value, item.event_time_s)
        if isinstance(item, tuple) and 2 <= len(item) <= 4:
            return self.process(*item)
        raise ParameterError(
            f"{self.name}: {show(item)} is no event. Give (key, value), (key, value, event_time_s), a Record, a "
            "WindowResult or a LateEvent; or call process."
        )

    def handle_event(self, event: object) -> Operation:
        """Carry out an operation in the form of an event, for ``yield from processor.handle_event(event)``.

        Args:
            event: Its ``event_type`` names it, in whatever case: ``"process"``.
                Its ``context`` has the arguments by name.

        Raises:
            ParameterError: (a ValueError) If it asks for no such operation, or an argument is missing.
        """
        return carry_out(self, event, _OPERATIONS)

    def advance_watermark(self, watermark_s: float) -> Operation:
        """Let the watermark be at ``watermark_s`` at least, and emit what that closes, now.

        Raises:
            ParameterError: (a ValueError) If it is not a number.
        """
        if not watermark_s < inf:
            raise ParameterError(
                f"{self.name}: the watermark {show(watermark_s)} is not finite. To close all: flush()."
            )
        self._clock.raise_to(watermark_s)
        self._close()
        return finished(self.env, self.watermark_s)

    def flush(self) -> Operation:
        """Close what is open, as if the watermark had reached the end of the last window.

        Events for the windows that were closed are late from then on.

        Returns:
            An operation that has happened already; its value is how many windows were emitted.
        """
        before = self.total_windows_emitted
        states = self._store.close(lambda end: True)  # noqa: ARG005 - whatever its end
        if states:
            self._freed_until = states[-1].end
            self._clock.raise_to(self._freed_until)
        for state in states:
            self._emit(state, Pane.ON_TIME)
            self._store.forget(state)
        self._close()
        return finished(self.env, self.total_windows_emitted - before)

    # -- watermarks and windows --------------------------------------------------------------------------

    def _is_late(self, window_end: float) -> bool:
        return window_end + self._lateness() <= self._clock.now() or window_end <= self._freed_until

    def _opened(self, window_end: float) -> None:
        if not self._by_event_time:
            self._ticks.arm(window_end)

    def _advance(self) -> None:
        """Let the watermark follow the clock or the events."""
        self._clock.advance()
        self._close()

    def _close(self) -> None:
        """Emit what the watermark closes, free what it leaves behind, wait for what comes next."""
        watermark = self._clock.now()
        closes = self._window_type.should_close
        for state in self._store.close(lambda end: closes(end, watermark)):
            self._emit(state, Pane.ON_TIME)
            self._keep(state)
        self._store.free(self._is_late)
        self._wait()

    def _wait(self) -> None:
        clock, store = self._clock, self._store
        due = min(clock.due(store.next_end()), clock.due_again())
        kept = store.next_emitted_end()
        if kept < inf:
            due = min(due, clock.due(kept + self._lateness()))
        if due < inf and (self._interval or due > self.env.now):
            self._ticks.arm(due)

    def _keep(self, state: WindowState) -> None:
        """Keep an emitted window as long as it can change."""
        if self._is_late(state.end):
            self._freed_until = max(self._freed_until, state.end)
            self._store.forget(state)
        else:
            self._store.keep(state)

    def _fire_overdue(self, states: list[WindowState]) -> None:
        """Emit again, or for the first time, windows whose end has passed and that got an event."""
        passed = self._clock.passed()
        overdue = [state for state in states if state.emitted or state.end <= passed]
        if overdue and self._policy is LateEventPolicy.UPDATE:
            self._counts["late_events"] += 1
            self._counts["late_events_updated"] += 1
        for state in overdue:
            if not state.emitted:
                self._store.mark_emitted(state)
                self._store.keep(state)
            self._emit(state, Pane.LATE)
        if overdue:
            self._wait()

    def _take_late(self, key: Any, value: Any, event_time_s: float, watermark: float) -> None:
        self._counts["late_events"] += 1
        if self._policy is LateEventPolicy.SIDE_OUTPUT:
            self._counts["late_events_side_output"] += 1
            self._side_output(LateEvent(key, value, event_time_s, watermark))
        else:
            self._counts["late_events_dropped"] += 1

    # -- results -----------------------------------------------------------------------------------------

    def _preview(self, state: WindowState) -> None:
        self._emit(state, Pane.EARLY)

    def _emit(self, state: WindowState, pane: Pane) -> None:
        """Send the result of a window downstream."""
        records = state.records
        if self._accumulating:
            records = records.copy()  # what the aggregate function keeps or changes is its own
        else:
            state.records = []
            if not records:
                return  # an early result had them all
        if self._previews is not None:
            self._previews.shown(state)
        index, state.panes = state.panes, state.panes + 1
        self._counts["early_panes" if pane is Pane.EARLY else "windows_emitted"] += 1
        result = self._aggregate(records)
        self._downstream(WindowResult(state.key, state.start, state.end, result, len(records), pane, index))


def _policy(setting: LateEventPolicy | str, name: str) -> LateEventPolicy:
    try:
        return LateEventPolicy(setting)
    except ValueError:
        known = [policy.value for policy in LateEventPolicy]
        hint = nearest(setting, known) or f" Give one of {', '.join(known)}."
        raise ConfigError(f"{name}: late_event_policy: {show(setting)} is unknown.{hint}") from None


def _side_output(
    env: Environment, target: Sink | None, policy: LateEventPolicy, name: str
) -> Callable[[LateEvent], object]:
    if target is not None:
        return as_sink(env, target, f"{name}: side_output")
    if policy is LateEventPolicy.SIDE_OUTPUT:
        raise ConfigError(f"{name}: late_event_policy is SIDE_OUTPUT, and side_output is None. Give a sink for it.")
    return lambda event: None  # noqa: ARG005 - never called
