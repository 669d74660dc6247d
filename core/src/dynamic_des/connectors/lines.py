"""Changes as JSON lines: from standard input, or from a file that is followed as it grows."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO

from dynamic_des.errors import PermanentError
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from dynamic_des.messages import RunInfo

__all__ = ["LinesIngress"]

_CHUNK = 1 << 16
_MAX_LINE = 1 << 24  # what a line may hold in memory; core refuses far shorter ones


class LinesIngress(BaseIngress):
    """Steers a twin from a shell, with no server: one JSON change a line.

    ::

        echo '{"path": "Line_A.resources.lathe.current_cap", "value": 3}' >> changes.jsonl

    Empty lines are skipped. A line that is no change is refused with its number, and the run goes on. Standard input,
    or a named pipe, ends with its end; a file is followed for ever, waited for when it is not there yet, and read
    from its beginning when it was truncated or replaced.

    Args:
        path: The file, or ``"-"`` for standard input.
        follow: For a file: go on when its end is reached. False reads what is there and ends.
        poll_interval: Wall seconds between two looks at a file that has not grown.
    """

    def __init__(self, path: str | Path = "-", *, follow: bool = True, poll_interval: float = 0.01) -> None:
        self.path = str(path)
        self._follow = follow
        self._poll_interval_s = poll_interval
        self._start = (0, 0)
        self._chunks: asyncio.Queue[bytes] | None = None

    async def open(self, run: RunInfo) -> None:
        """Take the position to go on from.

        Raises:
            PermanentError: If there is nothing to read from.
        """
        if self.path != "-":
            self._check(Path(self.path))
        offset, number = run.positions.get(self.path, (0, 0))
        self._start = (offset, number)

    async def messages(self) -> AsyncIterator[Message]:
        """Yield the lines."""
        async for line, offset, number in self._stream() if self._is_stream() else self._file():
            if line.strip():
                position = {} if self._is_stream() else {self.path: (offset, number)}
                yield Message(line, position, {"line": number})

    def _check(self, path: Path) -> None:
        if path.is_dir():
            raise PermanentError(f"LinesIngress: {path} is a folder. Give the path of a file, or '-'.")
        if not self._follow and not path.exists():
            raise PermanentError(f"LinesIngress: there is no file {path}. Create it, or let follow be true.")

    def _is_stream(self) -> bool:
        if self.path == "-":
            return True
        try:
            return not stat.S_ISREG(Path(self.path).stat().st_mode)
        except OSError:
            return False

    async def _stream(self) -> AsyncIterator[tuple[bytes, int, int]]:
        """Yield the lines of a stream that is read in a thread, because reading it blocks."""
        if self._chunks is None:
            self._chunks = asyncio.Queue(maxsize=4)
            read = _read_standard_input() if self.path == "-" else _read_pipe(self.path)
            pump = Thread(target=_pump, args=(read, self._chunks, asyncio.get_running_loop()), daemon=True)
            pump.start()
        splitter = _Splitter(0, 0)
        while chunk := await self._chunks.get():
            for line in splitter.feed(chunk):
                yield line
        for line in splitter.rest():
            yield line

    async def _file(self) -> AsyncIterator[tuple[bytes, int, int]]:
        """Yield the lines of a file, as long as it is followed."""
        splitter = _Splitter(*self._start)
        file: BinaryIO | None = None
        try:
            while True:
                if file is None:
                    file = await self._wait_for_file(splitter)
                if chunk := file.read(_CHUNK):
                    for line in splitter.feed(chunk):
                        yield line
                elif not self._follow:
                    for line in splitter.rest():
                        yield line
                    return
                elif self._is_another(file):
                    file.close()
                    file, splitter = None, _Splitter(0, 0)
                else:
                    await asyncio.sleep(self._poll_interval_s)
        finally:
            if file is not None:
                file.close()

    async def _wait_for_file(self, splitter: _Splitter) -> BinaryIO:
        while True:
            try:
                file = Path(self.path).open("rb", buffering=0)  # noqa: ASYNC230, SIM115 - a local file; closed by who follows it
            except FileNotFoundError:
                await asyncio.sleep(self._poll_interval_s)
            else:
                if os.fstat(file.fileno()).st_size >= splitter.offset:
                    file.seek(splitter.offset)
                else:
                    splitter.offset = splitter.number = 0
                return file

    def _is_another(self, file: BinaryIO) -> bool:
        """Return whether the path now names another file, or this one was truncated."""
        held = os.fstat(file.fileno())
        if held.st_size < file.tell():
            return True
        try:
            named = Path(self.path).stat()
        except FileNotFoundError:
            return False  # gone: what comes in its place is seen when it comes
        return (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino)


class _Splitter:
    """Cuts chunks into lines, and keeps count of offset and line number."""

    def __init__(self, offset: int, number: int) -> None:
        self.offset = offset
        self.number = number
        self._open = bytearray()
        self._open_length = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, int, int]]:
        """Yield ``(line, offset after it, line number)`` for each line that ``chunk`` completes."""
        *complete, tail = chunk.split(b"\n")
        for piece in complete:
            self._keep(piece)
            yield self._cut(1)
        self._keep(tail)

    def rest(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield the last line when it has no line break."""
        if self._open_length:
            yield self._cut(0)

    def _keep(self, piece: bytes) -> None:
        self._open_length += len(piece)
        self._open += piece[: max(0, _MAX_LINE - len(self._open))]  # the rest of an endless line is only counted

    def _cut(self, line_break: int) -> tuple[bytes, int, int]:
        line = bytes(self._open).rstrip(b"\r")
        self.offset += self._open_length + line_break
        self.number += 1
        self._open.clear()
        self._open_length = 0
        return line, self.offset, self.number


def _read_standard_input() -> Callable[[], bytes]:
    try:
        number = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        raise PermanentError("LinesIngress: this process has no standard input. Give the path of a file.") from None
    # not sys.stdin.buffer: a thread that holds its lock while the interpreter ends is fatal
    return lambda: os.read(number, _CHUNK)


def _read_pipe(path: str) -> Callable[[], bytes]:
    file: list[BinaryIO] = []

    def read() -> bytes:
        if not file:
            file.append(Path(path).open("rb", buffering=0))  # noqa: SIM115 - blocks until a writer comes; closed below
        chunk = file[0].read(_CHUNK)
        if not chunk:
            file[0].close()
        return chunk

    return read


def _pump(read: Callable[[], bytes], chunks: asyncio.Queue[bytes], loop: asyncio.AbstractEventLoop) -> None:
    """Read chunk by chunk; wait while the loop has not taken the last ones."""
    chunk = b"-"
    while chunk:
        try:
            chunk = read()
        except OSError:
            chunk = b""  # a terminal that went away ends like any other stream
        try:
            asyncio.run_coroutine_threadsafe(chunks.put(chunk), loop).result()
        except Exception:  # noqa: BLE001 - the loop was closed while this thread was reading: nobody listens any more
            return
