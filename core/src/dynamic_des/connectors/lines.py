"""Changes as JSON lines: from standard input, or from a file that is followed as it grows."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dynamic_des.connectors.byte_stream import ByteStream
from dynamic_des.connectors.line_splitter import LineSplitter
from dynamic_des.errors import ConfigError, PermanentError, show
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from dynamic_des.connectors.line_splitter import Line
    from dynamic_des.messages import RunInfo

__all__ = ["LinesIngress"]

_CHUNK = 1 << 16


class LinesIngress(BaseIngress):
    """Steers a twin from a shell, with no server: one JSON change a line.

    ::

        echo '{"path": "Line_A.resources.lathe.current_cap", "value": 3}' >> changes.jsonl

    Empty lines are skipped. A line that is no change is refused with its number, and the run goes on. Standard input,
    or a named pipe, ends with its end; a file is followed for ever, waited for when it is not there yet, and read
    from its beginning when it was truncated or replaced. Its position, ``(offset, line number)``, is that after the
    line; streams have none.

    Args:
        path: The file, or ``"-"`` for standard input.
        follow: For a file: go on when its end is reached. False reads what is there and ends.
        poll_interval: Wall seconds between two looks at a file that has not grown.
    """

    def __init__(self, path: str | Path = "-", *, follow: bool = True, poll_interval: float = 0.01) -> None:
        if isinstance(poll_interval, bool) or not isinstance(poll_interval, (int, float)) or not poll_interval > 0:
            raise ConfigError(f"LinesIngress: poll_interval is {show(poll_interval)}. Give seconds, above 0.")
        self.path = str(path)
        self._follow = follow
        self._poll_interval_s = poll_interval
        self._start = (0, 0)
        self._stream: ByteStream | None = None

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
        streamed = await self._is_stream()
        async with aclosing(self._lines_of_stream() if streamed else self._lines_of_file()) as lines:
            async for line, offset, number in lines:
                if line.strip():
                    yield Message(line, {} if streamed else {self.path: (offset, number)}, {"line": number})

    async def close(self) -> None:
        """Let go of the stream; a file is open only while it is read."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    def _check(self, path: Path) -> None:
        if path.is_dir():
            raise PermanentError(f"LinesIngress: {path} is a folder. Give the path of a file, or '-'.")
        if not self._follow and not path.exists():
            raise PermanentError(f"LinesIngress: there is no file {path}. Create it, or let follow be true.")

    async def _is_stream(self) -> bool:
        """Return what the path names, as soon as there is something."""
        if self.path == "-":
            return True
        while True:
            try:
                return not stat.S_ISREG(Path(self.path).stat().st_mode)  # noqa: ASYNC240 - a local file
            except FileNotFoundError:
                await asyncio.sleep(self._poll_interval_s)

    async def _lines_of_stream(self) -> AsyncGenerator[Line, None]:
        self._stream = ByteStream(self.path)
        splitter = LineSplitter(0, 0)
        async for chunk in self._stream.chunks():
            for line in splitter.feed(chunk):
                yield line
        for line in splitter.rest():
            yield line

    async def _lines_of_file(self) -> AsyncGenerator[Line, None]:
        """Yield the lines of a file, as long as it is followed."""
        splitter = LineSplitter(*self._start)
        file: BinaryIO | None = None
        try:
            while True:
                if file is None:
                    file = await self._wait_for_file()
                    splitter = _go_on(file, splitter)
                moved_on = self._is_another(file)  # asked before its end is looked for: what came until then is read
                if chunk := file.read(_CHUNK):
                    for line in splitter.feed(chunk):
                        yield line
                elif moved_on or not self._follow:
                    for line in splitter.rest():
                        yield line
                    if not self._follow:
                        return
                    file.close()
                    file, splitter = None, LineSplitter(0, 0)
                else:
                    await asyncio.sleep(self._poll_interval_s)
        finally:
            if file is not None:
                file.close()

    async def _wait_for_file(self) -> BinaryIO:
        while True:
            try:
                return Path(self.path).open("rb", buffering=0)  # noqa: ASYNC230 - a local file
            except FileNotFoundError:
                await asyncio.sleep(self._poll_interval_s)

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


def _go_on(file: BinaryIO, splitter: LineSplitter) -> LineSplitter:
    """Go to where the splitter stands, or to the beginning when the file is shorter by now."""
    if os.fstat(file.fileno()).st_size < splitter.offset:
        return LineSplitter(0, 0)
    file.seek(splitter.offset)
    return splitter
