"""Where requests wait: in an order, up to a number, for a time."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from dynamic_des_servers.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment

    from dynamic_des_servers.policies import QueuePolicy
    from dynamic_des_servers.request import Request

__all__ = ["WaitingRoom"]


class WaitingRoom:
    """The requests that wait at one server.

    Attributes:
        policy: Their order.
        depth: How many there are.
        capacity: Returns how many there may be; None for no limit.
    """

    def __init__(
        self,
        env: Environment,
        policy: QueuePolicy,
        capacity: Callable[[], float] | None,
        expire: Callable[[Request], None],
    ) -> None:
        self.policy = policy
        self.depth = 0
        self.capacity = capacity
        self._deadlines = Deadlines(env, expire)

    def enter(self, request: Request) -> None:
        """Let a request wait."""
        self.policy.push(request)
        request._queued = True
        self.depth += 1

    def limit_wait(self, request: Request, max_wait: float) -> None:
        """Let a waiting request expire ``max_wait`` simulated seconds from now."""
        if max_wait != inf:
            self._deadlines.add(request, max_wait, self.depth)

    def leave_as_head(self, request: Request) -> None:
        """Let the head go: its service starts."""
        self.policy.pop()
        request._queued = False
        self.depth -= 1

    def leave(self, request: Request) -> None:
        """Let a request go from wherever it is in the queue."""
        self.policy.remove(request)
        request._queued = False
        self.depth -= 1
