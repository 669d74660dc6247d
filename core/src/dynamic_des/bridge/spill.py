"""Records on disk: appended at one end, read back at the other."""

from __future__ import annotations

import pickle
from collections import deque
from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_des.sim.records import Record

__all__ = ["SpillFile"]

_SEGMENT_BYTES = 16 * 1024**2
_KNOWN = frozenset({datetime, date, time, timedelta, timezone, Decimal, UUID})  # always come back from their bytes


class SpillFile:
    """An append-only file in segments, each given back to the disk once it has been read.

    The segments have no names where the system allows it: a process that is killed leaves nothing behind. Not
    thread-safe.

    Args:
        folder: Where the segments are made; the system's temporary folder when None.

    Attributes:
        records: How many records it holds.
        size: How many bytes it takes on disk.
    """

    def __init__(self, folder: str | None) -> None:
        self.records = 0
        self.size = 0
        self._folder = folder
        self._segments: deque[_Segment] = deque()
        self._kept: dict[int, Record] = {}  # by seq: what does not come back from a file

    def append(self, records: Sequence[Record]) -> None:
        """Add a block of records.

        Raises:
            OSError: If it cannot be written; then nothing was added.
        """
        block, kept = _pickled(records)
        fresh = not self._segments or self._segments[-1].end >= _SEGMENT_BYTES
        segment = _Segment(self._folder) if fresh else self._segments[-1]
        segment.append(block, len(records))
        if fresh:
            self._segments.append(segment)
        self._kept.update(kept)
        self.size += len(block)
        self.records += len(records)

    def read(self) -> tuple[list[Record], dict[int, Exception]]:
        """Take the oldest block: its records, and by number why some of them cannot be read back.

        Raises:
            Exception: Whatever went wrong with the block as a whole; then it is lost, see `forget_block`.
        """
        segment = self._segments[0]
        whole, block = pickle.loads(segment.read())  # noqa: S301 - written by this process to a file of its own
        self.forget_block()
        return (block, {}) if whole else self._unframed(block)

    def _unframed(self, frames: list[tuple[int, bytes | None]]) -> tuple[list[Record], dict[int, Exception]]:
        records, lost = [], {}
        for seq, frame in frames:
            try:
                records.append(self._kept.pop(seq) if frame is None else pickle.loads(frame))  # noqa: S301 - as above
            except Exception as error:  # noqa: BLE001 - what a foreign object does when it is unpickled
                lost[seq] = error
        return records, lost

    def forget_block(self) -> int:
        """Drop the oldest block and return how many records were in it."""
        segment = self._segments[0]
        count = segment.forget_block()
        self.records -= count
        if not segment.blocks:
            self.size -= segment.end
            segment.close()
            self._segments.popleft()
        return count

    def close(self) -> None:
        """Forget everything."""
        while self._segments:
            self._segments.popleft().close()
        self._kept.clear()
        self.records = self.size = 0


class _Segment:
    def __init__(self, folder: str | None) -> None:
        self.end = 0
        self.blocks: deque[tuple[int, int, int]] = deque()  # offset, bytes, records
        self._file: IO[bytes] = TemporaryFile(  # noqa: SIM115 - closed when it has been read
            dir=folder, prefix="dynamic-des-", buffering=0
        )

    def append(self, block: bytes, count: int) -> None:
        self._file.seek(self.end)
        rest = memoryview(block)
        while rest:  # an unbuffered file may take a part
            rest = rest[self._file.write(rest) :]
        self.blocks.append((self.end, len(block), count))
        self.end += len(block)

    def read(self) -> bytes:
        offset, length, _ = self.blocks[0]
        self._file.seek(offset)
        parts = []
        while length and (part := self._file.read(length)):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def forget_block(self) -> int:
        return self.blocks.popleft()[2]

    def close(self) -> None:
        self._file.close()


class _Pickler(pickle.Pickler):
    """Notes whether it met a foreign object: what that does when it is read back, nobody knows."""

    foreign = False

    def reducer_override(self, obj: Any, /) -> Any:  # asked for everything but numbers, texts and their containers
        if (obj if type(obj) is type else type(obj)) not in _KNOWN:
            self.foreign = True
        return NotImplemented


def _pickled(records: Sequence[Record]) -> tuple[bytes, dict[int, Record]]:
    """Return the records as bytes, and those of them that stay in memory: the bytes hold only their numbers.

    Records with foreign objects are pickled one by one, so that each can be read back, or not, on its own.
    """
    buffer = BytesIO()
    pickler = _Pickler(buffer, pickle.HIGHEST_PROTOCOL)
    with suppress(Exception):  # a foreign object in a record, which may raise anything
        pickler.dump((True, records))
        if not pickler.foreign:
            return buffer.getvalue(), {}
    frames = [(record[0], _framed(record)) for record in records]
    kept = {record[0]: record for record, (_, frame) in zip(records, frames, strict=True) if frame is None}
    return pickle.dumps((False, frames), pickle.HIGHEST_PROTOCOL), kept


def _framed(record: Record) -> bytes | None:
    """Return a record as bytes that it could be read back from just now; None when there are none."""
    try:
        frame = pickle.dumps(record, pickle.HIGHEST_PROTOCOL)
        pickle.loads(frame)  # noqa: S301 - written by this process
    except Exception:  # noqa: BLE001 - as above: whatever it raises, the record stays in memory
        return None
    return frame
