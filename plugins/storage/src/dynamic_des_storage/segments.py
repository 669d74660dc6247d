"""One file of the target size in the making.

Every part is a complete file of its own as soon as it is written, so that it can be read at once and nothing is lost
with the process. The second part begins a hidden file with the records of all parts; when it is large enough it takes
their place. Where too many folders get records at a time, segments are parked: their parts are read back at the end.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_des_storage.merging import merge

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des_storage.places import Place

__all__ = ["Growing", "Segment"]

log = logging.getLogger("dynamic_des.egress")


class Growing(Protocol):
    """Writes a file part by part."""

    def add(self, part: Any) -> None:
        """Append a part."""

    def size(self) -> int:
        """Return how many bytes are written by now, as far as that is known."""

    def waiting(self) -> int:
        """Return how many records are kept in memory."""

    def flush(self) -> None:
        """Write them."""

    def finish(self) -> None:
        """Write what is left, so that the file is complete."""


class Segment:
    """Parts of one folder that become one file.

    Args:
        place: Where the files are.
        grow: Makes of a stream, and of the first part, what writes the large file.
        load: Makes a part of what stands in its file.

    Attributes:
        used: When it got its latest part, in seconds of `time.monotonic`.
        parked: Whether its large file is not written before the end.
    """

    def __init__(self, place: Place, grow: Callable[[Any, Any], Growing], load: Callable[[bytes], Any]) -> None:
        self.used = monotonic()
        self.parked = False
        self._place = place
        self._grow = grow
        self._load = load
        self._begun = monotonic()
        self._names: list[str] = []
        self._bytes = 0
        self._first: Any = None
        self._hidden = ""
        self._stream: Any = None
        self._growing: Growing | None = None
        self._broken = False

    def add(self, name: str, content: Any, part: Any) -> None:
        """Write a part: it is there, complete, when this returns.

        Args:
            name: Name of the part's own file.
            content: What stands in that file.
            part: The same as the large file wants it.
        """
        self._place.put(name, content)
        self._names.append(name)
        self._bytes += len(content)
        self.used = monotonic()
        if self._broken or self.parked:
            return
        try:
            self._add_to_large_file(part)
        except OSError as error:  # the part is safe: only the merging is given up
            log.info("%s: stays in small files: %s", name, error)
            self.abandon()

    @property
    def size(self) -> int:
        """About how many bytes its one file has, or would have."""
        return (self._growing.size() if self._growing is not None else 0) or self._bytes

    @property
    def parts(self) -> int:
        """How many parts it has."""
        return len(self._names)

    @property
    def waiting(self) -> int:
        """How many records it keeps in memory."""
        return 0 if self._growing is None else self._growing.waiting()

    def flush(self) -> None:
        """Write what it keeps in memory."""
        if self._growing is None:
            return
        try:
            self._growing.flush()
        except OSError as error:
            log.info("%s: stays in small files: %s", self._names[0], error)
            self.abandon()

    @property
    def is_open(self) -> bool:
        """Whether its large file is being written."""
        return self._growing is not None

    @property
    def age_s(self) -> float:
        """Wall seconds since it was begun."""
        return monotonic() - self._begun

    def finish(self) -> None:
        """Let the large file take the place of the parts."""
        try:
            if self.parked and not self._broken and len(self._names) > 1:
                self._read_back()
            if self._growing is None:
                self._first = None
                return
            self._growing.finish()
            self._stream.close()
            if merge(self._place, self._hidden, self._names):
                self._growing = None
        except (OSError, ValueError) as error:  # somebody moved a part
            log.info("%s: stays in %d small files: %s", self._names[0], len(self._names), error)
        self.abandon()

    def abandon(self) -> None:
        """Give up the large file, and free its space. The parts stay."""
        self._broken = True
        self._drop()

    def park(self) -> None:
        """Give up the large file until the end, for it takes memory and an open file."""
        self.parked = True
        self._drop()

    def _drop(self) -> None:
        self._first = None
        if self._growing is None:
            return
        self._growing = None
        try:
            self._stream.close()
        except OSError as error:
            log.debug("%s: %s", self._hidden, error)
        self._place.remove(self._hidden)

    def _read_back(self) -> None:
        self._hidden, self._stream = self._place.open_hidden()
        for name in self._names:
            part = self._load(self._place.read(name))
            self._growing = self._growing or self._grow(self._stream, part)
            self._growing.add(part)

    def _add_to_large_file(self, part: Any) -> None:
        if len(self._names) == 1:
            self._first = part
            return
        if self._growing is None:
            self._hidden, self._stream = self._place.open_hidden()
            self._growing = self._grow(self._stream, self._first)
            self._growing.add(self._first)
            self._first = None
        self._growing.add(part)
