"""A stream of bytes whose reading blocks, read in a thread: standard input, a named pipe."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from contextlib import suppress
from threading import Semaphore, Thread
from typing import TYPE_CHECKING

from dynamic_des.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["ByteStream"]

_CHUNK = 1 << 16
_AHEAD = 4  # chunks read before somebody takes them
_WINDOWS = sys.platform == "win32"  # where only sockets can be selected: a blocked read cannot be ended from outside


class ByteStream:
    """Reads a descriptor in a thread of its own, which ends when the stream ends or is closed.

    Args:
        path: The named pipe, or ``"-"`` for standard input.

    Raises:
        PermanentError: If this process has no standard input.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._standard_input = _standard_input() if path == "-" else None
        self._loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = Semaphore(_AHEAD)
        self._closed = False
        self._woken, self._wake = os.pipe()
        self._thread = Thread(target=self._pump, name=f"read {path}", daemon=True)
        self._thread.start()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what arrives, until the end of the stream."""
        while chunk := await self._chunks.get():
            self._room.release()
            yield chunk

    async def close(self) -> None:
        """End the thread. What it has read and nobody took is gone."""
        if self._closed:
            return
        self._closed = True
        self._room.release()
        with suppress(OSError):  # it has ended already
            os.write(self._wake, b"-")
        while self._thread.is_alive() and not _WINDOWS:
            if self._standard_input is None:
                self._end_wait_for_writer()
            await asyncio.sleep(0.001)
        os.close(self._wake)

    def _end_wait_for_writer(self) -> None:
        with suppress(OSError):  # nobody waits, or the pipe is gone
            os.close(os.open(self._path, os.O_WRONLY | os.O_NONBLOCK))

    def _pump(self) -> None:
        """Read chunk by chunk; wait while nobody has taken the last ones. In the thread."""
        number = self._standard_input
        try:
            # not sys.stdin.buffer: a thread that holds its lock while the interpreter ends is fatal
            number = os.open(self._path, os.O_RDONLY) if number is None else number
            while self._may_read(number) and (chunk := os.read(number, _CHUNK)):
                self._tell(chunk)
        except (OSError, ValueError):
            pass  # a terminal that went away ends like any other stream
        finally:
            if number is not None and self._standard_input is None:
                os.close(number)
            os.close(self._woken)
            self._tell(b"")

    def _may_read(self, number: int) -> bool:
        """Wait until somebody wants more and there is more; return False when closed meanwhile."""
        self._room.acquire()
        if not (_WINDOWS or self._closed):
            select.select([number, self._woken], [], [])
        return not self._closed

    def _tell(self, chunk: bytes) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)


def _standard_input() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        raise PermanentError("LinesIngress: this process has no standard input. Give the path of a file.") from None
