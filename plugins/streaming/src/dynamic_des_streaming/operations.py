"""What an operation returns: a SimPy event that can be waited for with ``yield`` or with ``yield from``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from simpy.events import NORMAL, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from simpy import Environment

__all__ = ["DelayedOperation", "Operation", "WatchedOperation", "failed", "finished", "succeeded"]


class Operation(Event):
    """Something a component has been asked for. Its value is the result.

    ``record = yield operation``, as any event of SimPy: it can be combined with ``|`` and ``&``.
    ``record = yield from operation`` means the same.
    """

    def __iter__(self) -> Generator[Self, Any, Any]:
        return (yield self)


class DelayedOperation(Operation):
    """An operation that takes a known time and is carried out at its end: one entry in the event queue.

    Attributes:
        request: What was asked for.
        delay: How long it takes, in simulated seconds.
    """

    def __init__(
        self, env: Environment, delay: float, complete: Callable[[Any], None], request: tuple[Any, ...]
    ) -> None:
        # Event.__init__ written out, as in SimPy's own Timeout. The completion is the first callback, so that whoever
        # waits finds the outcome.
        self.env = env
        self.callbacks = [complete]
        self.request = request
        self.delay = delay
        env.schedule(self, NORMAL, delay)

    def conclude(self, value: Any) -> None:
        """Set the outcome: success. To be called from the completion only."""
        self._ok = True
        self._value = value

    def refuse(self, error: Exception) -> None:
        """Set the outcome: failure. To be called from the completion only."""
        self._ok = False
        self._value = error


class WatchedOperation(DelayedOperation):
    """A `DelayedOperation` that knows when nobody wants its result any more."""

    def __init__(
        self, env: Environment, delay: float, complete: Callable[[Any], None], request: tuple[Any, ...]
    ) -> None:
        super().__init__(env, delay, complete, request)
        # the environment takes ``callbacks`` away before it calls them: keep a hand on the list
        self.callbacks = self._waiters = _Waiters(self.callbacks)

    @property
    def given_up(self) -> bool:
        """Whether somebody waited and was interrupted, or chose another event, and nobody is left."""
        return self._waiters.somebody_left and len(self._waiters) == 1

    def refuse(self, error: Exception) -> None:
        """Set the outcome: failure, which nobody needs to hear of who has given up."""
        super().refuse(error)
        if self.given_up:
            self._defused = True


class _Waiters(list["Callable[[Any], None]"]):
    """The callbacks of an event; SimPy removes that of a process that is interrupted, or of a condition that is met."""

    __slots__ = ("somebody_left",)

    def __init__(self, callbacks: list[Callable[[Any], None]]) -> None:
        super().__init__(callbacks)
        self.somebody_left = False

    def remove(self, callback: Callable[[Any], None]) -> None:
        super().remove(callback)
        self.somebody_left = True


def finished(env: Environment, value: Any = None) -> Operation:
    """Return an operation that has happened already: who yields it goes on at once, at no cost."""
    operation = Operation(env)
    operation._ok = True
    operation._value = value
    operation.callbacks = None  # type: ignore[assignment] # how SimPy marks what has been processed
    return operation


def succeeded(env: Environment, value: Any = None) -> Operation:
    """Return an operation that succeeds at this instant."""
    operation = Operation(env)
    operation.succeed(value)
    return operation


def failed(env: Environment, error: Exception) -> Operation:
    """Return an operation that fails at this instant."""
    operation = Operation(env)
    operation.fail(error)
    return operation
