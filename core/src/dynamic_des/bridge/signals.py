"""SIGINT and SIGTERM during a run: a flag that is honoured between two events."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from dynamic_des.sim.steering import Steering

__all__ = ["Interrupted", "StopSignals", "Terminated"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Takes over SIGINT and SIGTERM while a run is on in the main thread.

    A KeyboardInterrupt raised inside a model's generator could be swallowed by its ``except:``. So the first
    signal only leaves a note, and the run ends between two events, with everything written. A second one, or
    one during the final drain, raises at once.

    Args:
        steering: Of the simulation.
        release: Called at the first signal: lets publishes through that wait for room.
        hurry: Called at the second.
    """

    def __init__(self, steering: Steering, release: Callable[[], None], hurry: Callable[[], None]) -> None:
        self._steering = steering
        self._release = release
        self._hurry = hurry
        self._asked = False
        self._old: dict[int, Any] = {}
        self._patient = False
        self._noted: int | None = None

    def take_over(self) -> None:
        """Begin to take note of signals; does nothing outside of the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._patient = True
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if handler is not signal.SIG_IGN and handler is not None:  # ignored on purpose, or not ours to know
                self._old[number] = signal.signal(number, self._note)

    def raise_at_once(self) -> None:
        """From now on a signal raises where it arrives."""
        self._patient = False

    def give_back(self) -> None:
        """Restore the old handlers; raise for a signal that came too late to end the run."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old.clear()
        self._honour()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if not self._patient:
            if self._asked:
                self._hurry()
            self._asked = True
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        self._patient = False
        self._asked = True
        self._release()
        self._noted = number
        self._steering.arrivals.appendleft(self._honour)
        self._steering.wake()

    def _honour(self) -> None:
        number, self._noted = self._noted, None
        if number is not None:
            raise Interrupted if number == signal.SIGINT else Terminated(0)


class Interrupted(KeyboardInterrupt):
    """A run was ended by SIGINT between two events, and everything that could be written was."""


class Terminated(SystemExit):
    """A run was ended by SIGTERM between two events, and everything that could be written was."""
