"""In which order waiting requests are served."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ConfigError, ParameterError, nearest, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des_servers.request import Request

__all__ = ["FIFOQueue", "LIFOQueue", "PriorityQueue", "QueuePolicy", "as_policy"]

_SLACK = 16  # withdrawn entries that a heap may hold before it is worth rebuilding


class QueuePolicy(ABC):
    """The waiting requests of one server, in the order in which they will be served.

    Derive from it for an order of your own. A policy only orders: how many may wait is the server's
    ``queue_capacity``, and when the head is served is the server's dispatch rule.

    Attributes:
        overtakes: Whether a request that comes last may become the head.
    """

    overtakes = True

    @abstractmethod
    def push(self, request: Request) -> None:
        """Add a request."""

    @abstractmethod
    def peek(self) -> Request | None:
        """Return the head, which is served next, or None when nobody waits. The head stays."""

    @abstractmethod
    def pop(self) -> Request:
        """Remove and return the head: what `peek` has just returned."""

    @abstractmethod
    def remove(self, request: Request) -> None:
        """Remove a request that waits, from wherever it is."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many wait."""


class FIFOQueue(QueuePolicy):
    """First come, first served. Every operation takes constant time."""

    overtakes = False

    # a linked list with an index: a deque would have to search for a request that is withdrawn
    def __init__(self) -> None:
        self._waiting: OrderedDict[Request, None] = OrderedDict()

    def push(self, request: Request) -> None:
        self._waiting[request] = None

    def peek(self) -> Request | None:
        return next(iter(self._waiting), None)

    def pop(self) -> Request:
        return self._waiting.popitem(last=False)[0]

    def remove(self, request: Request) -> None:
        del self._waiting[request]

    def __len__(self) -> int:
        return len(self._waiting)


class LIFOQueue(FIFOQueue):
    """Last come, first served. Every operation takes constant time."""

    overtakes = True

    def peek(self) -> Request | None:
        return next(reversed(self._waiting), None)

    def pop(self) -> Request:
        return self._waiting.popitem()[0]


class PriorityQueue(QueuePolicy):
    """Smallest number first, as in SimPy; equal ones first come, first served. Logarithmic time.

    Args:
        key: Number (or anything that can be compared) of a request, read when it arrives: its ``priority`` when None.
    """

    def __init__(self, key: Callable[[Request], Any] | None = None) -> None:
        self._key = key
        self._order = count()
        self._heap: list[list[Any]] = []  # [key, order of arrival, request, or None once it is withdrawn]
        self._entries: dict[Request, list[Any]] = {}

    def push(self, request: Request) -> None:
        key = request.priority if self._key is None else self._key(request)
        entry = [key, next(self._order), request]
        try:
            if key != key:  # NaN: it has no place in any order
                raise TypeError("NaN has no order")
            heappush(self._heap, entry)
        except TypeError as error:
            self._rebuild()
            raise ParameterError(
                f"PriorityQueue: the priority {show(key)} cannot be compared with those that wait ({error}). "
                "Give all requests numbers."
            ) from error
        self._entries[request] = entry

    def peek(self) -> Request | None:
        heap = self._heap
        while heap:
            request: Request | None = heap[0][2]
            if request is not None:
                return request
            heappop(heap)
        return None

    def pop(self) -> Request:
        request: Request | None = None
        while request is None:
            request = heappop(self._heap)[2]
        del self._entries[request]
        return request

    def remove(self, request: Request) -> None:
        self._entries.pop(request)[2] = None
        if len(self._heap) > 2 * len(self._entries) + _SLACK:
            self._rebuild()

    def _rebuild(self) -> None:
        self._heap = list(self._entries.values())
        heapify(self._heap)

    def __len__(self) -> int:
        return len(self._entries)


_NAMED: dict[str, type[FIFOQueue | PriorityQueue]] = {"fifo": FIFOQueue, "lifo": LIFOQueue, "priority": PriorityQueue}


def as_policy(policy: Any, where: str) -> QueuePolicy:
    """Return a policy from what users write: None (FIFO), ``"fifo"``, ``"lifo"``, ``"priority"``, a class or an object.

    Raises:
        ConfigError: If it is none of these.
    """
    if policy is None:
        return FIFOQueue()
    if isinstance(policy, str) and policy.lower() in _NAMED:
        return _NAMED[policy.lower()]()
    if isinstance(policy, type) and issubclass(policy, QueuePolicy):
        return policy()
    if isinstance(policy, QueuePolicy):
        return policy
    hint = nearest(policy, _NAMED) or f" There are {', '.join(_NAMED)}; your own derives from QueuePolicy."
    raise ConfigError(f"{where}: {show(policy)} is no queue policy.{hint}")
