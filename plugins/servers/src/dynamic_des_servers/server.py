"""A server: requests are served for a time, some at once, the others wait."""

# annotations are evaluated here: the constructor is the schema that a configuration is checked against

from dataclasses import dataclass

from simpy import Environment

from dynamic_des.components.live import LiveNumber, live_number
from dynamic_des.components.sinks import Sink
from dynamic_des_servers.concurrency import ConcurrencyModel
from dynamic_des_servers.dynamic import Concurrency
from dynamic_des_servers.policies import QueuePolicy
from dynamic_des_servers.queued_resource import QueuedResource, fraction
from dynamic_des_servers.request import Request

__all__ = ["Server", "ServerStats"]


@dataclass(frozen=True)
class ServerStats:
    """What a server has done so far.

    Attributes:
        requests_completed: Requests that were served.
        requests_rejected: Requests that were refused: the queue was full, or they had waited for their ``max_wait``.
        total_service_time: Time spent on the completed ones, in simulated seconds.
    """

    requests_completed: int = 0
    requests_rejected: int = 0
    total_service_time: float = 0.0


class Server(QueuedResource):
    """Serves requests, as many at once as its concurrency allows; the others wait in a queue.

    Args:
        env: Any SimPy environment.
        name: The name, for error texts, random streams and telemetry.
        concurrency: How many are served at once: a number, a model (`DynamicConcurrency`, `WeightedConcurrency` …) or
            one of the other forms of `Concurrency`.
        service_time: Simulated seconds that a service lasts, read when it starts: one of the forms of `LiveNumber`.
            10 ms when None.
        queue_policy: Who is next: ``"fifo"`` (when None), ``"lifo"``, ``"priority"``, or a `QueuePolicy`.
        queue_capacity: How many may wait, those in service not counted; None for no limit. A request that would be
            one too many is refused. Read at every arrival that has to wait.
        downstream: Where served requests go on to: a function, anything with ``put`` or ``submit``, the name of a
            resource, the path of a live parameter, or None.
        max_wait: How long a request waits at most, in simulated seconds, unless it says so itself; None for ever.
        history: How many of the latest service times are kept for percentiles; 0 for none, None for all.

    Raises:
        ParameterError: (a ValueError) If a number makes no sense.
        ConfigError: (a ValueError) If something is of none of the forms it may have.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        concurrency: Concurrency = 1,
        service_time: LiveNumber | None = None,
        queue_policy: QueuePolicy | type[QueuePolicy] | str | None = None,
        queue_capacity: LiveNumber | None = None,
        downstream: Sink | None = None,
        *,
        max_wait: LiveNumber | None = None,
        history: int | None = 10_000,
    ) -> None:
        super().__init__(
            env,
            name,
            concurrency,
            queue_policy,
            queue_capacity,
            downstream=downstream,
            max_wait=max_wait,
            history=history,
        )
        self._service_time: LiveNumber = 0.01 if service_time is None else service_time
        self._read_service_time = live_number(env, self._service_time, f"{self._where}: service_time", checked=False)

    @property
    def concurrency_model(self) -> ConcurrencyModel:
        """The model that says how many are served at once."""
        return self._model

    @property
    def concurrency(self) -> int:
        """How many are served at once: the limit in force."""
        return self._model.limit

    @property
    def service_time(self) -> LiveNumber:
        """How long a service lasts, as it was given."""
        return self._service_time

    @property
    def active_requests(self) -> int:
        """Requests in service; with a `WeightedConcurrency` the units they take."""
        return self._model.active

    @property
    def available_capacity(self) -> int:
        """Slots, or units, that are free."""
        return self._model.available

    @property
    def utilization(self) -> float:
        """What is in use, as a fraction of the limit in force, between 0 and 1."""
        return fraction(self._model.active, self._model.limit)

    @property
    def average_service_time(self) -> float:
        """Mean service time of completed requests in simulated seconds; 0 without any."""
        return self._observed.average

    @property
    def stats(self) -> ServerStats:
        """A snapshot of the counts."""
        return ServerStats(self._observed.count, self._rejected, self._observed.total)

    def has_capacity(self, weight: int = 1) -> bool:
        """Return whether capacity for ``weight`` is free at this moment, whoever waits for it."""
        return self._model.has_capacity(weight)

    def handle_queued_event(self, event: object) -> Request:
        """Submit ``event``: another name of `submit`, for ``yield from server.handle_queued_event(event)``."""
        return self.submit(event)

    def get_service_time_percentile(self, percentile: float) -> float:
        """Return a percentile of the latest service times of completed requests; 0 without any.

        Args:
            percentile: Between 0 and 1: 0.99 for p99. Interpolated linearly at ``percentile * (n - 1)``.

        Raises:
            ParameterError: (a ValueError) If it is outside of that.
        """
        return self._observed.percentile(percentile)

    def _duration(self, request: Request) -> float:  # noqa: ARG002
        return self._read_service_time()
