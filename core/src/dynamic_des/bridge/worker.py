"""A thread of one's own for calls that block."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import SimpleQueue
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Worker"]

T = TypeVar("T")
_Job = tuple["Callable[[], Any]", "asyncio.Future[Any] | None"]


class Worker:
    """Runs one call after the other in a daemon thread, started at the first call if not before.

    Not the loop's own executor: that one refuses work once the interpreter shuts down, which is when the last
    batch of a script without ``teardown`` is written.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return ``function(*arguments)``, computed in the thread."""
        self.start()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((lambda: function(*arguments), answer))
        return await answer

    def start(self) -> None:
        """Start the thread. Python 3.12 starts none any more once the interpreter shuts down: start in time."""
        if self._thread is None:
            self._thread = Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()

    def park(self, go: Flag) -> Flag:
        """Let the thread rest between two calls until ``go`` is set; return what is set once it rests."""
        rests = Flag()
        if self._thread is None or not self._thread.is_alive():
            rests.set()
            return rests

        def rest() -> None:
            rests.set()
            go.wait()

        self._jobs.put((rest, None))
        return rests

    def stop(self) -> None:
        """Let the thread end after the calls it has."""
        self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            compute, answer = job
            try:
                result, error = compute(), None
            except BaseException as raised:  # noqa: BLE001 - handed to who called
                result, error = None, raised
            if answer is not None:
                _answer(answer, result, error)


def _answer(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    def settle() -> None:
        if answer.done():  # cancelled meanwhile
            return
        if error is None:
            answer.set_result(result)
        elif isinstance(error, StopIteration) or not isinstance(error, Exception):
            # a future cannot hold the one, and the loop does not outlive a SystemExit
            answer.set_exception(RuntimeError(repr(error)))
        else:
            answer.set_exception(error)

    with suppress(RuntimeError):  # the loop was closed: nobody waits any more
        answer.get_loop().call_soon_threadsafe(settle)
