"""What the egresses of this plugin share: folders, files of a target size, and what is written already."""

from __future__ import annotations

import asyncio
import logging
import secrets
from abc import abstractmethod
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from dynamic_des import BaseEgress, Batch, PermanentError
from dynamic_des.errors import ConfigError, show, told
from dynamic_des_storage.holdings import file_name, holdings
from dynamic_des_storage.merging import complete_merges
from dynamic_des_storage.places import Place
from dynamic_des_storage.routing import Routing
from dynamic_des_storage.segments import Segment
from dynamic_des_storage.stores import filesystem_and_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pyarrow import fs

    from dynamic_des.messages import RunInfo
    from dynamic_des_storage.routing import Router
    from dynamic_des_storage.segments import Growing

__all__ = ["Part", "StorageEgress"]

log = logging.getLogger("dynamic_des.egress")

_MOST_OPEN = 128  # large files in the making after a batch, each of them an open file
_MOST_OPEN_FAR = 32  # of a store, each with a buffer for an upload
_MOST_WAITING = 4_000_000  # records in the memory of all of them
_MOST_PARKED = 512  # segments
_MOST_TO_READ = 32  # parts of one that are read back
_POISON = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NotImplementedError, RecursionError)
Aside = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Part:
    """What of one batch goes to one folder.

    Attributes:
        folder: The folder.
        first: Number of the first record in it.
        last: Number of the last one.
        data: The records, as the format wants them.
    """

    folder: str
    first: int
    last: int
    data: Any


class StorageEgress(BaseEgress):
    """Writes batches as files, each complete when it is seen, which become files of a target size."""

    extension: ClassVar[str]

    def __init__(
        self,
        path: str | Path,
        filesystem: fs.FileSystem | Mapping[str, Any] | None,
        router: Sequence[str] | Router,
        target_file_size: int,
        rotate_after_s: float | None,
        system: bool,
    ) -> None:
        where = type(self).__name__
        if isinstance(target_file_size, bool) or not isinstance(target_file_size, int) or target_file_size < 0:
            raise ConfigError(f"{where}: target_file_size is {show(target_file_size)}. Give bytes, 0 or more.")
        if rotate_after_s is not None and not rotate_after_s > 0:
            raise ConfigError(f"{where}: rotate_after_s is {show(rotate_after_s)}. Give seconds, above 0.")
        self.path = str(path)
        self._filesystem = filesystem
        self._routing = Routing(router)
        self._target = target_file_size
        self._rotate_after_s = rotate_after_s
        self._system = system
        self._place: Place | None = None
        self._segments: dict[str, Segment] = {}
        self._run_id = ""
        self._token = secrets.token_hex(4)
        self._done: dict[tuple[str, bool], int] = {}

    async def open(self, run: RunInfo) -> None:
        """Find the folder, and carry out what a killed process left undone there.

        Raises:
            PermanentError: If there is no such file system, or the path is a file.
        """
        await asyncio.to_thread(self._open, run)

    def write(self, batch: Batch) -> Iterable[tuple[int, str]] | None:  # type: ignore[override]  # plain: disks block
        """Write the batch: a file for each folder, complete and visible when this returns."""
        if batch.system and not self._system:
            return None
        place = self._place
        assert place is not None
        try:
            return self._write(place, batch) or None  # None: core need not look at the batch
        except _POISON as error:
            payloads = batch[:]
            if len(payloads) == 1:
                return [(payloads[0]["sys_seq" if batch.system else "seq"], told(error))]
            log.warning("%s: %s: each of %d records alone", type(self).__name__, told(error), len(payloads))
            each = (Batch([payload], lambda one: one, system=batch.system) for payload in payloads)
            return [refused for one in each for refused in self.write(one) or ()] or None

    def _write(self, place: Place, batch: Batch) -> Aside:
        begun = monotonic()
        parts, aside = self._parts(batch)
        parts.sort(key=_last)  # the batch's last record when all else is there: see `holdings`
        for part in parts:
            self._write_part(place, part, parts[-1].last, system=batch.system)
            self._done[part.folder, batch.system] = part.last
        self._finish_full([part.folder for part in parts])
        self._make_room(_MOST_OPEN_FAR if place.is_store else _MOST_OPEN, begun)
        return aside

    async def written(self) -> int | None:
        """Return the last ``seq`` of this run's model records that the folder holds, and all before it.

        Looks at the files. Records beyond it that are there already, because a batch for several folders was
        interrupted, are not written a second time when they come again.
        """
        return await asyncio.to_thread(self._written)

    async def close(self) -> None:
        """Put the large files that are in the making in place of their parts."""
        try:
            await asyncio.to_thread(self._close)
        except RuntimeError:  # the interpreter ends, and starts no thread any more
            self._close()

    @abstractmethod
    def _parts(self, batch: Batch) -> tuple[list[Part], Aside]:
        """Return what goes where, and ``(seq, reason)`` of what cannot be written."""

    @abstractmethod
    def _last_of(self, place: Place, name: str) -> int:
        """Return the number of the last of the model's records in a file."""

    @abstractmethod
    def _encode(self, data: Any) -> Any:
        """Return what stands in a file with one part."""

    @abstractmethod
    def _decode(self, content: bytes) -> Any:
        """Return the part that stands in a file."""

    @abstractmethod
    def _growing(self) -> Callable[[Any, Any], Growing]:
        """Return what makes a large file."""

    def _begin(self, place: Place) -> None:
        """Another run begins, whose records count from 1."""

    def _open(self, run: RunInfo) -> None:
        try:
            place = Place(*filesystem_and_path(self.path, self._filesystem))
        except ConfigError as error:
            raise PermanentError(f"{type(self).__name__}: {error}") from error
        if place.size("") is not None:
            raise PermanentError(f"{type(self).__name__}: {self.path} is a file. Give the path of a folder.")
        if run.trial:
            place.try_writing()
            return
        complete_merges(place)
        place.sweep()
        self._place = place
        if run.run_id != self._run_id:
            self._run_id = run.run_id
            self._routing.begin(run)
            self._done.clear()
            self._begin(place)

    def _close(self) -> None:
        self._finish_all()
        if self._place is not None:
            self._place.leave()
            self._place = None

    def _unwritten(self, folder: str, seq: Sequence[int], rows: Sequence[int], *, system: bool) -> Sequence[int]:
        """Return those of a folder's rows that are not there already: all, unless a batch comes again."""
        done = self._done.get((folder, system), 0)
        return [row for row in rows if seq[row] > done] if seq[rows[0]] <= done else rows

    def _written(self) -> int:
        place = self._place
        assert place is not None
        held = holdings(place, self._run_id, self.extension.partition(".")[0], lambda name: self._last_of(place, name))
        for folder, last in held.folders.items():
            self._done[folder, False] = max(last, self._done.get((folder, False), 0))
        return held.complete

    def _write_part(self, place: Place, part: Part, last: int, *, system: bool) -> None:
        segment = self._segments.get(part.folder) or self._new_segment(place, part.folder)
        kind = "system" if system else "records"  # which are numbered apart
        name = f"{file_name(kind, self._run_id, part.first, last, self._token)}.{self.extension}"
        try:
            segment.add(f"{part.folder}/{name}" if part.folder else name, self._encode(part.data), part.data)
        except OSError:
            for other in self._segments.values():
                other.abandon()  # a full disk has room for what must be written
            self._segments.clear()
            raise

    def _finish_full(self, folders: Iterable[str]) -> None:
        """Finish the files of these folders that are large or old enough, and other old ones. Between two batches."""
        for folder in list(self._segments) if self._rotate_after_s is not None else folders:
            segment = self._segments.get(folder)
            if segment is not None and self._is_full(segment):
                del self._segments[folder]
                segment.finish()

    def _make_room(self, most_open: int, begun: float) -> None:
        """Finish the files that got nothing from this batch, and park others, until few enough are open."""
        by_use = sorted(self._segments, key=lambda folder: self._segments[folder].used)
        opened = [folder for folder in by_use if self._segments[folder].is_open]
        for folder in opened[: max(0, len(opened) - most_open)]:
            if self._segments[folder].used < begun:
                self._segments.pop(folder).finish()
            else:
                self._segments[folder].park()
        parked = [folder for folder in by_use if folder in self._segments and self._segments[folder].parked]
        for folder in parked[: max(0, len(parked) - _MOST_PARKED)]:
            self._segments.pop(folder).finish()
        waiting = sum(segment.waiting for segment in self._segments.values())
        while waiting > _MOST_WAITING:
            most = max(self._segments.values(), key=lambda segment: segment.waiting)
            waiting -= most.waiting
            most.flush()

    def _is_full(self, segment: Segment) -> bool:
        old = self._rotate_after_s is not None and segment.age_s >= self._rotate_after_s
        many = segment.parked and segment.parts >= _MOST_TO_READ
        return old or many or segment.size >= self._target

    def _new_segment(self, place: Place, folder: str) -> Segment:
        segment = self._segments[folder] = Segment(place, self._growing(), self._decode)
        return segment

    def _finish_all(self) -> None:
        while self._segments:
            self._segments.popitem()[1].finish()


def _last(part: Part) -> int:
    return part.last
