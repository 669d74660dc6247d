"""Records that wait for one sink: filled by the simulation thread, emptied by the I/O loop."""

from __future__ import annotations

import logging
from collections import deque
from threading import Condition, RLock
from typing import TYPE_CHECKING, Any, Literal

from dynamic_des.bridge.ages import Ages
from dynamic_des.bridge.overflow import Overflow
from dynamic_des.bridge.record_queue import RecordQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dynamic_des.columns import RecordColumns
    from dynamic_des.sim.records import Record, SystemRecord

__all__ = ["OnFull", "Outbox"]

log = logging.getLogger("dynamic_des.egress")

OnFull = Literal["block", "drop_oldest", "spill"]
_SYSTEM_LIMIT = 10_000


class Outbox:
    """A bounded queue of records.

    Every model record that was put in is written or set aside (see `done`), `dropped`, or `waiting`.

    Args:
        name: The egress's name.
        limit: How many model records it may hold in memory.
        on_full: What becomes of more.
        batch_size: How many records the sink takes at a time.
        wake: Called, from any thread, when there is something to write or to time.
        spill_dir: Where ``on_full="spill"`` makes its file; the system's temporary folder when None.
        spill_limit: How many bytes that file may take.
        span: How much simulation time a batch covers at most, in simulated seconds; any when None.

    Attributes:
        dropped: Model records dropped because it was full.
        system_dropped: System records dropped because it was full, or because the sink has failed for good.
        blocked: True while the simulation thread waits for room.
        ages: How old the model records are that are not off the books.
        lock: Held while records go from one place to another.
    """

    def __init__(
        self,
        name: str,
        limit: int,
        on_full: OnFull,
        *,
        batch_size: int,
        wake: Callable[[], None],
        spill_dir: str | None = None,
        spill_limit: int = 1024**3,
        span: float | None = None,
    ) -> None:
        self.dropped = 0
        self.system_dropped = 0
        self.blocked = False
        self.ages = Ages()
        self._name = name
        self._limit = limit
        self._on_full = on_full
        self._batch_size = batch_size
        self._wake = wake
        self._span = span
        self._records = RecordQueue()
        self._system: deque[SystemRecord] = deque()
        self._in_hand = 0  # records taken for a batch that is not written yet
        self._system_in_hand = 0
        self._unwritable = 0  # records that came after the sink had failed for good: counted, not kept
        self.lock = RLock()
        self._room = Condition(self.lock)
        self._released = False
        self._given_up = False
        self._dropping = False
        self._overflow: Overflow | None = None
        if on_full == "spill":
            self._overflow = Overflow(
                name,
                self._records,
                limit=limit,
                folder=spill_dir,
                file_limit=spill_limit,
                lock=self.lock,
                moved=wake,
                dropped=self._note_dropped,
            )

    def __len__(self) -> int:
        return len(self._records)

    @property
    def empty(self) -> bool:
        """Whether everything that was put in has been written, set aside or dropped."""
        with self._room:  # records on their way from one place to another must not be missed
            return not (self._records or self._system or self._in_hand or self._system_in_hand or self.on_disk)

    @property
    def on_disk(self) -> int:
        """How many model records are behind those in memory."""
        return 0 if self._overflow is None else self._overflow.waiting

    @property
    def waiting(self) -> int:
        """How many model records are not written, set aside or dropped."""
        with self._room:
            return len(self._records) + self.on_disk + self._in_hand + self._unwritable

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
            self.ages.add(len(records))
            before = len(self._records)
            overflow = self._overflow
            if overflow is not None and (overflow.waiting or before + len(records) > self._limit):
                overflow.put(records)
                return
            self._records.extend(records)
            if self._on_full != "block":
                self._drop_down_to_limit()
        # wake the loop when there is a first record to time, a full batch to write, or enough time in what waits
        if before == 0 or before // self._batch_size != (before + len(records)) // self._batch_size or self.due_by_span:
            self._wake()

    @property
    def due_by_span(self) -> bool:
        """Whether the newest record is as much simulation time behind the oldest as a batch may span."""
        if self._span is None:
            return False
        with self._room:
            records = self._records
            return bool(records) and not _within(records.last_time, records.first_time, self._span)

    def wait_for_room(self) -> None:
        """Wait, when ``on_full`` is ``"block"``, while it is full; from the simulation thread."""
        if self._overflow is not None:
            with self._room:
                self._overflow.let_disk_catch_up()
            return
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

    def take(self, count: int) -> RecordColumns:
        """Take up to ``count`` model records, oldest first, of one span; on the I/O loop."""
        records, span = self._records, self._span
        with self._room:  # a full outbox may be dropping its oldest at this moment
            count = min(count, len(records))
            if span is not None and count:
                first = records.first_time
                count = records.while_time(lambda time: _within(time, first, span), count)
            self._in_hand += count
            batch = records.take(count)
            if self._overflow is not None:
                self._overflow.front_has_room()
        return batch

    def take_system(self, count: int) -> list[SystemRecord]:
        """Take up to ``count`` system records, oldest first; on the I/O loop."""
        records = self._system
        with self._room:
            count = min(count, len(records))
            self._system_in_hand += count
            return [records.popleft() for _ in range(count)]

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
            if self._overflow is not None:
                self._unwritable += self._overflow.forget()
            self._room.notify_all()

    def close(self) -> None:
        """Give back what it took beside memory. After the last record."""
        if self._overflow is not None:
            self._overflow.close()

    def _drop_down_to_limit(self) -> None:
        surplus = len(self._records) - self._limit
        if surplus > 0:
            self._records.drop(surplus)
            self._note_dropped(surplus)
        elif len(self._records) < self._limit // 2:
            self._dropping = False

    def _note_dropped(self, count: int) -> None:
        self.dropped += count
        self.ages.drop(count, behind=self._in_hand if self._overflow is None else self._in_hand + len(self._records))
        if not self._dropping:
            held = f"{self._limit} records" if self._overflow is None else "memory and disk"
            log.warning("egress %s: its outbox is full (%s): the oldest are dropped", self._name, held)
        self._dropping = True


def _within(time: Any, first: Any, span: float) -> bool:
    return bool(time == first or time - first < span)
