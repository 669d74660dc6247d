"""What a server raises, beside the errors of `dynamic_des.errors`.

::

    DynamicDesError
    └── ResourceError             (RuntimeError)
        └── RequestRejected       a request was refused
            └── RequestTimedOut   … because it had waited for its ``max_wait``
"""

from __future__ import annotations

from dynamic_des.errors import ResourceError

__all__ = ["RequestRejected", "RequestTimedOut"]


class RequestRejected(ResourceError):  # noqa: N818 - an outcome that a model reckons with, named as users say it
    """A server refused a request: its queue was full, or all its connections were taken.

    Thrown into whoever waits for the request. A request that nobody waits for is refused without a crash: every
    refusal is counted in ``stats``.

    Attributes:
        server: Name of the server that refused.
        reason: Why, as a sentence without its full stop.
    """

    def __init__(self, server: str, reason: str) -> None:
        # SimPy copies an exception for each process it throws it into, from its arguments alone
        super().__init__(server, reason)
        self.server = server
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.server}: {self.reason}."


class RequestTimedOut(RequestRejected):
    """A request was refused because it had waited as long as its ``max_wait`` allows."""
