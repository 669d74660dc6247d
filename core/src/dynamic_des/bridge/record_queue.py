"""A queue of records that the garbage collector hardly sees."""

from __future__ import annotations

from collections import deque
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from dynamic_des.columns import RecordColumns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dynamic_des.sim.records import Record

__all__ = ["RecordQueue"]

_CHUNK = 1024  # records


class RecordQueue:
    """Records in order, put in at one end and taken at the other, in chunks of columns."""

    def __init__(self) -> None:
        self._chunks: deque[RecordColumns] = deque()
        self._taken = 0  # of the first chunk
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def first_time(self) -> Any:
        """Simulation time of the oldest record; there must be one."""
        return self._chunks[0].time[self._taken]

    @property
    def last_time(self) -> Any:
        """Simulation time of the newest record; there must be one."""
        return self._chunks[-1].time[-1]

    def extend(self, records: Sequence[Record]) -> None:
        """Put records behind the others."""
        for start in range(0, len(records), _CHUNK):
            some = records[start : start + _CHUNK]
            if self._chunks and len(self._chunks[-1]) + len(some) <= _CHUNK:
                self._chunks[-1].extend(some)
            else:
                self._chunks.append(RecordColumns(some))
        self._count += len(records)

    def take(self, count: int) -> RecordColumns:
        """Take the oldest records, at most ``count``."""
        taken = RecordColumns()
        self._pass(count, taken.add)
        return taken

    def drop(self, count: int) -> None:
        """Forget the oldest records, at most ``count``."""
        self._pass(count, lambda *_: None)

    def clear(self) -> None:
        """Forget all."""
        self._chunks.clear()
        self._taken = self._count = 0

    def while_time(self, holds: Callable[[Any], bool], most: int) -> int:
        """Return for how many of the oldest records, at most ``most``, something holds of their times."""
        times = (time for place, chunk in enumerate(self._chunks) for time in chunk.time[0 if place else self._taken :])
        return sum(1 for _ in takewhile(holds, islice(times, most)))

    def _pass(self, count: int, each: Callable[[RecordColumns, int, int], None]) -> None:
        left = min(count, self._count)
        self._count -= left
        while left:
            chunk, start = self._chunks[0], self._taken
            stop = min(start + left, len(chunk))
            each(chunk, start, stop)
            left -= stop - start
            self._taken = stop
            if stop == len(chunk):
                self._chunks.popleft()
                self._taken = 0
