"""Records that wait for one sink: filled by the simulation thread, emptied by the I/O loop."""

from __future__ import annotations

import logging
from collections import deque
from threading import Condition
from typing import TYPE_CHECKING, Literal

from dynamic_des.bridge.ages import Ages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dynamic_des.sim.records import Record, SystemRecord

__all__ = ["OnFull", "Outbox"]

log = logging.getLogger("dynamic_des.egress")

OnFull = Literal["block", "drop_oldest"]
_SYSTEM_LIMIT = 10_000


class Outbox:
    """A bounded queue of records.

    Every model record that was put in is written or set aside (see `done`), `dropped`, or `waiting`.

    Attributes:
        dropped: Model records dropped because it was full.
        system_dropped: System records dropped because it was full, or because the sink has failed for good.
        blocked: True while the simulation thread waits for room.
        ages: How old the model records are that are not off the books.
    """

    def __init__(self, name: str, limit: int, on_full: OnFull, batch_size: int, wake: Callable[[], None]) -> None:
        self.dropped = 0
        self.system_dropped = 0
        self.blocked = False
        self.ages = Ages()
        self._name = name
        self._limit = limit
        self._on_full = on_full
        self._batch_size = batch_size
        self._wake = wake
        self._records: deque[Record] = deque()
        self._system: deque[SystemRecord] = deque()
        self._in_hand = 0  # records taken for a batch that is not written yet
        self._system_in_hand = 0
        self._unwritable = 0  # records that came after the sink had failed for good: counted, not kept
        self._room = Condition()
        self._released = False
        self._given_up = False
        self._dropping = False

    def __len__(self) -> int:
        return len(self._records)

    @property
    def empty(self) -> bool:
        """Whether everything that was put in has been written, set aside or dropped."""
        return not (self._records or self._system or self._in_hand or self._system_in_hand)

    @property
    def waiting(self) -> int:
        """How many model records are not written, set aside or dropped."""
        return len(self._records) + self._in_hand + self._unwritable

    @property
    def system_waiting(self) -> int:
        """How many system records wait."""
        return len(self._system)

    def put(self, records: Sequence[Record]) -> None:
        """Add model records; from the simulation thread. Never waits: see `wait_for_room`."""
        with self._room:
            if self._given_up:
                self._unwritable += len(records)
                return
            before = len(self._records)
            self._records.extend(records)
            self.ages.add(len(records))
            if self._on_full == "drop_oldest":
                self._drop_down_to_limit()
        # wake the loop when there is a first record to time, or a full batch to write
        if before == 0 or before // self._batch_size != (before + len(records)) // self._batch_size:
            self._wake()

    def wait_for_room(self) -> None:
        """Wait, when ``on_full`` is ``"block"``, while it is full; from the simulation thread."""
        if self._on_full != "block" or self.waiting < self._limit:
            return
        with self._room:
            self.blocked = True
            self._wake()
            try:
                while self._records and self.waiting >= self._limit and not (self._released or self._given_up):
                    self._room.wait(0.1)  # in slices: a signal handler releases without the lock
            finally:
                self.blocked = False

    def put_system(self, record: SystemRecord) -> None:
        """Add a system record; from the simulation thread. Never waits: the oldest is dropped when full."""
        with self._room:
            if self._given_up:
                self.system_dropped += 1
                return
            if len(self._system) >= _SYSTEM_LIMIT:
                self._system.popleft()
                self.system_dropped += 1
            self._system.append(record)
        if len(self._system) == 1 or len(self._system) == self._batch_size:
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

    def done(self, count: int, *, system: bool = False) -> None:
        """Note that ``count`` records taken are off the books; make room."""
        with self._room:
            if system:
                self._system_in_hand -= count
            else:
                self._in_hand -= count
                self.ages.remove(count)
            self._room.notify_all()

    def wait_for_progress(self, timeout_s: float) -> None:
        """Wait until a batch is off the books, or for ``timeout_s`` wall seconds."""
        with self._room:
            if not self.empty:
                self._room.wait(timeout_s)

    def release(self) -> None:
        """Let a blocked publish through, beyond the limit, so that a shutdown is answered. Signal-safe."""
        self._released = True

    def hold(self) -> None:
        """Let publishes wait for room again: another run begins."""
        self._released = False

    def give_up(self) -> None:
        """The sink has failed for good: forget what waits, and from now on only count."""
        with self._room:
            self._given_up = True
            self.ages.clear()
            self._unwritable += len(self._records)
            self.system_dropped += len(self._system)
            self._records.clear()
            self._system.clear()
            self._room.notify_all()

    def _drop_down_to_limit(self) -> None:
        surplus = len(self._records) - self._limit
        for _ in range(surplus):
            self._records.popleft()
        if surplus > 0:
            self.dropped += surplus
            self.ages.drop(surplus, behind=self._in_hand)
            if not self._dropping:
                log.warning(
                    "egress %s: its outbox is full (%d records): the oldest are dropped", self._name, self._limit
                )
            self._dropping = True
        elif len(self._records) < self._limit // 2:
            self._dropping = False
