"""Records, and the partitions that keep them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Partition", "Record"]

_BITS = 10  # a segment holds 1024 records
_SIZE = 1 << _BITS


@dataclass(frozen=True, slots=True)
class Record:
    """An immutable record in the event log.

    Attributes:
        offset: Position within the partition.
        key: Routing key used for partition assignment.
        value: The record payload.
        timestamp: Simulation time when the record was appended.
        partition: Partition that this record belongs to.
    """

    offset: int
    key: Any
    value: Any
    timestamp: float
    partition: int


class _Draft:
    """A record while it is filled in: a frozen dataclass takes four times as long to make."""

    __slots__ = ("key", "offset", "partition", "timestamp", "value")

    def __init__(self, offset: int, key: Any, value: Any, timestamp: float, partition: int) -> None:
        self.offset = offset
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.partition = partition


class Partition:
    """One partition of a log: records with consecutive offsets.

    Appending, expiring and reading cost the same whatever the length: records are kept in segments that are found
    by their offset and dropped as a whole.

    Args:
        id: Partition identifier.
        records: Records to begin with; their offsets must be consecutive.
        high_watermark: Offset of the next record to be written, when there are no ``records``.

    Attributes:
        id: Partition identifier.
        low_watermark: Offset of the oldest record that is kept; the high watermark when there is none.
        high_watermark: Offset of the next record to be written. Never falls.
    """

    def __init__(self, id: int, records: Iterable[Record] = (), high_watermark: int = 0) -> None:
        kept = list(records)
        self.id = id
        self.low_watermark = self.high_watermark = kept[0].offset if kept else high_watermark
        self._segments: dict[int, list[Record | None]] = {}
        self._tail: list[Record | None] = []
        self._open_tail()
        for record in kept:
            self._add(record)

    def __len__(self) -> int:
        return self.high_watermark - self.low_watermark

    def __repr__(self) -> str:
        return f"<Partition {self.id}: offsets {self.low_watermark} to {self.high_watermark}>"

    @property
    def records(self) -> list[Record]:
        """All records that are kept, oldest first: a new list, made in time proportional to its length."""
        return self.read(self.low_watermark, len(self))

    @property
    def oldest(self) -> Record:
        """The oldest record that is kept. There must be one."""
        record = self._segments[self.low_watermark >> _BITS][self.low_watermark & (_SIZE - 1)]
        assert record is not None
        return record

    def append(self, key: Any, value: Any, timestamp: float) -> Record:
        """Add a record and return it: its offset is the high watermark."""
        record: Any = _Draft(self.high_watermark, key, value, timestamp, self.id)
        record.__class__ = Record  # the same slots: from here on nobody can change it
        self._add(record)
        return record  # type: ignore[no-any-return] # a Record by now

    def _add(self, record: Record) -> None:
        self._tail.append(record)
        self.high_watermark += 1
        if len(self._tail) == _SIZE:
            self._open_tail()

    def read(self, offset: int, max_records: int) -> list[Record]:
        """Return up to ``max_records`` records from ``offset`` on, or from the oldest one when it is gone already."""
        start = max(offset, self.low_watermark)
        stop = min(start + max_records, self.high_watermark)
        if stop <= start:
            return []
        found: list[Record | None] = []
        while start < stop:
            base = start & -_SIZE
            found += self._segments[start >> _BITS][start - base : stop - base]
            start = base + _SIZE
        return found  # type: ignore[return-value] # nothing that is kept is None

    def expire(self, count: int) -> None:
        """Forget the ``count`` oldest records."""
        low = self.low_watermark
        self.low_watermark = new = low + count
        for number in range(low >> _BITS, new >> _BITS):
            del self._segments[number]
        first = max(low, new & -_SIZE)
        if new > first:  # the segment stays, what it holds goes
            gone = slice(first & (_SIZE - 1), ((new - 1) & (_SIZE - 1)) + 1)
            self._segments[new >> _BITS][gone] = [None] * (new - first)

    def _open_tail(self) -> None:
        """Begin the segment that the next record belongs to."""
        number, before = divmod(self.high_watermark, _SIZE)
        self._tail = self._segments[number] = [None] * before
