"""A moment of rest: no thread of the bridge does anything, so that the process can be forked."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from threading import Event as Flag
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dynamic_des.bridge.loop import IoThread
    from dynamic_des.bridge.outbox import Outbox
    from dynamic_des.bridge.worker import Worker

__all__ = ["at_rest"]


@contextmanager
def at_rest(
    io: IoThread, workers: Mapping[str, Worker], outboxes: Sequence[Outbox], *, timeout_s: float
) -> Iterator[list[str]]:
    """Hold every thread still between two steps of its work, and every lock of the bridge; from the simulation thread.

    A child forked meanwhile has the simulation thread alone, and finds no lock held by a thread it does not have.
    Nothing is lost: what arrives waits where it is, and everything goes on afterwards.

    Args:
        io: The I/O loop.
        workers: The threads of connectors that may block, by the connector's name.
        outboxes: What waits for the sinks.
        timeout_s: How long to wait for the rest, in wall seconds, in all.

    Yields:
        Who did not come to rest in time: ``"the I/O loop"``, or the connector whose call goes on. What such a thread
        holds is its own; the bridge's locks are held here either way.
    """
    go, deadline, restless = Flag(), monotonic() + timeout_s, []
    try:
        # the loop first: it hands out the work of the others
        if not io.park(go).wait(timeout_s):
            restless.append("the I/O loop")
        resting = {name: worker.park(go) for name, worker in workers.items()}
        for name, rests in resting.items():
            if not rests.wait(max(0.0, deadline - monotonic())):
                restless.append(name)
        with ExitStack() as locks:
            for outbox in outboxes:
                locks.enter_context(outbox.lock)
            yield restless
    finally:
        go.set()
