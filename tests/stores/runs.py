"""Twins that publish, and twins that are steered."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des.testing.waiting import in_background, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PATH", "Steered", "assert_exactly_once", "publish", "steered"]

PATH = "Line_A.variables.n"
_PATIENCE_S = 60


def publish(env: Any, count: int) -> None:
    """Publish events, and return when they are written or given up."""

    def model():
        for number in range(1, count + 1):
            env.publish_event(f"part-{number}", {"number": number})
            if number % 500 == 0:
                yield env.timeout(1)

    env.process(model())
    env.run()


def assert_exactly_once(store: Any, place: str, count: int) -> None:
    """Fail unless all records are in the store, in order, none twice; see ``note_order``."""
    seqs = store.seqs(place)
    assert (len(seqs), len(set(seqs))) == (count, count)
    assert seqs == list(range(1, count + 1))


class Steered:
    """A twin in real time whose variable ``n`` is steered until it is ``last``.

    Attributes:
        env: The environment.
        seen: The values of ``n``, in the order in which they came into force.
    """

    def __init__(self, env: Any, last: Any) -> None:
        self.env = env
        self.seen: list[Any] = []
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0, "text": ""}))
        done = env.event()
        env.registry.get(PATH).subscribe(self.seen.append)
        env.registry.get(PATH).subscribe(lambda n: n == last and not done.triggered and done.succeed())
        self._run = lambda: env.run(until=done)

    def start(self) -> None:
        """Let time run, in a thread of its own."""
        self._future = in_background(self._run)

    def wait_until_connected(self) -> None:
        assert wait_until(lambda: self.env.report().sources[0].state == "up", _PATIENCE_S), self.env.report().sources

    def finish(self, limit_s: float = _PATIENCE_S) -> list[Any]:
        """Wait for the last value; return all of them."""
        self._future.result(limit_s)
        return self.seen


@contextmanager
def steered(ingress: Any, last: Any) -> Iterator[Steered]:
    """A `Steered` twin with this ingress, on its way."""
    with DynamicRealtimeEnvironment(factor=1) as env:
        twin = Steered(env, last)
        env.setup_ingress([ingress])
        twin.start()
        yield twin
