"""What all servers share: who is served next, who waits, who is refused."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from simpy.events import NORMAL

from dynamic_des.components.checks import checked_number
from dynamic_des.components.live import live_number
from dynamic_des.components.sinks import as_sink, named_target
from dynamic_des.components.telemetry import Telemetered
from dynamic_des_servers.dynamic import as_concurrency
from dynamic_des_servers.errors import RequestRejected, RequestTimedOut
from dynamic_des_servers.observations import Observations
from dynamic_des_servers.policies import as_policy
from dynamic_des_servers.request import Request, context_of, metadata_of
from dynamic_des_servers.waiting_room import WaitingRoom

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment

    from dynamic_des.components.live import LiveNumber
    from dynamic_des.components.sinks import Sink
    from dynamic_des_servers.concurrency import ConcurrencyModel

__all__ = ["QueuedResource"]


class QueuedResource(Telemetered):
    """Base of everything that requests are submitted to.

    One rule decides who is served, after every arrival, completion, withdrawal and change of a limit: while the head of
    the queue can acquire its weight, start it. A subclass says how long a service lasts (`_duration`).

    **Promised**: every request is served, refused, withdrawn or failed: exactly one of them, and counted. It takes one
    entry of SimPy's event heap and no process, whether it waits or not; a ``max_wait`` takes a timer while it waits.

    Attributes:
        env: The environment.
        name: The name, for error texts, random streams and telemetry.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        concurrency: Any,
        queue_policy: Any,
        queue_capacity: LiveNumber | None,
        *,
        downstream: Sink | None,
        max_wait: LiveNumber | None,
        history: int | None,
    ) -> None:
        self.env = env
        self.name = name
        self._where = where = f"{type(self).__name__} {name!r}"
        self._model: ConcurrencyModel = as_concurrency(env, concurrency, f"{where}: concurrency")
        self._check_weight: Callable[[Any], None] | None = getattr(self._model, "check_weight", None)
        policy = as_policy(queue_policy, f"{where}: queue_policy")
        self._room = WaitingRoom(env, policy, self._bound(queue_capacity, "queue_capacity"), self._expire)
        self._max_wait = self._bound(max_wait, "max_wait")
        self._observed = Observations(history, where)
        self._rejected = self._timed_out = self._cancelled = self._failed = 0
        self._dispatching = False
        self._on_end = self._end  # bound once: every request takes it along
        self._release = self._join_model()
        # the last of a FIFO queue is not its head, and the head has been tried when something became free
        self._arrival_may_start = policy.overtakes or not getattr(self._model, "announces", False)
        self.downstream = downstream

    # -- submitting ------------------------------------------------------------------------------------------

    def submit(
        self,
        payload: Any = None,
        *,
        context: Any = None,
        weight: int | None = None,
        priority: Any = 0,
        max_wait: float | None = None,
    ) -> Request:
        """Submit a request.

        Args:
            payload: Anything; the event's value and what ``downstream`` gets.
            context: What goes with it, such as ``{"metadata": {"weight": 3}}``; when None that of the payload (its
                attribute ``context``, its key ``"context"``, or the mapping that it is).
            weight: What it takes of a `WeightedConcurrency`; when None ``context["metadata"]["weight"]``, else 1.
            priority: Its rank in a `PriorityQueue`: smallest first.
            max_wait: Refuse it when its service has not started this many simulated seconds from now; a slot that
                becomes free at exactly that time still serves it. When None the server's own ``max_wait``.

        Returns:
            An event that succeeds when the request has been served, with the payload as its value, and fails with
            `RequestRejected` when it is refused.

        Raises:
            ParameterError: (a ValueError) If the weight could never be acquired, ``max_wait`` is no duration, or the
                priority cannot be compared with those that wait.
        """
        request = Request(self, payload)
        if payload is not None or context is not None:
            request.context = context = context_of(payload) if context is None else context
            if weight is None:
                weight = metadata_of(context).get("weight")
        if weight is not None:
            if self._check_weight is not None:
                self._check_weight(weight)
            request.weight = weight
        if priority != 0:
            request.priority = priority
        if max_wait is not None:
            if max_wait != inf:
                checked_number(max_wait, f"{self._where}: max_wait")
        elif self._max_wait is not None:
            max_wait = self._max_wait()
        if self._room.depth == 0 and self._model.acquire(request.weight):
            self._start(request)
        else:
            self._let_wait(request, max_wait)
        return request

    def dispatch(self) -> None:
        """Start waiting requests as long as the head of the queue can acquire its weight.

        The server does this by itself. Call it after changing a concurrency model of your own that has no
        ``subscribe``, or what the function reads that was given as the concurrency.
        """
        if self._dispatching:  # by something that a start has set off: the loop below goes on anyway
            return
        self._dispatching = True
        room, peek, acquire = self._room, self._room.policy.peek, self._model.acquire
        try:
            while room.depth:
                head = peek()
                if head is None or not acquire(head.weight):
                    break
                room.leave_as_head(head)
                self._start(head)
        finally:
            self._dispatching = False

    # -- what is going on ------------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """Number of requests that wait."""
        return self._room.depth

    @property
    def average_wait_time(self) -> float:
        """Mean time that finished requests waited for their service to start, in simulated seconds; 0 without any."""
        return self._observed.average_wait

    @property
    def requests_timed_out(self) -> int:
        """Number of requests refused because of their ``max_wait``. They are among the rejected ones too."""
        return self._timed_out

    @property
    def requests_cancelled(self) -> int:
        """Number of requests withdrawn by `Request.cancel`."""
        return self._cancelled

    @property
    def requests_failed(self) -> int:
        """Number of requests whose own service raised: a service time that is none, an error in a handler."""
        return self._failed

    @property
    def downstream(self) -> Sink | None:
        """Where finished requests go on to: a function, anything with ``put`` or ``submit``, a name, or None.

        It gets what was submitted. Another server also gets the context and the priority.
        """
        return self._downstream

    @downstream.setter
    def downstream(self, target: Sink | None) -> None:
        self._forward = None if target is None else self._forwarder(target)
        self._downstream = target

    def telemetry(self) -> dict[str, float]:
        """Return the figures of this moment."""
        model = self._model
        return {
            "depth": self._room.depth,
            "active": model.active,
            "limit": model.limit,
            "utilization": fraction(model.active, model.limit),
            "completed": self._observed.count,
            "rejected": self._rejected,
        }

    # -- a request's way -------------------------------------------------------------------------------------

    def _duration(self, request: Request) -> float:
        """Return how long the service of ``request`` lasts, in simulated seconds. For subclasses."""
        raise NotImplementedError

    def _let_wait(self, request: Request, max_wait: float | None) -> None:
        room = self._room
        capacity = None if room.capacity is None else room.capacity()  # raises before anything has changed
        room.enter(request)
        if self._arrival_may_start:
            self.dispatch()
            if not request._queued:
                return
        if capacity is not None and room.depth > capacity:
            room.leave(request)
            self._refuse(request, RequestRejected(self.name, "the queue is full"))
        elif max_wait is not None:
            room.limit_wait(request, max_wait)

    def _start(self, request: Request) -> None:
        """Begin the service of a request that has acquired its weight."""
        try:
            duration = self._duration(request)
            if type(duration) is not float or not 0.0 <= duration < inf:
                duration = checked_number(duration, f"{self._where}: the duration of a service")
        except Exception as error:  # noqa: BLE001 - the model's own functions: whose request it is gets it, or the run
            self._release(request.weight)
            self._fail(request, error)
            return
        request.started_at = self.env.now
        request.service_time = duration
        self._serve(request, duration)

    def _serve(self, request: Request, duration: float) -> None:
        request._ok = True
        request._value = request.payload
        self.env.schedule(request, NORMAL, duration)

    def _end(self, request: Any) -> None:
        """First callback of a request that has been served: before who waits for it goes on."""
        self._observed.add(request.service_time, request.started_at - request.submitted_at)
        self._release(request.weight)
        if self._forward is not None:
            self._forward(request)

    def _bound(self, source: LiveNumber | None, what: str) -> Callable[[], float] | None:
        """Return what reads a bound; a function of the model may return inf for none."""
        if source is None:
            return None
        where = f"{self._where}: {what}"
        read = live_number(self.env, source, where, checked=False)

        def bound() -> float:
            number = read()
            return number if number == inf else checked_number(number, where)

        return bound

    def _join_model(self) -> Callable[[int], None]:
        """Hear of free capacity, and return what gives capacity back and serves who waits for it."""
        model = self._model
        if hasattr(model, "subscribe"):
            model.subscribe(self.dispatch)
            return model.release

        def release(weight: int) -> None:
            model.release(weight)
            self.dispatch()

        return release

    # -- a request's other ways ------------------------------------------------------------------------------

    def _cancel(self, request: Request) -> bool:
        if not request._queued:
            return False
        self._cancelled += 1
        self._withdraw(request)
        return True

    def _expire(self, request: Request) -> None:
        self._timed_out += 1
        waited = self.env.now - request.submitted_at
        self._withdraw(request)
        self._refuse(request, RequestTimedOut(self.name, f"the request has waited for {waited} simulated seconds"))

    def _withdraw(self, request: Request) -> None:
        self._room.leave(request)
        self.dispatch()  # the next one may be lighter

    def _refuse(self, request: Request, why: RequestRejected) -> None:
        self._rejected += 1
        request._defused = True  # it is counted: nobody has to wait for it
        self._fail_with(request, why)

    def _fail(self, request: Request, error: Exception) -> None:
        self._failed += 1
        self._fail_with(request, error)

    def _fail_with(self, request: Request, error: Exception) -> None:
        request.callbacks.remove(self._on_end)
        request.fail(error)

    def _forwarder(self, target: Any) -> Callable[[Request], object]:
        where = f"{self._where}: downstream"
        if isinstance(target, str):  # the name of a resource that may be made later than this one

            def find(request: Request) -> object:
                self._forward = forward = self._forwarder(named_target(self.env, target, where))
                return forward(request)

            return find
        if isinstance(target, QueuedResource):
            return lambda request: target.submit(request.payload, context=request.context, priority=request.priority)
        take = as_sink(self.env, target, where)
        return lambda request: take(request.payload)


def fraction(active: int, limit: int) -> float:
    """Return ``active`` as a fraction of ``limit``, between 0 and 1: 1 when a limit was cut below what is in use."""
    return min(1.0, active / limit) if limit > 0 else float(active > 0)
