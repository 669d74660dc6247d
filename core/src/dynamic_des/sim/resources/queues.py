"""Lines of waiting events in which nobody looks for anybody: joining, leaving and giving up cost log n comparisons."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import count
from operator import attrgetter
from typing import Any, ClassVar

from dynamic_des.errors import ResourceError

__all__ = ["ArrivalQueue", "NewestFirstQueue", "PriorityQueue"]

_ticket = attrgetter("_ticket")


class ArrivalQueue(list[Any]):
    """First come, first served: the queue of containers and stores.

    A list in every respect; only `append` and `remove` are done differently. Whoever rearranges it by other
    means gets what was asked for, and pays for a search when an event gives up.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tickets = count()  # numbers in order of arrival, by which an event is found again

    @property
    def items(self) -> list[Any]:
        """The queue itself, so that ``len(resource.queue.items)`` is its length."""
        return self

    def append(self, event: Any) -> None:
        """Let ``event`` wait in its place."""
        event._ticket = next(self._tickets)
        list.append(self, event)

    def remove(self, event: Any) -> None:
        """Let ``event`` give up.

        Raises:
            ValueError: If it does not wait here.
        """
        try:
            place = self._place(event)
            found = self[place] is event
        except (AttributeError, IndexError, TypeError):  # rearranged, or filled, by other means than append
            found = False
        if found:
            del self[place]
        else:
            super().remove(event)

    def _place(self, event: Any) -> int:
        """Return where ``event`` must be, if it is here."""
        return bisect_left(self, event._ticket, key=_ticket)


class PriorityQueue(ArrivalQueue):
    """The smallest ``key`` first, the same order as SimPy's ``SortedQueue``; equal keys in order of arrival.

    Attributes:
        maxlen: SimPy's limit: one request more raises at once. None for no limit.
    """

    rank: ClassVar[attrgetter[Any]] = attrgetter("key")
    maxlen: int | None = None

    def append(self, event: Any) -> None:
        if self.maxlen is not None:
            self._check_room(self.maxlen)
        event._ticket = next(self._tickets)
        if self and event.key < self[-1].key:
            self.insert(bisect_right(self, event.key, key=self.rank), event)
        else:
            list.append(self, event)

    def _check_room(self, maxlen: int) -> None:
        if len(self) >= maxlen:
            raise ResourceError(f"Cannot append event. Queue is full: maxlen is {maxlen}. Raise it.")

    def _place(self, event: Any) -> int:
        rank = self.rank(event)
        first = bisect_left(self, rank, key=self.rank)
        if self[first] is event:
            return first
        return bisect_left(self, event._ticket, first, bisect_right(self, rank, first, key=self.rank), key=_ticket)


class NewestFirstQueue(PriorityQueue):
    """The smallest ``priority`` first; within one priority, whoever came last."""

    rank = attrgetter("priority")

    def __init__(self) -> None:
        super().__init__()
        self._tickets = count(0, -1)  # the newest has the smallest

    def append(self, event: Any) -> None:
        if self.maxlen is not None:
            self._check_room(self.maxlen)
        place = bisect_left(self, event.priority, key=self.rank)
        event._ticket = next(self._tickets)
        self.insert(place, event)
