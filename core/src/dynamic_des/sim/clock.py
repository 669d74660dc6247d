"""Where simulation time and wall time meet."""

from __future__ import annotations

import sys
from math import inf
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

from dynamic_des.errors import ConfigError, show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Alarm", "WallClock", "check_number"]

# Longest wait without another look. On Windows Ctrl-C cannot end a wait on a lock; elsewhere a signal does, but not one
# that comes after the interpreter has looked for signals and before the system call, which then waits on.
_SLICE_S = 0.2 if sys.platform == "win32" else 1.0


class WallClock:
    """Maps simulation time to wall time.

    Attributes:
        factor: Wall seconds per simulated second.
        origin: Simulation time that `anchor` belongs to.
        anchor: Wall time (monotonic seconds) of `origin`, or None while the clock stands still.
        wall: Returns the wall time it is, in monotonic seconds.
    """

    def __init__(self, factor: float, origin: float) -> None:
        self.factor = factor
        self.origin = origin
        self.anchor: float | None = None
        self.wall: Callable[[], float] = monotonic

    def start(self, now: float) -> float:
        """Let time go on from simulation time ``now``, at this moment of wall time; return the anchor."""
        self.anchor = anchor = self.wall() - (now - self.origin) * self.factor
        return anchor

    def wall_of(self, sim_time: float) -> float:
        """Return the wall time (monotonic seconds) at which ``sim_time`` is due."""
        assert self.anchor is not None
        return self.anchor + (sim_time - self.origin) * self.factor

    def sim_of(self, wall: float) -> float:
        """Return the simulation time that the wall time ``wall`` stands for."""
        assert self.anchor is not None
        return self.origin + (wall - self.anchor) / self.factor


class Alarm:
    """A wait that any thread, and a signal handler, can end early.

    Built on a SimpleQueue: its ``put`` is reentrant, and waking up takes microseconds (a Condition takes
    twice as long in the median, and cannot be rung from a signal handler).
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[None] = SimpleQueue()
        self._waiting = False

    def ring(self) -> None:
        """End the wait that is on, if there is one. Append what it should find *before* ringing."""
        if self._waiting:
            self._queue.put(None)

    def wait(self, timeout_s: float | None, unless: object) -> None:
        """Wait until rung, or for ``timeout_s`` seconds (None: for ever), unless ``unless`` is true by then.

        May return early: the caller looks again at what it waits for.
        """
        # announce first, look second: whoever appends after the look sees the announcement and rings
        self._waiting = True
        try:
            if not unless:
                self._queue.get(timeout=_SLICE_S if timeout_s is None else min(timeout_s, _SLICE_S))
        except Empty:
            pass
        finally:
            self._waiting = False


def check_number(name: str, value: object) -> None:
    """Raise ConfigError unless ``value`` is a finite number, 0 or more."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < inf:
        raise ConfigError(f"DynamicRealtimeEnvironment: {name} is {show(value)}. Give a number, 0 or more.")
