"""Records in a file of JSON lines."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import PermanentError
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
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
        self.path = Path(path)
        self._append = append
        self._system = system
        self._serializer = serializer or JsonSerializer()
        self._file: BinaryIO | None = None
        self._torn: int | None = None  # length of the file before a write that failed and could not be taken back

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
            self._try()
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+b", buffering=0)
        if not self._append:
            self._file.truncate(0)
        self._append = True  # once opened, what is there is ours: it is kept when the egress is opened again
        self._mend(self._file)

    def _try(self) -> None:
        """Raise what opening the file would raise, and leave no trace."""
        if self.path.exists():
            self.path.open("ab").close()
            return
        folder = next(parent for parent in self.path.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"FileEgress: {folder} cannot be written to. Give another path.")

    def write(self, batch: Batch) -> None:  # type: ignore[override]  # plain: disks block
        """Append the batch."""
        if batch.system and not self._system:
            return
        file = self._file
        assert file is not None
        if self._is_elsewhere(file):
            raise FileNotFoundError(f"{self.path} was moved or removed")  # core opens it again, and makes it anew
        lines = batch.lines(self._serializer)
        end = file.seek(0, os.SEEK_END)
        try:
            view = memoryview(lines)
            while view:
                view = view[file.write(view) or 0 :]
        except OSError:
            self._torn = end
            file.truncate(end)
            self._torn = None
            raise

    async def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _mend(self, file: BinaryIO) -> None:
        """Take back half a batch of ours; end half a line of whoever wrote before."""
        end = file.seek(0, os.SEEK_END)
        if self._torn is not None:
            file.truncate(min(self._torn, end))
            self._torn = None
        elif end:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")

    def _is_elsewhere(self, file: BinaryIO) -> bool:
        held = os.fstat(file.fileno())
        try:
            named = self.path.stat()
        except FileNotFoundError:
            return True
        return (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino)
