"""A pool of worker threads: each task says how long it takes."""

# annotations are evaluated here: the constructor is the schema that a configuration is checked against

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simpy import Environment

from dynamic_des.components.live import LiveNumber, live_number
from dynamic_des.components.sinks import Sink
from dynamic_des_servers.dynamic import Concurrency
from dynamic_des_servers.policies import QueuePolicy
from dynamic_des_servers.queued_resource import QueuedResource, fraction
from dynamic_des_servers.request import Request, metadata_of

__all__ = ["ThreadPool", "ThreadPoolStats"]


@dataclass(frozen=True)
class ThreadPoolStats:
    """What a pool has done so far.

    Attributes:
        tasks_completed: Tasks that were processed.
        tasks_rejected: Tasks that were refused: the queue was full, or they had waited for their ``max_wait``.
        total_processing_time: Time spent on the completed ones, in simulated seconds.
    """

    tasks_completed: int = 0
    tasks_rejected: int = 0
    total_processing_time: float = 0.0


class ThreadPool(QueuedResource):
    """Workers that take tasks from a queue, each for as long as the task says.

    A task's time is ``context["metadata"]["processing_time"]``, where the context is given to `submit` or is that of
    the task (its attribute ``context``, its key ``"context"``, or the mapping that it is).

    Args:
        env: Any SimPy environment.
        name: The name, for error texts, random streams and telemetry.
        num_workers: Number of workers, at least 1; or one of the other forms of `Concurrency`.
        queue_policy: Who is next: ``"fifo"`` (when None), ``"lifo"``, ``"priority"``, or a `QueuePolicy`.
        queue_capacity: How many tasks may wait; None for no limit. One too many is refused.
        processing_time_extractor: Returns the time of a task, in simulated seconds, when a worker takes it; instead of
            the metadata.
        default_processing_time: Time of a task that does not say: one of the forms of `LiveNumber`.
        downstream: Where processed tasks go on to: a function, anything with ``put`` or ``submit``, the name of a
            resource, the path of a live parameter, or None.
        max_wait: How long a task waits at most, in simulated seconds, unless it says so itself; None for ever.
        history: How many of the latest processing times are kept for percentiles; 0 for none, None for all.

    Raises:
        ParameterError: (a ValueError) If a number makes no sense.
        ConfigError: (a ValueError) If something is of none of the forms it may have.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        num_workers: Concurrency,
        queue_policy: QueuePolicy | type[QueuePolicy] | str | None = None,
        queue_capacity: LiveNumber | None = None,
        processing_time_extractor: Callable[[Any], float] | None = None,
        default_processing_time: LiveNumber = 0.01,
        *,
        downstream: Sink | None = None,
        max_wait: LiveNumber | None = None,
        history: int | None = 10_000,
    ) -> None:
        super().__init__(
            env,
            name,
            num_workers,
            queue_policy,
            queue_capacity,
            downstream=downstream,
            max_wait=max_wait,
            history=history,
        )
        self._extract = processing_time_extractor
        self._default = live_number(
            env, default_processing_time, f"{self._where}: default_processing_time", checked=False
        )

    def submit(
        self,
        task: Any = None,
        *,
        context: Any = None,
        weight: int | None = None,
        priority: Any = 0,
        max_wait: float | None = None,
    ) -> Request:
        """Submit a task, as to any server (see `QueuedResource.submit`)."""
        return super().submit(task, context=context, weight=weight, priority=priority, max_wait=max_wait)

    @property
    def num_workers(self) -> int:
        """Number of workers."""
        return self._model.limit

    @property
    def active_workers(self) -> int:
        """Workers that process a task."""
        return self._model.active

    @property
    def idle_workers(self) -> int:
        """Workers that could take a task."""
        return self._model.available

    @property
    def queued_tasks(self) -> int:
        """Tasks that wait for a worker."""
        return self._room.depth

    @property
    def worker_utilization(self) -> float:
        """Workers that process a task, as a fraction of all."""
        return fraction(self._model.active, self._model.limit)

    @property
    def average_processing_time(self) -> float:
        """Mean processing time of completed tasks in simulated seconds; 0 without any."""
        return self._observed.average

    @property
    def stats(self) -> ThreadPoolStats:
        """A snapshot of the counts."""
        return ThreadPoolStats(self._observed.count, self._rejected, self._observed.total)

    def has_capacity(self) -> bool:
        """Return whether a worker is idle."""
        return self._model.has_capacity()

    def handle_queued_event(self, event: object) -> Request:
        """Submit ``event``: another name of `submit`, for ``yield from pool.handle_queued_event(event)``."""
        return self.submit(event)

    def get_processing_time_percentile(self, percentile: float) -> float:
        """Return a percentile of the latest processing times of completed tasks; 0 without any.

        Args:
            percentile: Between 0 and 1: 0.99 for p99. Interpolated linearly at ``percentile * (n - 1)``.

        Raises:
            ParameterError: (a ValueError) If it is outside of that.
        """
        return self._observed.percentile(percentile)

    def _duration(self, request: Request) -> float:
        if self._extract is not None:
            return self._extract(request.payload)
        own: float | None = metadata_of(request.context).get("processing_time")
        return self._default() if own is None else own
