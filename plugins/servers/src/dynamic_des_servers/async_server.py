"""A server that runs an event loop: one thread computes, many connections wait for I/O."""

# annotations are evaluated here: the constructor is the schema that a configuration is checked against

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from simpy import Environment
from simpy.events import NORMAL, Event

from dynamic_des.components.checks import whole
from dynamic_des.components.live import LiveNumber, live_number
from dynamic_des.components.sinks import Sink
from dynamic_des_servers.concurrency import FixedConcurrency
from dynamic_des_servers.errors import RequestRejected
from dynamic_des_servers.io_phase import IoPhase
from dynamic_des_servers.queued_resource import QueuedResource, fraction
from dynamic_des_servers.request import Request

__all__ = ["AsyncServer", "AsyncServerStats"]


@dataclass(frozen=True)
class AsyncServerStats:
    """What a server has done so far.

    Attributes:
        requests_completed: Requests that went through both phases.
        requests_rejected: Requests that were refused: all connections were taken, or they had waited for the CPU for
            their ``max_wait``.
        total_cpu_time: CPU time of the completed ones, in simulated seconds.
        total_io_time: Time that the completed ones spent in their I/O phase, in simulated seconds.
    """

    requests_completed: int = 0
    requests_rejected: int = 0
    total_cpu_time: float = 0.0
    total_io_time: float = 0.0


class AsyncServer(QueuedResource):
    """Multiplexes many connections on one thread, as servers with an event loop do.

    A request takes a connection until it is over. First its CPU phase: one request at a time, first come, first
    served. Then its I/O phase, if there is a handler: any number of them overlap.

    Args:
        env: Any SimPy environment.
        name: The name, for error texts, random streams and telemetry.
        max_connections: How many connections there are, those that wait for the CPU included: a request beyond them
            is refused. One of the forms of `LiveNumber`; after a cut, open connections stay.
        cpu_work_distribution: Simulated seconds of CPU time that a request takes, read when it gets the CPU: one of
            the forms of `LiveNumber`. 0 when None.
        io_handler: Called with what was submitted, when the CPU phase is over. A plain function may return a SimPy
            event to wait for, or a list of them. A generator may yield delays in simulated seconds and SimPy events.
            Anything else that it returns, unless None, becomes the value of the request's event. What it raises
            fails the request. It runs in no process (``env.active_process`` is None), so that it may hold any
            resource but one that preempts.
        downstream: Where completed requests go on to: a function, anything with ``put`` or ``submit``, the name of a
            resource, the path of a live parameter, or None.
        max_wait: How long a request waits for the CPU at most, in simulated seconds, unless it says so itself; None
            for ever.
        history: How many of the latest CPU times are kept for percentiles; 0 for none, None for all.

    Raises:
        ParameterError: (a ValueError) If a number makes no sense.
        ConfigError: (a ValueError) If something is of none of the forms it may have.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        max_connections: LiveNumber = 10_000,
        cpu_work_distribution: LiveNumber | None = None,
        io_handler: Callable[[Any], Any] | None = None,
        *,
        downstream: Sink | None = None,
        max_wait: LiveNumber | None = None,
        history: int | None = 10_000,
    ) -> None:
        super().__init__(
            env, name, FixedConcurrency(1), None, None, downstream=downstream, max_wait=max_wait, history=history
        )
        where = f"{self._where}: max_connections"
        if isinstance(max_connections, (int, float)):
            whole(max_connections, 1, where)
        self._max_connections = live_number(env, max_connections, where)
        self._cpu_work: LiveNumber = 0.0 if cpu_work_distribution is None else cpu_work_distribution
        self._read_cpu_work = live_number(env, self._cpu_work, f"{self._where}: cpu_work_distribution", checked=False)
        self._handler = io_handler
        self._connections = 0
        self._peak = 0
        self._io_time = 0.0

    def submit(
        self,
        payload: Any = None,
        *,
        context: Any = None,
        weight: int | None = None,
        priority: Any = 0,
        max_wait: float | None = None,
    ) -> Request:
        """Submit a request, as to any server (see `QueuedResource.submit`).

        Weight and priority mean nothing here. ``max_wait`` limits the wait for the CPU. The event's value is the
        handler's response, or the payload where there is none.
        """
        if self._connections >= self.max_connections:
            request = Request(self, payload)
            self._refuse(request, RequestRejected(self.name, "all connections are taken"))
            return request
        self._connections += 1
        try:
            request = super().submit(payload, context=context, weight=weight, priority=priority, max_wait=max_wait)
        except BaseException:
            self._connections -= 1
            raise
        self._peak = max(self._peak, self._connections)
        return request

    def handle_event(self, event: object) -> Request:
        """Submit ``event``: another name of `submit`, for ``yield from server.handle_event(event)``."""
        return self.submit(event)

    # -- what is going on ------------------------------------------------------------------------------------

    @property
    def max_connections(self) -> int:
        """Number of connections, free and taken: the limit in force."""
        return int(self._max_connections())

    @property
    def cpu_work_distribution(self) -> LiveNumber:
        """CPU time of a request, as it was given."""
        return self._cpu_work

    @property
    def active_connections(self) -> int:
        """Number of requests that wait for the CPU, have it, or are in their I/O phase."""
        return self._connections

    @property
    def peak_connections(self) -> int:
        """Largest number of connections that were ever taken at once."""
        return self._peak

    @property
    def cpu_queue_depth(self) -> int:
        """Number of requests that wait for the CPU."""
        return self._room.depth

    @property
    def is_cpu_busy(self) -> bool:
        """Whether a request is in its CPU phase."""
        return self._model.active > 0

    @property
    def stats(self) -> AsyncServerStats:
        """A snapshot of the counts."""
        return AsyncServerStats(self._observed.count, self._rejected, self._observed.total, self._io_time)

    @property
    def utilization(self) -> float:
        """Connections that are taken, as a fraction of all, between 0 and 1."""
        return fraction(self._connections, self.max_connections)

    @property
    def average_cpu_time(self) -> float:
        """Mean CPU time of completed requests in simulated seconds; 0 without any."""
        return self._observed.average

    def has_capacity(self) -> bool:
        """Return whether a connection is free."""
        return self._connections < self.max_connections

    def get_cpu_time_percentile(self, percentile: float) -> float:
        """Return a percentile of the latest CPU times of completed requests; 0 without any.

        Args:
            percentile: Between 0 and 1: 0.99 for p99. Interpolated linearly at ``percentile * (n - 1)``.

        Raises:
            ParameterError: (a ValueError) If it is outside of that.
        """
        return self._observed.percentile(percentile)

    def telemetry(self) -> dict[str, float]:
        limit = self.max_connections
        return {
            **super().telemetry(),
            "active": self._connections,
            "limit": limit,
            "utilization": fraction(self._connections, limit),
        }

    # -- a request's way -------------------------------------------------------------------------------------

    def _duration(self, request: Request) -> float:  # noqa: ARG002
        return self._read_cpu_work()

    def _serve(self, request: Request, duration: float) -> None:
        if self._handler is None:
            super()._serve(request, duration)
            return
        burst = Event(self.env)
        burst.callbacks.append(partial(self._end_cpu_phase, request, self._handler))
        burst._ok = True
        burst._value = None
        self.env.schedule(burst, NORMAL, duration)

    def _end_cpu_phase(self, request: Request, handler: Callable[[Any], Any], _: Event) -> None:
        self._release(request.weight)  # before the handler runs: whatever it does, the CPU goes on
        try:
            returned = handler(request.payload)
        except Exception as error:  # noqa: BLE001 - the model's own function: whose request it is gets it, or the run
            self._fail(request, error)
            return
        IoPhase(self.env, partial(self._end_io_phase, request, self.env.now), self._where).begin(returned)

    def _end_io_phase(self, request: Request, began: float, response: Any, error: Exception | None) -> None:
        if error is not None:
            self._fail(request, error)
            return
        request.io_time = self.env.now - began
        request._ok = True
        request._value = request.payload if response is None else response
        self.env.schedule(request)

    def _end(self, request: Any) -> None:
        self._connections -= 1
        self._observed.add(request.service_time, request.started_at - request.submitted_at)
        if request.io_time is None:
            self._release(request.weight)
        else:
            self._io_time += request.io_time
        if self._forward is not None:
            self._forward(request)

    def _withdraw(self, request: Request) -> None:
        self._connections -= 1
        super()._withdraw(request)

    def _fail(self, request: Request, error: Exception) -> None:
        self._connections -= 1
        super()._fail(request, error)
