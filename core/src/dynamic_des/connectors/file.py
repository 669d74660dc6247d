"""Records in a file of JSON lines."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from dynamic_des.appended_file import AppendedFile
from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import PermanentError
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_des.messages import RunInfo
    from dynamic_des.serializers import MessageSerializer

__all__ = ["FileEgress"]


class FileEgress(BaseEgress):
    """Appends every record to a file, one JSON document a line, in order of ``seq``.

    A batch that could not be written completely is taken back before it is tried again: no half lines, no
    duplicates. A file that was moved or removed meanwhile (a log rotation) is made anew. Returned means: given to the
    operating system; power loss is another matter. One file has one writer.

    Args:
        path: The file; made if missing, with its folders.
        append: Whether to keep what the file holds when the egress is first opened.
        system: Whether the framework's own ``system.*`` records are written too.
        serializer: How a record becomes a line. JSON by default; must not produce line breaks.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        append: bool = False,
        system: bool = True,
        serializer: MessageSerializer | None = None,
    ) -> None:
        self._file = AppendedFile(path)
        self._append = append
        self._system = system
        self._serializer = serializer or JsonSerializer()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    async def open(self, run: RunInfo) -> None:
        """Open the file.

        Raises:
            PermanentError: If the path is a folder, or something that has no length, such as a pipe.
        """
        if self.path.is_dir():
            raise PermanentError(f"FileEgress: {self.path} is a folder. Give the path of a file.")
        if self.path.exists() and not stat.S_ISREG(self.path.stat().st_mode):
            raise PermanentError(f"FileEgress: {self.path} is not a regular file. Use ConsoleEgress for pipes.")
        if run.trial:
            self._file.try_open()
            return
        file = self._file.open()
        if not self._append:
            file.truncate(0)
        self._append = True  # once opened, what is there is ours: it is kept when the egress is opened again
        _end_last_line(file)

    def write(self, batch: Batch) -> None:  # type: ignore[override]  # plain: disks block
        """Append the batch."""
        if batch.system and not self._system:
            return
        self._file.append(batch.lines(self._serializer))

    async def close(self) -> None:
        """Close the file."""
        self._file.close()


def _end_last_line(file: BinaryIO) -> None:
    """End half a line of whoever wrote before."""
    end = file.seek(0, os.SEEK_END)
    if end:
        file.seek(end - 1)
        if file.read(1) != b"\n":
            file.write(b"\n")
