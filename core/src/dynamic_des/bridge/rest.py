"""A moment of rest: no thread of the bridge does anything, so that the process can be forked."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from threading import Event as Flag
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from threading import RLock

    from dynamic_des.bridge.loop import IoThread
    from dynamic_des.bridge.monitor import Monitor
    from dynamic_des.bridge.worker import Worker

__all__ = ["at_rest"]


@contextmanager
def at_rest(
    io: IoThread,
    monitor: Monitor,
    workers: Sequence[tuple[str, Worker]],
    locks: Sequence[RLock],
    *,
    timeout_s: float,
) -> Iterator[list[str]]:
    """Hold every thread still between two steps of its work, and every lock of the bridge; from the simulation thread.

    A child forked meanwhile has the simulation thread alone, and finds no lock held by a thread it does not have.
    Nothing is lost: what arrives waits where it is, and everything goes on afterwards.

    Args:
        io: The I/O loop.
        monitor: What watches the connectors, and publishes about them.
        workers: The threads of connectors that may block, each with the connector's name: a source and a sink may
            have the same.
        locks: What is held while records go from place to place, in the order in which everybody takes them.
        timeout_s: How long to wait for the rest, in wall seconds, in all.

    Yields:
        Who did not come to rest in time: ``"the I/O loop"``, ``"the monitor"``, or the connector whose call goes on.
        What such a thread holds is its own; ``locks`` are held here either way.
    """
    go, deadline, restless = Flag(), monotonic() + timeout_s, []
    process = os.getpid()
    try:
        watching = monitor.park(go)
        # the loop before the workers: it hands out their work
        if not io.park(go).wait(timeout_s):
            restless.append("the I/O loop")
        resting = [("the monitor", watching), *((name, worker.park(go)) for name, worker in workers)]
        for name, rests in resting:
            if not rests.wait(max(0.0, deadline - monotonic())):
                restless.append(name)
        with ExitStack() as held:
            for lock in locks:
                held.enter_context(lock)
            yield restless
    finally:
        if os.getpid() == process:  # in a child nobody waits for it, and who was about to wait may hold its lock
            go.set()
