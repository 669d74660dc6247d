"""Requests that wait no longer than they want to: one timer for all of them."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from simpy.events import NORMAL, Event, EventPriority

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment

    from dynamic_des_servers.request import Request

__all__ = ["Deadlines"]

# after everything else that happens at that instant: a slot that becomes free at exactly the deadline still serves
_LAST = EventPriority(NORMAL + 1)
_SLACK = 16


class Deadlines:
    """Calls ``expire`` for each request that still waits when its time is over.

    There is a timer in the event heap while somebody waits with a deadline. SimPy cannot withdraw an event: the timer
    for the earliest deadline stays until that time, also when everybody was served before. Requests that were served
    in time are forgotten.
    """

    def __init__(self, env: Environment, expire: Callable[[Request], None]) -> None:
        self._env = env
        self._expire = expire
        self._order = count()
        self._heap: list[tuple[Any, int, Request]] = []
        self._armed: list[Any] = []  # times of the timers in the event heap, the earliest last

    def add(self, request: Request, max_wait: float, waiting: int) -> None:
        """Let ``request`` expire ``max_wait`` simulated seconds from now, unless it is served before.

        Args:
            request: A request that waits.
            max_wait: How long it does.
            waiting: How many wait by now: what bounds the entries that are kept.
        """
        heap = self._heap
        if len(heap) > 2 * waiting + _SLACK:
            heap[:] = [entry for entry in heap if entry[2].waiting]
            heapify(heap)
        heappush(heap, (self._env.now + max_wait, next(self._order), request))
        self._arm()

    def _arm(self) -> None:
        """Have a timer in the event heap for the earliest deadline of those who wait, if anybody does."""
        self._forget_gone()
        if not self._heap:
            return
        at = self._heap[0][0]
        if self._armed and self._armed[-1] <= at:
            return
        self._armed.append(at)
        timer = Event(self._env)
        timer.callbacks.append(self._ring)
        timer._ok = True
        timer._value = None
        self._env.schedule(timer, _LAST, max(0, at - self._env.now))

    def _ring(self, _: Event) -> None:
        self._armed.pop()
        self._forget_gone()
        if self._heap and self._heap[0][0] <= self._env.now:
            # one at a time: those that move up because it goes may be served at this instant, and free a slot again
            self._expire(heappop(self._heap)[2])
        self._arm()

    def _forget_gone(self) -> None:
        heap = self._heap
        while heap and not heap[0][2].waiting:
            heappop(heap)
