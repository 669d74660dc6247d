"""The I/O phase of a request: what its handler waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simpy.events import AllOf, Event, Timeout

from dynamic_des.components.checks import checked_number
from dynamic_des.errors import ParameterError, show

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from simpy import Environment

__all__ = ["IoPhase"]


class IoPhase:
    """Waits for what a handler returned, or yields.

    A generator may yield delays in simulated seconds, SimPy events and lists of them (all are awaited), and is sent
    their values; an event that fails is thrown into it. What it returns is taken as what a plain function returns: an
    event, or a list of them, is awaited, and anything else is the response.

    Args:
        env: The environment.
        done: Called once, with the response and None or with None and the error.
        where: Who asks, for error texts.
    """

    def __init__(self, env: Environment, done: Callable[[Any, Exception | None], None], where: str) -> None:
        self._env = env
        self._done = done
        self._where = where
        self._generator: Generator[Any, Any, Any] | None = None

    def begin(self, returned: Any) -> None:
        """Take what the handler returned, and wait for it."""
        if hasattr(returned, "throw"):  # as SimPy tells a generator
            self._generator = returned
            self._advance(None, None)
        else:
            self._await(returned)

    def _advance(self, value: Any, error: BaseException | None) -> None:
        """Resume the generator until it waits for something that has not happened yet."""
        generator = self._generator
        assert generator is not None
        while True:
            try:
                target = generator.send(value) if error is None else generator.throw(error)
            except StopIteration as stop:
                self._generator = None
                self._await(stop.value)
                return
            except Exception as failure:  # noqa: BLE001 - the handler's own: whose request it is gets it
                self._done(None, failure)
                return
            value, error = None, None
            try:
                event = self._event(target)
            except ParameterError as refusal:
                error = refusal
                continue
            if event.callbacks is not None:
                event.callbacks.append(self._happened)
                return
            value, error = _outcome(event)

    def _happened(self, event: Event) -> None:
        value, error = _outcome(event)
        if self._generator is not None:
            self._advance(value, error)
        else:
            self._done(value, error)  # type: ignore[arg-type] # what SimPy fails an event with is an Exception

    def _await(self, returned: Any) -> None:
        """Wait for the event or the events that a handler returned; anything else is its response."""
        if isinstance(returned, Event) or _is_events(returned):
            event = self._event(returned)
            if event.callbacks is not None:
                event.callbacks.append(self._happened)
            else:
                self._happened(event)
        else:
            self._done(returned, None)

    def _event(self, target: Any) -> Event:
        if isinstance(target, Event):
            return target
        if _is_events(target):
            return AllOf(self._env, target)
        return Timeout(self._env, checked_number(target, f"{self._where}: io_handler yielded {show(target)}"))


def _is_events(target: Any) -> bool:
    return isinstance(target, (list, tuple)) and bool(target) and all(isinstance(one, Event) for one in target)


def _outcome(event: Event) -> tuple[Any, BaseException | None]:
    """Return the value of an event that has happened, or its error, which is then dealt with."""
    if event._ok:
        return event._value, None
    event._defused = True
    return None, event._value
