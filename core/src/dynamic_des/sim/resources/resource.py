"""Units that are requested and released: machines, agents, licences."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from simpy.resources.resource import Preempted, PreemptiveResource, PriorityRequest, Release, Resource

from dynamic_des.errors import ParameterError, ResourceError, show
from dynamic_des.sim.resources.base import BaseDynamicResource
from dynamic_des.sim.resources.queues import ArrivalQueue, NewestFirstQueue, PriorityQueue

if TYPE_CHECKING:
    from simpy import Environment

__all__ = ["DynamicResource"]


_new = object.__new__


class DynamicResource(BaseDynamicResource, PreemptiveResource):
    """A SimPy resource whose capacity is the live parameter ``<sim_id>.resources.<resource_id>.current_cap``.

    ``with lathe.request() as request: yield request`` as in SimPy. Requests of a smaller priority number go first.

    When the capacity shrinks below what is in use, busy units finish: `in_use` stays true and nothing is granted
    until it has fallen below the new capacity. A capacity of 0 grants nothing. When it grows, all who
    fit are granted at once.

    **Not promised**: fairness. A priority that keeps coming starves the ones behind it.

    Args:
        env: An environment with a ``registry``.
        sim_id: The entity, such as ``"Line_A"``.
        resource_id: The resource, such as ``"lathe"``.
        preemptive: Whether a more important request takes the unit of the least important user, whose process is
            interrupted with a `simpy.resources.resource.Preempted` as the cause. Only when that one eviction makes
            room: above capacity nobody is evicted for nothing. The active process, and one that has ended, cannot be
            interrupted and keep theirs.
        lifo: Whether, within a priority, the last to come is served first. Equal priorities then never preempt
            each other, and among the least important users the one that asked first is evicted.
        queue_limit: How many may wait; None for any number. Who comes when so many wait already balks:
            the request fails with a `ResourceError` where it is yielded.

    Raises:
        UnknownPathError: If the capacity is not registered.
        ConfigError: If the environment has no registry.
        ParameterError: If ``queue_limit`` is not a whole number, 0 or more.

    Attributes:
        resource_id: The name of the resource.
        users: The requests that hold a unit, in the order in which they got it.
        queue: The requests that wait, next first. A list.
        preemptive: As given.
        queue_limit: As given; may be changed, and counts for the requests to come.
    """

    PutQueue = PriorityQueue  # type: ignore[assignment]
    queue: ArrivalQueue
    _kind = "resources"

    def __init__(
        self,
        env: Environment,
        sim_id: str,
        resource_id: str,
        *,
        preemptive: bool = False,
        lifo: bool = False,
        queue_limit: int | None = None,
    ) -> None:
        if queue_limit is not None and (type(queue_limit) is not int or queue_limit < 0):
            raise ParameterError(
                f"DynamicResource {sim_id}.{resource_id}: queue_limit is {show(queue_limit)}. "
                "Give a whole number, 0 or more, or None."
            )
        super().__init__(env, sim_id, resource_id)
        self.resource_id = resource_id
        self.preemptive = preemptive
        self.queue_limit = queue_limit
        if lifo:
            self.put_queue = NewestFirstQueue()
        self.queue = self.put_queue
        self.users = []
        self._rank = attrgetter("priority" if lifo else "key")

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self._label}: {self.in_use} of {self.capacity} in use, {len(self.queue)} waiting>"
        )

    @property
    def in_use(self) -> int:
        """Units that are held now; above the capacity while it has shrunk faster than they come back."""
        return len(self.users)

    def request(self, priority: Any = 1, preempt: bool = True) -> PriorityRequest:
        """Ask for a unit.

        Args:
            priority: Smaller is more important.
            preempt: Whether this request may evict a user, where the resource is preemptive.

        Returns:
            An event that happens when the unit is granted. Use it in a ``with`` statement, or `release` it; call
            its ``cancel`` to give up waiting. It fails with a `ResourceError` when the queue is full.
        """
        if self._hooked:
            request = PriorityRequest(self, priority, preempt)
            self._turn_away_if_full(request)
            return request
        env = self._env
        request = _new(PriorityRequest)  # what four constructors of SimPy do, in one go
        request.env = env
        request.callbacks = []
        request.resource = self
        request.proc = env.active_process
        request.priority = priority
        request.preempt = preempt
        request.time = now = env.now
        request.key = (priority, now, not preempt)
        if self.put_queue or len(self.users) >= self._capacity:
            self.put_queue.append(request)
            self._trigger_put(None)
            if self.queue_limit is not None:
                self._turn_away_if_full(request)
        else:
            self.users.append(request)
            request.usage_since = now
            request._ok = True
            request._value = None
            env.schedule(request)
        return request

    def release(self, request: PriorityRequest | None = None) -> Release:  # type: ignore[override]
        """Give a unit back.

        Args:
            request: The request that holds it; one that holds nothing (any more) changes nothing. None for the
                oldest one of the active process.

        Returns:
            An event that happens at once; there is no need to wait for it.

        Raises:
            ResourceError: If None was given and the active process holds no unit.
        """
        if request is None:
            request = self._oldest_of_active_process()
        if self._hooked:
            return Release(self, request)
        env = self._env
        release = _new(Release)
        release.env = env
        release.callbacks = [self._trigger_put]
        release.resource = self
        release.proc = env.active_process
        release.request = request
        try:  # noqa: SIM105 - contextlib.suppress would cost a tenth of the speed
            self.users.remove(request)
        except ValueError:
            pass
        release._ok = True
        release._value = None
        env.schedule(release)
        return release

    def _turn_away_if_full(self, request: PriorityRequest) -> None:
        """Fail ``request`` if it is one too many of those who wait."""
        limit = self.queue_limit
        if limit is None or len(self.put_queue) <= limit or request.triggered:
            return
        self.put_queue.remove(request)
        request.fail(
            ResourceError(
                f"{self._label}: the queue is full, {len(self.put_queue)} wait already. "
                "Catch ResourceError where the request is yielded, or raise queue_limit."
            )
        )

    def _oldest_of_active_process(self) -> PriorityRequest:
        process = self._env.active_process
        if process is not None:
            for request in self.users:
                if request.proc is process:
                    return request
        who = "no process is active" if process is None else f"process {process.name!r} holds no unit"
        raise ResourceError(f"{self._label}: release() without a request, but {who}. Pass the request to release.")

    def _trigger_put(self, get_event: Release | None) -> None:
        if self._hooked or self.preemptive:
            super()._trigger_put(get_event)
            return
        queue = self.put_queue
        if queue and len(self.users) < self._capacity:
            request = queue[0]
            self.users.append(request)
            request.usage_since = self._env.now
            request.succeed()
            queue.pop(0)

    def _do_put(self, event: PriorityRequest) -> None:  # type: ignore[override]
        if self.preemptive and event.preempt:
            self._make_room(event)
        Resource._do_put(self, event)

    def _make_room(self, event: PriorityRequest) -> None:
        """Evict the least important user if that lets ``event`` in."""
        if not self.capacity <= len(self.users) < self.capacity + 1:
            return
        rank = self._rank
        less_important = [user for user in self.users if rank(user) > rank(event) and self._can_be_told(user)]
        if less_important:
            victim = max(less_important, key=rank)
            self.users.remove(victim)
            cause = Preempted(by=event.proc, usage_since=victim.usage_since, resource=self)
            victim.proc.interrupt(cause)  # type: ignore[union-attr]

    def _can_be_told(self, user: PriorityRequest) -> bool:
        """Return whether the process of ``user`` can be interrupted."""
        process = user.proc
        return process is not None and process.is_alive and process is not self._env.active_process
