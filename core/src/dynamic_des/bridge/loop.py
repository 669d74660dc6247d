"""The I/O thread: one asyncio loop for all connectors of an environment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine
    from concurrent.futures import Future

__all__ = ["IoThread", "cancel", "contained"]

T = TypeVar("T")


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

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()


async def contained(work: Awaitable[T]) -> T:
    """Await what a connector does; whatever ends it is an error of that connector, and of nobody else.

    A SystemExit would end the loop, and all other connectors with it. A cancellation that nobody asked for (a client
    whose own tasks were cancelled) would end the connector as if the run had ended.
    """
    try:
        return await work
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("cancelled by itself, not by the end of the run") from None
    except (KeyboardInterrupt, SystemExit) as error:
        raise RuntimeError(repr(error)) from error


async def cancel(task: asyncio.Task[Any], patience_s: float) -> None:
    """Cancel a task and wait for its end, at most ``patience_s`` wall seconds; say it again if it was not heard."""
    try:
        async with asyncio.timeout(patience_s):
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.05)
    except TimeoutError:
        pass
    if task.done() and not task.cancelled():
        task.exception()  # of no interest any more
