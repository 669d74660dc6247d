"""A file that whole batches are appended to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["AppendedFile"]


class AppendedFile:
    """A regular file at a path, open for appending; unbuffered. One file has one writer.

    What could not be appended completely is taken back: at once, or before anything else is appended, or when the file
    is opened again.

    Args:
        path: The file; made if missing, with its folders, when it is opened.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: BinaryIO | None = None
        self._torn: int | None = None  # length of the file before an append that failed and could not be taken back

    def open(self) -> BinaryIO:
        """Open the file, without what an append left that failed; return it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = file = self.path.open("a+b", buffering=0)
        if self._torn is not None:
            self._take_back(file, min(self._torn, file.seek(0, os.SEEK_END)))
        return file

    def try_open(self) -> None:
        """Raise what opening the file would raise, and leave no trace.

        Raises:
            OSError: If it could not be opened.
        """
        if self.path.exists():
            self.path.open("ab").close()
            return
        folder = next(parent for parent in self.path.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} cannot be written to. Give another path.")

    def append(self, data: bytes, *, sync: bool = False) -> None:
        """Append ``data``, all of it or nothing; wait for the disk too when ``sync``.

        Raises:
            OSError: If it could not be written; if the file was moved or removed meanwhile: open it again, which makes
                it anew.
        """
        file = self._file
        assert file is not None
        if self._is_elsewhere(file):
            raise FileNotFoundError(f"{self.path} was moved or removed")
        if self._torn is not None:
            self._take_back(file, self._torn)
        end = file.seek(0, os.SEEK_END)
        try:
            view = memoryview(data)
            while view:
                view = view[file.write(view) or 0 :]
            if sync:
                os.fsync(file.fileno())
        except OSError:
            self._torn = end
            with suppress(OSError):  # the first error is the one that says why
                self._take_back(file, end)
            raise

    def close(self) -> None:
        """Close the file. Idempotent."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take_back(self, file: BinaryIO, end: int) -> None:
        file.truncate(end)
        self._torn = None

    def _is_elsewhere(self, file: BinaryIO) -> bool:
        held = os.fstat(file.fileno())
        try:
            named = self.path.stat()
        except FileNotFoundError:
            return True
        return (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino)
