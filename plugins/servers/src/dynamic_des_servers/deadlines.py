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

    A timer is in the event heap only while somebody waits with a deadline, or until the earliest deadline has come:
    SimPy cannot withdraw an event. Requests that were served in time cost nothing further, and are forgotten.
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
        at = self._heap[0][0]
        if self._armed and self._armed[-1] <= at:
            return
        self._armed.append(at)
        timer = Event(self._env)
        timer.callbacks.append(self._ring)
        timer._ok = True
        timer._value = None
        self._env.schedule(timer, _LAST, at - self._env.now)

    def _ring(self, _: Event) -> None:
        self._armed.pop()
        heap, now = self._heap, self._env.now
        while heap and (not heap[0][2].waiting or heap[0][0] <= now):
            request = heappop(heap)[2]
            if request.waiting:
                self._expire(request)
        if heap:
            self._arm()
