"""How changes come into a run: between two events, in one order, each at one instant of simulation time."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from simpy.core import EmptySchedule

from dynamic_des.errors import told
from dynamic_des.messages import Outcome
from dynamic_des.sim.arrivals import Arrival
from dynamic_des.sim.clock import Alarm, WallClock, check_number
from dynamic_des.sim.records import Uncopied, freeze

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.messages import Change
    from dynamic_des.sim.environment import SteeredEnvironment

__all__ = ["Steering"]

LAG_PATH = "system.simulation.lag_seconds"
CHANGES_PATH = "system.changes"
_HAND_OVER_S = 0.05
_DRAIN_LIMIT = 256  # changes applied before the model's own overdue events get their turn
_BETWEEN_EVENTS = 32  # changes, flat out


class Steering:
    """The door for changes, and the wait for the wall clock.

    Anything may be appended to ``arrivals`` from any thread (then `wake`); everything else belongs to the
    simulation thread. Nothing here is an event: the model's own event order is left alone.

    Attributes:
        arrivals: Changes in order of arrival, and functions to call between two events.
        open_sources: How many ingresses may still bring something.
        until_at: End of the run: changes at that time or later wait for the next run.
        patient: Whether an empty schedule is waited out while a source is open.
        changes_applied: How many changes were applied, or found in force already.
        changes_refused: How many were refused.
        lag_interval_s: Wall seconds between two measurements of the lag; 0 for none.
        lag_seconds: By how much the simulation was late when it was last measured, in wall seconds.
        worst_lag_seconds: The largest of them.
        processed: How many events have been processed: with the time, a change's place in the event order.
        clock: Maps simulation time to wall time.
        note_change: Called with each settled change and its place, for the journal.
    """

    def __init__(self, env: SteeredEnvironment, clock: WallClock, lag_interval_s: float) -> None:
        self.arrivals: deque[Arrival | Callable[[], None]] = deque()
        self.open_sources = 0
        self.until_at = inf
        self.patient = False
        self.changes_applied = 0
        self.changes_refused = 0
        self.lag_seconds = 0.0
        self.worst_lag_seconds = 0.0
        self.processed = 0
        self.note_change: Callable[[float, int, Change, Outcome], None] | None = None
        self.clock = clock
        self._env = env
        self._queue = env._queue
        self._alarm = Alarm()
        self._agenda: list[tuple[float, int, Arrival]] = []
        self._order = count()
        self.lag_interval_s = lag_interval_s
        self._next_lag = inf
        self._next_hand_over = 0.0

    @property
    def now(self) -> float:
        """The simulation time."""
        return self._env._now

    def wake(self) -> None:
        """End the wait of the simulation thread, if it waits. Safe from any thread and from a signal handler."""
        self._alarm.ring()

    def start_clock(self) -> None:
        """Let wall time count from now on."""
        self._env.real_start = self.clock.start(self._env._now)
        self._next_lag = self.clock.wall() + self.lag_interval_s if self.lag_interval_s else inf

    def monitor_lag_every(self, interval_s: float) -> None:
        """Measure the lag every ``interval_s`` wall seconds from the next run on; 0 for never."""
        check_number("lag_monitor_interval", interval_s)
        self.lag_interval_s = interval_s

    def lateness_s(self) -> float:
        """Return by how much the simulation is late at this moment, in wall seconds. From any thread."""
        clock = self.clock
        anchor = clock.anchor
        try:
            due = self._queue[0][0]
        except IndexError:
            return 0.0
        if anchor is None or not clock.factor:
            return 0.0
        return max(0.0, clock.wall() - anchor - (due - clock.origin) * clock.factor)

    def apply_due(self) -> float:
        """Apply, at ``factor=0``, what comes before the next event; return the time of the change after it.

        Of what has arrived only so much that a flood of changes leaves the model its turns.

        Raises:
            EmptySchedule: If neither an event nor a change is left.
        """
        arrivals, queue = self.arrivals, self._queue
        while True:
            if arrivals:
                self.drain(min(len(arrivals), _BETWEEN_EVENTS))
            next_change = self._next_change()
            if next_change < inf and (not queue or next_change <= queue[0][0]):
                self._apply_from_agenda()
            elif queue:
                return next_change
            elif not arrivals:
                if not (self.patient and self.open_sources):
                    raise EmptySchedule
                self._rest(inf)

    def await_next(self) -> None:
        """Wait, in real time, until the next event is due; apply the changes that come before it.

        Raises:
            EmptySchedule: If there is nothing to wait for.
            RuntimeError: If ``strict`` and the event is late.
        """
        clock, arrivals, queue, env = self.clock, self.arrivals, self._queue, self._env
        if clock.anchor is None:
            self.start_clock()
        model_first = False
        while True:
            wall = clock.wall()
            next_event = queue[0][0] if queue else inf
            next_change = self._next_change()
            if wall >= self._next_hand_over:  # a model that lags never rests, which is when records leave else
                self._next_hand_over = wall + _HAND_OVER_S
                env._hand_over()
            if wall >= self._next_lag:
                self._publish_lag(wall, min(next_event, next_change))
            reach = min(max(env._now, clock.sim_of(wall)), next_event)
            if next_change <= reach:
                self._apply_from_agenda()
                continue
            if arrivals and not model_first:
                self.drain(min(len(arrivals), _DRAIN_LIMIT), reach)
                model_first = True  # a flood of changes must not starve the model
                continue
            late = wall - clock.wall_of(next_event) if next_event < inf else -inf
            if late >= 0:
                if env._strict and late > clock.factor:
                    raise RuntimeError(f"Simulation too slow for real time ({late:.3f}s).")
                return
            if arrivals:
                model_first = False
                continue
            if next_event == inf and next_change == inf and not self.open_sources:
                raise EmptySchedule
            until_change = clock.wall_of(next_change) - wall if next_change < inf else inf
            self._rest(min(-late, until_change, self._next_lag - wall))

    def drain(self, budget: int, reach: float | None = None) -> None:
        """Take up what has arrived: apply it at ``reach`` (default: now), or note it down for its time.

        Args:
            budget: How many items at most.
            reach: Simulation time that a change advances the clock to.
        """
        arrivals, env = self.arrivals, self._env
        while arrivals and budget > 0:
            item = arrivals.popleft()
            budget -= 1
            if not isinstance(item, Arrival):
                item()
                budget = max(budget, len(arrivals))  # it may have waited for a snapshot, which comes first
                continue
            at = item.change.at
            if at is not None and at > env._now:
                heappush(self._agenda, (at, next(self._order), item))
                continue
            if at is None and reach is not None:
                self._advance(reach)
            self._apply(item)

    def abandon(self, reason: str) -> None:
        """Refuse what has arrived, or is on the agenda, and will never be applied."""
        arrived = [self.arrivals.popleft() for _ in range(len(self.arrivals))]
        self.arrivals.extend(item for item in arrived if not isinstance(item, Arrival))
        waiting = [item for item in arrived if isinstance(item, Arrival)]
        waiting += [item for _, _, item in sorted(self._agenda)]
        self._agenda.clear()
        for item in waiting:
            if item.abandon is not None:
                item.abandon(reason)

    def _next_change(self) -> float:
        """Return the time of the next change on the agenda; infinity if the run ends before it."""
        if self._agenda and self._agenda[0][0] < self.until_at:
            return self._agenda[0][0]
        return inf

    def _advance(self, reach: float) -> None:
        """Let time go on to ``reach``; what is due by then comes first, each change at its own time."""
        while self._next_change() <= reach:
            self._apply_from_agenda()
        if reach > self._env._now:
            self._env._now = reach

    def _apply_from_agenda(self) -> None:
        at, _, arrival = heappop(self._agenda)
        if at > self._env._now:
            self._env._now = at
        self._apply(arrival)

    def _apply(self, arrival: Arrival) -> None:
        """Put one change in force, now; publish what became of it; settle it."""
        change = arrival.change
        try:
            outcome = arrival.refusal or self._env.registry.update_many(change.updates)
        except Exception as error:  # noqa: BLE001 - what came in may be any object, and must not end the run
            outcome = Outcome("refused", f"{told(error)}. Send plain numbers, text, lists or dictionaries.")
        self.report(change, outcome)
        arrival.settle(outcome)

    def report(self, change: Change, outcome: Outcome) -> None:
        """Note, count and publish what became of a change."""
        if self.note_change is not None:
            self.note_change(self._env._now, self.processed, change, outcome)
        if outcome.status == "refused":
            self.changes_refused += 1
        else:
            self.changes_applied += 1
        self._env._publish_system(
            CHANGES_PATH,
            {
                "id": change.id,
                "source": change.source,
                "status": outcome.status,
                "reason": outcome.reason,
                "sim_time": self._env._now,
                "change_seq": self.changes_applied + self.changes_refused,
                "updates": [[path, _as_sent(value)] for path, value in change.updates],
            },
        )

    def _publish_lag(self, wall: float, next_due: float) -> None:
        """Publish by how much the simulation is late, in wall seconds."""
        late = wall - self.clock.wall_of(next_due) if next_due < inf else 0.0
        self.lag_seconds = max(0.0, late)
        self.worst_lag_seconds = max(self.worst_lag_seconds, self.lag_seconds)
        self._next_lag = wall + self.lag_interval_s
        self._env._publish_system(LAG_PATH, self.lag_seconds)

    def _rest(self, timeout_s: float) -> None:
        """Wait for an arrival, or until something is due."""
        self._env._hand_over()
        self._alarm.wait(None if timeout_s == inf else timeout_s, unless=self.arrivals)


def _as_sent(value: object) -> object:
    """Return a value for ``system.changes``: whoever gets it in the model may change it later."""
    frozen = freeze(value)
    return frozen.text if type(frozen) is Uncopied else frozen  # which is why it was refused, or taken as is
