"""A wall clock that a test drives."""

from __future__ import annotations

from math import inf, nextafter
from threading import Condition
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_des.sim.clock import Alarm
from dynamic_des.testing.waiting import in_background

if TYPE_CHECKING:
    from concurrent.futures import Future

    from simpy import Event

    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.sim.steering import Steering

__all__ = ["DrivenClock"]


class DrivenClock:
    """Wall time for a real-time environment: it stands still until `advance` moves it.

    ::

        clock.run(until=10)     # env.run(until=10), in a thread of its own
        clock.advance(3.0)      # three wall seconds pass; returns when all that was due in them has happened

    **Promised**: the model is never late; between two calls nothing of it happens but the changes that arrive,
    each at the time that the clock shows.

    **Not promised**: that connectors follow. Their flush intervals, retries and timeouts count real seconds.

    Args:
        env: An environment with ``factor`` above 0 that has not been run yet.
        limit_s: How long, in real seconds, the model may take to come to rest.

    Attributes:
        env: The environment.
        now: The wall time, in seconds since the clock was made.
    """

    def __init__(self, env: DynamicRealtimeEnvironment, limit_s: float = 30.0) -> None:
        self.env = env
        self._limit_s = limit_s
        self._alarm = _DrivenAlarm(env._steering, limit_s)
        self._run: Future[Any] | None = None
        env._steering.clock.wall = lambda: self._alarm.now
        env._steering._alarm = self._alarm

    @property
    def now(self) -> float:
        return self._alarm.now

    def run(self, until: float | Event | None = None) -> None:
        """Start ``env.run(until)`` in a thread of its own; return when it waits for the clock, or has ended.

        Raises:
            RuntimeError: If a run is on already.
        """
        if self._run is not None and not self._run.done():
            raise RuntimeError("DrivenClock: a run is on already. Call finish() first.")
        self._run = in_background(lambda: self.env.run(until))
        self._run.add_done_callback(lambda _: self._alarm.notice())
        self.advance(0.0)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` of wall time pass; return when the model waits again, or its run has ended.

        Raises:
            Exception: Whatever the model raised.
        """
        if seconds < 0:
            raise ValueError(f"DrivenClock: {seconds} s would be back in time. Give 0 or more.")
        if self._run is None:
            raise RuntimeError("DrivenClock: nothing runs yet. Call run() first.")
        self._alarm.advance(self._alarm.now + seconds, self._run)
        if self._run.done():
            self._run.result()

    def finish(self) -> Any:
        """Let time pass until the run has ended; return what ``env.run`` returned.

        Raises:
            Exception: Whatever the model raised.
        """
        if self._run is None:
            raise RuntimeError("DrivenClock: nothing runs yet. Call run() first.")
        self._alarm.advance(inf, self._run)
        return self._run.result(self._limit_s)

    def stop(self) -> None:
        """End the run where it is, if one is on."""
        if self._run is None or self._run.done():
            return
        steering = self.env._steering
        steering.arrivals.append(_stop)
        steering.wake()
        error = self._run.exception(self._limit_s)
        if error is not None and not isinstance(error, _StoppedError):
            raise error


class _StoppedError(Exception):
    """Ends a run from outside."""


def _stop() -> None:
    raise _StoppedError


class _DrivenAlarm(Alarm):
    """The simulation thread's wait, on a clock that another thread moves."""

    def __init__(self, steering: Steering, limit_s: float) -> None:
        super().__init__()
        self.now = 0.0
        self._limit_s = limit_s
        self._steering = steering
        self._moved = Condition()
        self._rung = False
        self._resting_until: float | None = None  # None while the simulation thread is at work

    def ring(self) -> None:
        with self._moved:
            self._rung = True
            self._moved.notify_all()

    def notice(self) -> None:
        """Let `advance` look again."""
        with self._moved:
            self._moved.notify_all()

    def wait(self, timeout_s: float | None, unless: object) -> None:
        with self._moved:
            due = inf if timeout_s is None else max(self.now + timeout_s, nextafter(self.now, inf))
            self._resting_until = due
            self._moved.notify_all()
            while self.now < due and not self._rung and not unless:
                self._moved.wait()
            self._rung = False
            self._resting_until = None

    def advance(self, to: float, run: Future[Any]) -> None:
        """Move on, from one moment at which something is due to the next, so that nothing is late."""
        with self._moved:
            while True:
                self._await_rest(run)
                if run.done() or self.now >= to:
                    return
                due = self._resting_until
                assert due is not None
                if due == inf == to:
                    self._await_change(run)
                    continue
                self.now = min(due, to)
                self._moved.notify_all()
                if self.now >= due:
                    self._resting_until = None  # until the simulation thread has woken up and says so itself

    def _await_rest(self, run: Future[Any]) -> None:
        def at_rest() -> bool:
            resting = self._resting_until is not None and not self._rung and not self._steering.arrivals
            return resting or run.done()

        if not self._moved.wait_for(at_rest, self._limit_s):
            pytest.fail(f"DrivenClock: the model did not come to rest within {self._limit_s:g} s of real time.")

    def _await_change(self, run: Future[Any]) -> None:
        """Wait for a change that is on its way in another thread: no moving of the clock brings it nearer."""
        if not self._moved.wait_for(lambda: self._resting_until != inf or self._rung or run.done(), self._limit_s):
            pytest.fail(
                f"DrivenClock: the run waits for a change, and none came within {self._limit_s:g} s of real time."
            )
