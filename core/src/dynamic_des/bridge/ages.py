"""How long the oldest of the records that wait has been waiting."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Ages"]

_GRAIN_S = 0.01


class Ages:
    """Knows when the records in a queue were put there, to a hundredth of a second, at a cost for each put.

    Records leave in the order in which they came. Adding and removing belong under the queue's own lock.
    """

    def __init__(self, wall: Callable[[], float] = monotonic) -> None:
        self._wall = wall
        self._added = 0
        self._removed = 0
        self._dropped = 0
        self._marks: deque[tuple[int, float]] = deque()  # how many were added before, and when

    def add(self, count: int) -> None:
        """Note that ``count`` records came."""
        marks, now = self._marks, self._wall()
        if not marks or now - marks[-1][1] >= _GRAIN_S:
            marks.append((self._added, now))
        self._added += count

    def drop(self, count: int, *, behind: int) -> None:
        """Note that the ``count`` oldest are no more, but for ``behind`` which are older still."""
        if behind:
            self._dropped += count
        else:
            self.remove(count)

    def remove(self, count: int) -> None:
        """Note that the ``count`` oldest are no more, and neither are those dropped behind them."""
        self._removed = removed = self._removed + count + self._dropped
        self._dropped = 0
        marks = self._marks
        if removed >= self._added:
            marks.clear()
        while len(marks) > 1 and marks[1][0] <= removed:
            marks.popleft()

    def clear(self) -> None:
        """Note that nothing waits any more."""
        self._dropped = 0
        self.remove(self._added - self._removed)

    def oldest_s(self) -> float:
        """Return the age of the oldest record, in seconds; 0 when there is none. From any thread."""
        try:
            return max(0.0, self._wall() - self._marks[0][1])
        except IndexError:
            return 0.0
