"""How far event time is known to have come."""

from __future__ import annotations

from math import inf, nextafter
from typing import TYPE_CHECKING, Protocol

from dynamic_des.components.checks import one_of, positive_number
from dynamic_des.components.lattice import Lattice
from dynamic_des.components.live import LiveNumber, live_number
from dynamic_des.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from simpy import Environment

__all__ = ["EventTime", "ProcessingTime", "Watermark", "watermark_of"]


class Watermark(Protocol):
    """Says how far event time has come, and when to look again."""

    def now(self) -> float:
        """Return the watermark in force at this instant."""

    def passed(self) -> float:
        """Return the watermark that results have been emitted for, if there were any."""

    def advance(self) -> None:
        """Take note of a tick."""

    def observe(self, event_time_s: float, source: Hashable) -> bool:
        """Take note of an event; return whether the watermark may advance on its account."""

    def due(self, window_end: float) -> float:
        """Return when the watermark will have reached ``window_end``, inf for when is not known."""

    def due_again(self) -> float:
        """Return when the watermark may advance without another event, inf for never."""

    def raise_to(self, watermark_s: float) -> None:
        """Be at ``watermark_s`` at least, from now on."""


class ProcessingTime:
    """The simulation clock, as read at whole multiples of the interval.

    A pure function of the clock: whether a tick was needed at the last multiple makes no difference.
    """

    def __init__(self, env: Environment, interval: float) -> None:
        self._env = env
        self._lattice = Lattice(interval) if interval else None
        self._least = -inf
        self._emitted = -inf
        self._index = 0
        self._from, self._until = inf, -inf  # the multiples around the clock

    def now(self) -> float:
        """Return the last multiple of the interval that the clock has reached."""
        read = self._clock()
        return max(read, self._least)

    def passed(self) -> float:
        """Return the last multiple whose tick is over: at this very instant it may be still to come."""
        read, clock = self._clock(), self._env.now
        if self._lattice is None:
            before: float = nextafter(clock, -inf)
        else:
            before = read if read < clock else self._lattice.point(self._index - 1)
        return max(before, self._emitted, self._least)

    def advance(self) -> None:
        """Take note that the watermark is now emitted for."""
        self._emitted = self.now()

    def observe(self, event_time_s: float, source: Hashable) -> bool:  # noqa: ARG002 - the clock needs no events
        """Return False: events do not move the clock."""
        return False

    def due(self, window_end: float) -> float:
        """Return the window's end."""
        return window_end

    def due_again(self) -> float:
        """Return inf: windows say themselves what they wait for."""
        return inf

    def raise_to(self, watermark_s: float) -> None:
        """Be at ``watermark_s`` at least."""
        self._least = max(self._least, watermark_s)

    def _clock(self) -> float:
        clock = self._env.now
        if self._from <= clock < self._until:
            return self._from
        if self._lattice is None:
            return clock
        self._index = self._lattice.index(clock)
        self._from, self._until = self._lattice.point(self._index), self._lattice.point(self._index + 1)
        return self._from


class EventTime:
    """The largest event time minus the out-of-orderness; the least of all sources that are not idle.

    A source is idle when it has been silent for the idle timeout: then it does not hold back the others. When all
    are idle, the one that has come furthest counts, as in Flink. The watermark moves when it is told to, and never
    falls.
    """

    def __init__(
        self,
        env: Environment,
        out_of_orderness: Callable[[], float],
        idle_timeout: float | None,
        sources: Iterable[Hashable],
    ) -> None:
        self._env = env
        self._out_of_orderness = out_of_orderness
        self._idle_timeout = idle_timeout
        self._watermark = -inf
        self._newest: dict[Hashable, float] = dict.fromkeys(sources, -inf)
        self._heard: dict[Hashable, float] = dict.fromkeys(self._newest, env.now)

    def now(self) -> float:
        """Return the watermark of the last tick."""
        return self._watermark

    passed = now

    def advance(self) -> None:
        """Let the watermark follow the sources."""
        self._watermark = max(self._watermark, self._candidate())

    def observe(self, event_time_s: float, source: Hashable) -> bool:
        """Take note of an event; return whether it is the newest of its source."""
        self._heard[source] = self._env.now
        newest = self._newest.get(source)
        if newest is None or event_time_s > newest:
            self._newest[source] = event_time_s
            return True
        return False

    def due(self, window_end: float) -> float:  # noqa: ARG002 - only events and silence move the watermark
        """Return inf: it depends on events to come."""
        return inf

    def due_again(self) -> float:
        """Return when a source that holds back the others becomes idle."""
        if self._idle_timeout is None:
            return inf
        now = self._env.now
        deadlines = [heard + self._idle_timeout for heard in self._heard.values()]
        furthest = max(self._newest.values(), default=-inf)
        if furthest - self._out_of_orderness() <= self._watermark:
            return inf  # there is nothing to hold back
        return min((deadline for deadline in deadlines if deadline > now), default=inf)

    def raise_to(self, watermark_s: float) -> None:
        """Be at ``watermark_s`` at least."""
        self._watermark = max(self._watermark, watermark_s)

    def _candidate(self) -> float:
        now, idle = self._env.now, self._idle_timeout
        active = [newest for source, newest in self._newest.items() if idle is None or self._heard[source] + idle > now]
        furthest = min(active) if active else max(self._newest.values(), default=-inf)
        return furthest - self._out_of_orderness()


def watermark_of(
    env: Environment,
    name: str,
    *,
    kind: str,
    interval: float,
    max_out_of_orderness: LiveNumber,
    idle_timeout: float | None,
    sources: tuple[Hashable, ...],
) -> Watermark:
    """Return the watermark of a processor called ``name``.

    Raises:
        ConfigError: If the kind is unknown, or is ``"processing"`` and has options of the other.
        ParameterError: (a ValueError) If a number makes no sense.
    """
    if one_of(kind, ("processing", "event"), f"{name}: watermark"):
        slack = live_number(env, max_out_of_orderness, f"{name}.max_out_of_orderness_s")
        if idle_timeout is not None:
            idle_timeout = positive_number(idle_timeout, f"{name}: idle_timeout_s")
        return EventTime(env, slack, idle_timeout, sources)
    if max_out_of_orderness != 0.0 or idle_timeout is not None or sources:
        raise ConfigError(
            f"{name}: max_out_of_orderness_s, idle_timeout_s and sources have no meaning for the processing-time "
            'watermark, which is the simulation clock. Give watermark="event".'
        )
    return ProcessingTime(env, interval)
