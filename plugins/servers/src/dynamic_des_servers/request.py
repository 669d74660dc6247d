"""One request, from its submission until it is served: a SimPy event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from simpy.events import PENDING, Event

from dynamic_des.errors import show
from dynamic_des_servers.errors import RequestRejected

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType

    from dynamic_des_servers.queued_resource import QueuedResource

__all__ = ["Request", "context_of"]


class Request(Event):
    """A request to a server. It succeeds when it has been served, with what was submitted as its value.

    It is a SimPy event: ``yield request``, ``request | env.timeout(3)``, ``a & b``; and ``yield from request`` too. It
    fails with `RequestRejected` when it is refused, which crashes nothing when nobody waits for it. In a ``with``
    statement it is withdrawn at the end if it still waits for service then.

    As SimPy's ``Timeout`` it counts as ``triggered`` from the moment its end is fixed, which is when service starts;
    ``processed`` says that it is over.

    Attributes:
        server: The server it was submitted to.
        payload: What was submitted.
        context: What came with it (see `context_of`), or None.
        weight: How much of a `WeightedConcurrency` it takes.
        priority: Its rank in a `PriorityQueue`: smallest first.
        submitted_at: Simulation time of its submission.
        started_at: Simulation time at which its service started, or None before.
        service_time: Duration of its service in simulated seconds, or None before it started. At an `AsyncServer`
            that of its CPU phase.
        io_time: Duration of its I/O phase at an `AsyncServer`, or None before the end of it.
    """

    context: Any = None
    weight: int = 1
    priority: Any = 0
    started_at: float | None = None
    service_time: float | None = None
    io_time: float | None = None
    _queued = False

    def __init__(self, server: QueuedResource, payload: Any) -> None:
        # as SimPy's own events do: the attributes of Event.__init__ set here, which saves a call
        self.env = env = server.env
        self.callbacks = [server._on_end]
        self.server = server
        self.payload = payload
        self.submitted_at = env.now

    def __iter__(self) -> Generator[Event, Any, Any]:
        """Wait for it with ``yield from``."""
        return (yield self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    @property
    def waiting(self) -> bool:
        """Whether it waits for its service to start."""
        return self._queued

    @property
    def wait_time(self) -> float | None:
        """How long it waited for its service to start, in simulated seconds; None before."""
        return None if self.started_at is None else self.started_at - self.submitted_at

    def cancel(self) -> bool:
        """Withdraw it if it still waits for its service. Those behind it move up at once.

        As in SimPy a cancelled request never happens: who still waits for it waits for ever.

        Returns:
            Whether it was withdrawn. False, with no effect, once its service has started or it is over.
        """
        return self.server._cancel(self)

    def _desc(self) -> str:
        if self._queued:
            state = "waiting"
        elif self._value is PENDING:
            state = "cancelled" if self.started_at is None else "in service"
        elif not self._ok:
            state = "refused" if isinstance(self._value, RequestRejected) else "failed"
        else:
            state = "done" if self.callbacks is None else "in service"
        return f"{type(self).__name__}({show(self.payload)} to {self.server.name!r}, {state})"


def context_of(payload: Any) -> Any:
    """Return the context of something submitted, or None.

    It is its attribute ``context``, its key ``"context"``, or, of a mapping without that key, the mapping.
    """
    context = getattr(payload, "context", None)
    if context is None and isinstance(payload, Mapping):
        return payload.get("context", payload)
    return context


def metadata_of(context: Any) -> Mapping[str, Any]:
    """Return ``context["metadata"]``, or an empty mapping where there is none."""
    if isinstance(context, Mapping):
        metadata = context.get("metadata")
        if isinstance(metadata, Mapping):
            return metadata
    return {}
