"""Where files are: a folder on a disk, or a prefix in an object store."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from pyarrow import fs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HIDDEN", "Place", "is_hidden"]

HIDDEN = ".dynamic-des"  # readers leave alone what begins with a point
_WHOLE = ("s3", "gcs", "abfs")  # stores in which an object is there completely or not at all
_DAY_S = 86_400.0


def is_hidden(name: str) -> bool:
    """Return whether a file, by its path in a place, is one that nobody sees."""
    return name.startswith(f"{HIDDEN}/")


class Place:
    """A folder, in which a file is seen only when it is complete.

    On a disk a file is written beside, in the folder `HIDDEN`, and renamed. In an object store it is sent in one
    piece, and an object appears when it is complete. Paths are relative, with ``/``.

    Attributes:
        fs: The file system.
        root: Where it is in that.
        is_store: Whether it is an object store.
    """

    def __init__(self, filesystem: fs.FileSystem, root: str) -> None:
        base = filesystem
        while isinstance(base, fs.SubTreeFileSystem):
            base = base.base_fs
        self.fs = filesystem
        self.root = root
        self.is_store = base.type_name in _WHOLE
        self._made: set[str] = set()
        self._token = secrets.token_hex(6)
        self._number = 0

    def put(self, name: str, content: Any) -> None:
        """Write a file, replacing what has this name."""
        if self.is_store:
            self._write(name, content)
            return
        hidden = self.hidden_name()
        try:
            self._write(hidden, content)
            self._make_folder(name)
            self.fs.move(self.absolute(hidden), self.absolute(name))
        except BaseException:
            self._made.clear()  # perhaps somebody removed a folder
            self.remove(hidden)
            raise

    def _write(self, name: str, content: Any) -> None:
        with self._stream(name) as stream:
            stream.write(content)

    def _stream(self, name: str) -> Any:
        self._make_folder(name)
        try:
            return self.fs.open_output_stream(self.absolute(name), compression=None)
        except FileNotFoundError:  # another twin left, and removed the hidden folder that was empty
            self._made.clear()
            self._make_folder(name)
            return self.fs.open_output_stream(self.absolute(name), compression=None)

    def open_hidden(self) -> tuple[str, Any]:
        """Return the name of a new file that nobody sees, and the stream that writes it."""
        name = self.hidden_name()
        return name, self._stream(name)

    def hidden_name(self, suffix: str = "tmp") -> str:
        """Return a name that is not in use, for a file that nobody sees."""
        self._number += 1
        return f"{HIDDEN}/{self._token}-{self._number}.{suffix}"

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of the file that had it: an object is copied."""
        self.fs.move(self.absolute(old), self.absolute(new))

    def remove(self, name: str) -> None:
        """Remove a file if it is there and can be removed."""
        with suppress(OSError):
            self.fs.delete_file(self.absolute(name))

    def read(self, name: str) -> bytes:
        """Return what a file holds."""
        with self.fs.open_input_stream(self.absolute(name), compression=None) as stream:
            content: bytes = stream.read()
            return content

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None when there is no such file."""
        info = self.fs.get_file_info(self.absolute(name))
        return info.size if info.type == fs.FileType.File else None

    def files(self, folder: str = "") -> Iterator[fs.FileInfo]:
        """Yield the files below a folder of it, hidden ones too."""
        selector = fs.FileSelector(self.absolute(folder) if folder else self.root, allow_not_found=True, recursive=True)
        yield from (info for info in self.fs.get_file_info(selector) if info.type == fs.FileType.File)

    def itself(self) -> dict[str, tuple[int, int | None]]:
        """Return size and time of the last change, under the name ``""``, when it is a file instead of a folder."""
        info = self.fs.get_file_info(self.root)
        return {"": (info.size, info.mtime_ns)} if info.type == fs.FileType.File else {}

    def relative(self, path: str) -> str:
        """Return an absolute path of this file system as it is seen from here."""
        return path[len(self.root) :].lstrip("/")

    def absolute(self, name: str) -> str:
        """Return a name as the file system wants it."""
        return f"{self.root}/{name}" if self.root and name else self.root or name

    def sweep(self) -> None:
        """Remove what a killed process left of files that it was writing, a day after their last change."""
        for info in list(self.files(HIDDEN)):
            if info.mtime is not None and info.mtime.timestamp() < time() - _DAY_S:
                self.remove(self.relative(info.path))

    def leave(self) -> None:
        """Remove the hidden folder if it is empty."""
        if self.fs.type_name == "local":
            with suppress(OSError):
                Path(self.absolute(HIDDEN)).rmdir()
                self._made.clear()

    def try_writing(self) -> None:
        """Raise what writing would raise, as far as that can be seen without a trace."""
        if self.fs.type_name != "local":
            self.fs.get_file_info(self.root)
            return
        folder = Path(self.root)
        while not folder.exists():
            folder = folder.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} cannot be written to. Give another path.")

    def _make_folder(self, name: str) -> None:
        folder = name.rpartition("/")[0]
        if not self.is_store and folder not in self._made:
            self.fs.create_dir(self.absolute(folder) if folder else self.root, recursive=True)
            self._made.add(folder)
