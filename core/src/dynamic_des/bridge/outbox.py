"""Records that wait for one sink: filled by the simulation thread, emptied by the I/O loop."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dynamic_des.sim.records import Record, SystemRecord

__all__ = ["OnFull", "Outbox"]

OnFull = Literal["block", "drop_oldest"]
_SYSTEM_LIMIT = 10_000


class Outbox:
    """A bounded queue of records.

    Attributes:
        dropped: Model records dropped because it was full.
        system_dropped: System records dropped because it was full.
        blocked: True while the simulation thread waits for room.
    """

    def __init__(self, limit: int, on_full: OnFull, batch_size: int, wake: Callable[[], None]) -> None:
        self.dropped = 0
        self.system_dropped = 0
        self.blocked = False
        self._limit = limit
        self._on_full = on_full
        self._batch_size = batch_size
        self._wake = wake
        self._records: deque[Record] = deque()
        self._system: deque[SystemRecord] = deque()
        self._in_hand = 0  # model records taken for a batch that is not written yet
        self._system_in_hand = 0
        self._room = Condition()
        self._released = False

    def __len__(self) -> int:
        return len(self._records)

    @property
    def empty(self) -> bool:
        """Whether everything that was put in has been written, set aside or dropped."""
        return not (self._records or self._system or self._in_hand or self._system_in_hand)

    def put(self, records: Sequence[Record]) -> None:
        """Add model records; from the simulation thread. Waits for room when ``on_full`` is ``"block"``."""
        with self._room:
            before = len(self._records)
            if before + len(records) > self._limit and self._on_full == "block":
                self._wait_for_room()
            self._records.extend(records)
            if self._on_full == "drop_oldest":
                self._drop_down_to_limit()
        # wake the loop when there is a first record to time, or a full batch to write
        if before == 0 or before // self._batch_size != (before + len(records)) // self._batch_size:
            self._wake()

    def put_system(self, record: SystemRecord) -> None:
        """Add a system record; from the simulation thread. Never waits: the oldest is dropped when full."""
        with self._room:
            if len(self._system) >= _SYSTEM_LIMIT:
                self._system.popleft()
                self.system_dropped += 1
            self._system.append(record)
        if len(self._system) == 1:
            self._wake()

    def take(self, count: int) -> list[Record]:
        """Take up to ``count`` model records, oldest first; on the I/O loop."""
        records = self._records
        with self._room:  # a full outbox may be dropping its oldest at this moment
            batch = [records.popleft() for _ in range(min(count, len(records)))]
            self._in_hand += len(batch)
        return batch

    def take_system(self, count: int) -> list[SystemRecord]:
        """Take up to ``count`` system records, oldest first; on the I/O loop."""
        records = self._system
        with self._room:
            batch = [records.popleft() for _ in range(min(count, len(records)))]
            self._system_in_hand += len(batch)
        return batch

    def done(self, count: int, *, system: bool) -> None:
        """Note that ``count`` records taken are off the books; make room."""
        with self._room:
            if system:
                self._system_in_hand -= count
            else:
                self._in_hand -= count
            self._room.notify_all()

    def wait_for_progress(self, timeout_s: float) -> None:
        """Wait until a batch is off the books, or for ``timeout_s`` wall seconds."""
        with self._room:
            if not self.empty:
                self._room.wait(timeout_s)

    def release(self) -> None:
        """Let a blocked publish through, beyond the limit, so that a shutdown is answered. Signal-safe."""
        self._released = True

    @property
    def waiting(self) -> int:
        """How many model records wait or are in hand."""
        return len(self._records) + self._in_hand

    @property
    def system_waiting(self) -> int:
        """How many system records wait."""
        return len(self._system)

    def _wait_for_room(self) -> None:
        self.blocked = True
        self._wake()
        try:
            while self._records and self.waiting >= self._limit and not self._released:
                self._room.wait(0.1)  # in slices: a signal handler releases without the lock
        finally:
            self.blocked = False

    def _drop_down_to_limit(self) -> None:
        while len(self._records) > self._limit:
            self._records.popleft()
            self.dropped += 1
