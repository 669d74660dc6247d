"""Dead letters in a file of JSON lines."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from dynamic_des.appended_file import AppendedFile
from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import PermanentError
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dynamic_des.messages import RunInfo

__all__ = ["LetterFile"]

_BEGINNING = b'{"stream_type":"dead_letter"'
_BLOCK = 1 << 16


class LetterFile(BaseEgress):
    """Appends dead letters to a file, one line each, and is back only when the disk has them.

    Returned means: on the disk (``fsync``), because a source is acknowledged on the strength of it. What a crash left
    of half a letter is taken away when the file is opened next: its message was not acknowledged, and comes again. A
    file that was moved or removed meanwhile is made anew. One file has one process that writes it.

    Args:
        path: The file; made if missing, with its folders. What it holds is kept.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = AppendedFile(path)
        self._json = JsonSerializer()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    async def open(self, run: RunInfo) -> None:
        """Open the file.

        Raises:
            PermanentError: If the path is not that of a regular file.
        """
        if self.path.exists() and not stat.S_ISREG(self.path.stat().st_mode):
            raise PermanentError(f"dead_letters: {self.path} is not a regular file. Give the path of a file.")
        if run.trial:
            self._file.try_open()
            return
        _mend(self._file.open())

    def write(self, batch: Batch) -> Iterable[tuple[int, str]] | None:  # type: ignore[override]  # plain: disks block
        """Append the batch, and wait for the disk."""
        lines = b"".join(line + b"\n" for line in batch.encode(self._json) if line is not None)
        self._file.append(lines, sync=True)
        return None

    async def close(self) -> None:
        """Close the file."""
        self._file.close()


def _mend(file: BinaryIO) -> None:
    """Take away half a letter at the end; end half a line that is nobody's letter."""
    end = file.seek(0, os.SEEK_END)
    start = _start_of_last_line(file, end)
    if start == end:
        return
    file.seek(start)
    head = file.read(len(_BEGINNING))
    if _BEGINNING.startswith(head):  # a letter, whole or not, ends with a line break
        file.truncate(start)
    else:
        file.write(b"\n")


def _start_of_last_line(file: BinaryIO, end: int) -> int:
    """Return where the last line begins that has no line break; ``end`` if there is none."""
    at = end
    while at > 0:
        block = min(_BLOCK, at)
        at -= block
        file.seek(at)
        found = file.read(block).rfind(b"\n")
        if found >= 0:
            return at + found + 1
    return 0
