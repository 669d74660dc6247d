"""Timers that are armed only while there is something to do, so that ``env.run()`` comes to an end."""

from __future__ import annotations

from math import inf, nextafter
from typing import TYPE_CHECKING

from simpy.events import NORMAL, Event, EventPriority

from dynamic_des.components.lattice import Lattice

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment

__all__ = ["LAST", "LATE", "Ticker"]

LATE = EventPriority(NORMAL + 1)
"""The priority of timers: after everything else that happens at the same instant, whatever was scheduled first."""

LAST = EventPriority(LATE + 1)
"""The priority of timers that look at what the others have done."""


class Ticker:
    """Acts at whole multiples of an interval: exactly as a timer that always runs, but without its idle ticks.

    Args:
        env: The environment.
        interval: Simulated seconds between two ticks. 0: at any time, and as often as asked for.
        action: What to do at a tick. It finds the ticker disarmed, and may arm it again.
        priority: `LATE` or `LAST`.
    """

    def __init__(
        self, env: Environment, interval: float, action: Callable[[], None], *, priority: EventPriority = LATE
    ) -> None:
        self._env = env
        self._lattice = Lattice(interval) if interval else None
        self._action = action
        self._priority = priority
        self._due = inf  # what the ticker is armed for …
        self._at = inf  # … and the tick that serves it
        self._index: int | None = None
        self._ticked: int | None = None  # index of the last tick: none comes twice
        self._event: Event | None = None

    def arm(self, due: float) -> None:
        """Act at the first tick that is neither before ``due`` nor in the past.

        Asking again for the same time or a later one changes nothing and costs next to nothing.
        """
        if due >= self._due:
            return
        self._due = due
        now = self._env.now
        at = max(now, due)
        index = None
        if self._lattice is not None:
            index = self._lattice.index_from(at)
            if self._ticked is not None and index <= self._ticked:
                index = self._ticked + 1
            at = self._lattice.point(index)
        if at < self._at:
            self._at, self._index = at, index
            self._schedule()

    def disarm(self) -> None:
        """Forget what it was armed for."""
        self._due = self._at = inf
        self._event = None

    def _schedule(self) -> None:
        now = self._env.now
        delay = self._at - now
        while now + delay < self._at:  # the clock adds what we subtracted, and both may have rounded down
            delay = nextafter(delay, inf)
        event = self._event = Event(self._env)
        event._ok = True
        event._value = None
        event.callbacks.append(self._fire)
        self._env.schedule(event, self._priority, delay)

    def _fire(self, event: Event) -> None:
        if event is not self._event:
            return  # an earlier tick took this one's place
        self._ticked = self._index
        self.disarm()
        self._action()
