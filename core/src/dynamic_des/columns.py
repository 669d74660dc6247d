"""Records by columns: how they wait, and what a sink that writes columns is given."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy as np

__all__ = ["BatchColumns", "RecordColumns"]

_SEQ, _TIME, _IS_EVENT, _NAME, _VALUE = map(itemgetter, range(5))


class BatchColumns(NamedTuple):
    """The model records of a batch, as columns of one length. Treat them as read-only.

    Attributes:
        seq: Their numbers.
        sim_ts: Simulated seconds.
        moment: The same as points in time, in UTC: numpy's ``datetime64[us]``.
        is_event: True for events, False for telemetry.
        name: The key of an event, the path of a metric.
        value: The values; other sinks see the same objects.
    """

    seq: Sequence[int]
    sim_ts: Sequence[float]
    moment: np.ndarray[Any, np.dtype[np.datetime64]]
    is_event: Sequence[bool]
    name: Sequence[Any]
    value: Sequence[Any]


class RecordColumns:
    """The records ``(seq, sim_time, is_event, name, value)`` of the simulation thread, as five lists.

    A hundred thousand tuples that wait cost more time in the garbage collector than in the model; five lists do not.

    Attributes:
        seq: Their numbers.
        time: When they were published, in the model's own numbers.
        is_event: True for events, False for telemetry.
        name: The key of an event, the path of a metric.
        value: The values.
    """

    __slots__ = ("is_event", "name", "seq", "time", "value")

    def __init__(self, records: Collection[tuple[int, Any, bool, Any, Any]] = ()) -> None:
        self.seq: list[int] = []
        self.time: list[Any] = []
        self.is_event: list[bool] = []
        self.name: list[Any] = []
        self.value: list[Any] = []
        self.extend(records)

    def __len__(self) -> int:
        return len(self.seq)

    def __iter__(self) -> Iterator[tuple[int, Any, bool, Any, Any]]:
        return zip(self.seq, self.time, self.is_event, self.name, self.value, strict=True)

    def extend(self, records: Collection[tuple[int, Any, bool, Any, Any]]) -> None:
        """Add records."""
        self.seq += map(_SEQ, records)  # not by zip(*records): an iterator for each wakes the garbage collector
        self.time += map(_TIME, records)
        self.is_event += map(_IS_EVENT, records)
        self.name += map(_NAME, records)
        self.value += map(_VALUE, records)

    def add(self, other: RecordColumns, start: int, stop: int) -> None:
        """Add the records of another from place ``start`` to before place ``stop``."""
        self.seq += other.seq[start:stop]
        self.time += other.time[start:stop]
        self.is_event += other.is_event[start:stop]
        self.name += other.name[start:stop]
        self.value += other.value[start:stop]

    def part(self, start: int, stop: int) -> RecordColumns:
        """Return the records from place ``start`` to before place ``stop``."""
        made = RecordColumns()
        made.add(self, start, stop)
        return made
