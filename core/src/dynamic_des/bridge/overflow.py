"""What an outbox cannot hold in memory: on disk, in order, within a bound."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING

from dynamic_des.bridge.spill import SpillFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import RLock

    from dynamic_des.bridge.record_queue import RecordQueue
    from dynamic_des.sim.records import Record

__all__ = ["Overflow"]

log = logging.getLogger("dynamic_des.egress")

_BLOCK = 1000  # records written at a time; fewer wait in memory
_DISK_PAUSE_S = 1.0  # between two attempts on a disk that refuses
_PATIENCE_S = 1.0  # how long a publish waits for a disk


class Overflow:
    """Carries records from the end of an outbox's memory over the disk to its front.

    Order is kept: front (memory) → file → tail (memory, short). A thread of its own touches the disk, so that a slow
    one delays neither the simulation nor the other sinks. Where file and tail are full, the oldest of all is dropped.

    All methods are called with the outbox's lock held, except `close`.

    Args:
        name: The egress's name.
        front: The outbox's records, oldest first.
        limit: How many records `front`, and at most the tail, may hold.
        folder: Where the file is; the system's temporary folder when None.
        file_limit: How many bytes it may take.
        lock: The outbox's.
        moved: Called without the lock when records have come to the front.
        dropped: Called with the lock held and with how many records were dropped.
    """

    def __init__(
        self,
        name: str,
        front: RecordQueue,
        *,
        limit: int,
        folder: str | None,
        file_limit: int,
        lock: RLock,
        moved: Callable[[], None],
        dropped: Callable[[int], None],
    ) -> None:
        self._name = name
        self._front = front
        self._limit = limit
        self._file_limit = file_limit
        self._block = min(_BLOCK, limit)
        self._tail: deque[Record] = deque()
        self._away = 0  # in the file, or on the way to or from it
        self._file = SpillFile(folder)
        self._work = Condition(lock)
        self._moved = moved
        self._dropped = dropped
        self._thread: Thread | None = None
        self._disk_fails = False
        self._hangs = False
        self._spilling = False
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many records are behind the front."""
        return len(self._tail) + self._away

    def put(self, records: Sequence[Record]) -> None:
        """Add records behind everything else."""
        if not self._start():
            self._front.extend(records)  # the interpreter is shutting down: no limit is better than a loss
            return
        self._tail.extend(records)
        if len(self._tail) >= self._block:
            self._work.notify()
        if self._hangs and len(self._tail) > 2 * self._limit:
            self._drop(len(self._tail) - 2 * self._limit, self._front or self._tail)

    def let_disk_catch_up(self) -> None:
        """Wait while the tail is as long as it may be: for the disk, and for a second at most."""
        deadline = monotonic() + _PATIENCE_S
        while len(self._tail) > self._limit and not (self._hangs or self._closed):
            self._hangs = not self._work.wait(max(0.0, deadline - monotonic())) and monotonic() >= deadline

    def front_has_room(self) -> None:
        """Bring something back, when the front is half empty."""
        if self.waiting and len(self._front) <= self._limit // 2:
            self._work.notify()

    def forget(self) -> int:
        """Drop everything and return how many records that were."""
        count = self.waiting
        self._tail.clear()
        self._away = 0
        self._closed = True
        self._work.notify()
        return count

    def close(self) -> None:
        """End the thread and give the disk back."""
        with self._work:
            self._closed = True
            self._work.notify()
        if self._thread is not None:
            self._thread.join(timeout=5.0)

    def _start(self) -> bool:
        if self._thread is None:
            thread = Thread(target=self._serve, name=f"spill {self._name}", daemon=True)
            with suppress(RuntimeError):  # Python 3.12 starts none once the interpreter shuts down
                thread.start()
                self._thread = thread
        return self._thread is not None

    def _serve(self) -> None:
        try:
            while not self._closed:
                if not self._step():
                    with self._work:
                        if not (self._closed or self._has_work()):
                            self._work.wait(_DISK_PAUSE_S if self._disk_fails else None)
        finally:
            self._file.close()

    def _has_work(self) -> bool:
        room = len(self._front) <= self._limit // 2
        return (bool(self.waiting) and room) or (len(self._tail) >= self._block and not self._disk_fails)

    def _step(self) -> bool:
        """Do what is most urgent; return whether there was something to do."""
        with self._work:
            room = len(self._front) <= self._limit // 2
            if room and not self._away:
                return self._tail_to_front()
        if room:
            return self._file_to_front()
        return self._tail_to_file()

    def _tail_to_front(self) -> bool:
        tail, front = self._tail, self._front
        count = min(len(tail), self._limit - len(front))
        front.extend([tail.popleft() for _ in range(count)])
        if self._spilling and not tail:
            self._spilling = False
            log.info("egress %s: what was on disk is back in memory", self._name)
        if count:
            self._moved()
        return count > 0

    def _file_to_front(self) -> bool:
        try:
            block, lost = self._file.read()
        except Exception as error:  # noqa: BLE001 - the disk, or what it made of the bytes
            self._lose(self._file.forget_block(), "a block", error)
            return True
        if lost:
            seq, why = next(iter(lost.items()))
            self._lose(len(lost), f"record {seq}", why)
        with self._work:
            if not self._closed:
                self._away -= len(block)
                self._front.extend(block)
        self._moved()
        return True

    def _lose(self, count: int, what: str, error: Exception) -> None:
        with self._work:
            if not self._closed:
                self._away -= count
                self._dropped(count)
        log.error("egress %s: %d records on disk cannot be read back: %s: %r", self._name, count, what, error)

    def _tail_to_file(self) -> bool:
        tail = self._tail
        with self._work:
            if len(tail) < self._block or self._closed:
                return False
            if self._file.size >= self._file_limit or (self._disk_fails and len(tail) > self._limit):
                self._drop(self._block, self._front)
                return True
            block = [tail.popleft() for _ in range(self._block)]
            self._away += len(block)
            self._hangs = False
            self._work.notify_all()
        try:
            self._file.append(block)
        except OSError as error:
            self._note_disk(error)
            with self._work:
                if not self._closed:
                    self._away -= len(block)
                    tail.extendleft(reversed(block))
                return len(tail) > self._limit
        self._note_disk(None)
        return True

    def _drop(self, count: int, records: RecordQueue | deque[Record]) -> None:
        """Drop from ``records`` what has waited longest; with the lock held."""
        count = min(count, len(records))
        if records is self._front:
            self._front.drop(count)
        else:
            for _ in range(count):
                self._tail.popleft()
        self._dropped(count)

    def _note_disk(self, error: OSError | None) -> None:
        if error is not None and not self._disk_fails:
            log.error("egress %s: the disk takes no more records: %s", self._name, error)
        elif error is None and self._disk_fails:
            log.info("egress %s: the disk takes records again", self._name)
        elif error is None and not self._spilling:
            self._spilling = True
            log.warning("egress %s: its outbox is full (%d records): more goes to disk", self._name, self._limit)
        self._disk_fails = error is not None
