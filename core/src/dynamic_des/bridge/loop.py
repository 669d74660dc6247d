"""The I/O thread: one asyncio loop for all connectors of an environment."""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextlib import suppress
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from dynamic_des.errors import told

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

__all__ = ["IoThread", "cancel", "contained"]

log = logging.getLogger("dynamic_des")


class IoThread:
    """An asyncio loop in a daemon thread.

    Attributes:
        loop: The loop; use ``call_soon_threadsafe`` from elsewhere.
        parked: Whether it rests because that was asked for.
    """

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.parked = False
        self._thread = Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @property
    def ident(self) -> int | None:
        """What the thread is known by."""
        return self._thread.ident

    def start(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine on the loop; return its future, which can be cancelled from anywhere."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def park(self, go: Flag) -> Flag:
        """Let the loop rest between two callbacks until ``go`` is set; return what is set once it rests."""
        rests = Flag()

        def rest() -> None:
            self.parked = True
            rests.set()
            go.wait()
            self.parked = False

        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(rest)
            return rests
        rests.set()
        return rests

    def stop(self) -> None:
        """End the thread: cancel what is left and close the loop."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        """Run the loop until it is stopped, whatever a task of some connector raises into it."""
        while True:
            try:
                self.loop.run_forever()
            except (KeyboardInterrupt, SystemExit) as error:
                log.error("a task of some connector raised %s; everything else goes on", told(error))
            else:
                return

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self._run()
            left = asyncio.all_tasks(self.loop)
            for task in left:
                _ending.add(task)
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()


_ending: WeakSet[asyncio.Task[Any]] = WeakSet()  # those whose end core has asked for


async def contained(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what belongs to a connector, and await it if it wants that.

    Whatever ends it is an error of that connector, and of nobody else: a SystemExit would end the loop, and all other
    connectors with it; a cancellation that core did not ask for (the connector's own doing, or a client's whose tasks
    were cancelled) would end the connector as if the run had ended.

    Raises:
        asyncio.CancelledError: If core has asked for the end (see `cancel`).
        Exception: Whatever else it raised; a RuntimeError in place of what is no Exception.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        answer = function(*arguments)
        if inspect.isawaitable(answer):
            answer = await answer
        if inspect.isasyncgen(answer):
            answer = [item async for item in answer]
        if inspect.isgenerator(answer):  # which does nothing before somebody asks for what it yields
            answer = list(answer)
    except asyncio.CancelledError:
        if task is None or task in _ending:
            raise
        await _forget_cancelling(task, before)
        raise RuntimeError("cancelled by itself, not by the end of the run") from None
    except GeneratorExit as error:
        if not _runs(task):  # it is being thrown away
            raise
        raise RuntimeError(repr(error)) from error
    except Exception:
        raise
    except BaseException as error:  # SystemExit, KeyboardInterrupt, and what a client's own core may raise
        raise RuntimeError(told(error)) from error
    if task is not None and task not in _ending:
        await _forget_cancelling(task, before)
    return answer


def _runs(task: asyncio.Task[Any] | None) -> bool:
    try:
        return task is not None and asyncio.current_task() is task
    except RuntimeError:  # no loop runs
        return False


async def _forget_cancelling(task: asyncio.Task[Any], before: int) -> None:
    """Take back cancellations of the task that it has asked for itself."""
    if task.cancelling() > before:
        while task.cancelling() > before:
            task.uncancel()
        with suppress(asyncio.CancelledError):  # which is still to be delivered, if it was not yet
            await asyncio.sleep(0)


async def cancel(task: asyncio.Task[Any], patience_s: float) -> None:
    """Cancel a task and wait for its end, at most ``patience_s`` wall seconds; say it again if it was not heard."""
    _ending.add(task)
    try:
        async with asyncio.timeout(patience_s):
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.05)
    except TimeoutError:
        pass
    if task.done() and not task.cancelled():
        task.exception()  # of no interest any more
