"""A twin that is steered by the ingress under test, through the same code as in production."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import pytest

from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
from dynamic_des.connectors.memory import MemoryEgress
from dynamic_des.ingress import BaseIngress
from dynamic_des.sim.parameters import SimParameter
from dynamic_des.testing.batches import START
from dynamic_des.testing.waiting import in_background, wait_until
from dynamic_des.testing.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from dynamic_des.bridge.report import SourceReport

__all__ = ["NUMBER", "SteeredTwin", "change"]

NUMBER = "Contract.variables.number"
_PROBE = "Contract.variables.probe"
_STOP = "Contract.variables.stop"


def change(number: int, path: str = NUMBER) -> bytes:
    """Return the message that asks for a change."""
    return json.dumps({"path": path, "value": number}).encode()


class SteeredTwin:
    """A real-time environment, running in a thread of its own, with the ingress under test in it.

    Args:
        name: The twin's name.
        ingress: The ingress under test.
        limit_s: How long anything may take, in wall seconds.
        options: For ``setup_ingress``.

    Attributes:
        watchdog: Measures whether the loop is blocked.
    """

    def __init__(self, name: str, ingress: BaseIngress, limit_s: float, options: dict[str, Any]) -> None:
        self.watchdog = Watchdog()
        self._limit_s = limit_s
        self._outcomes = MemoryEgress()
        self._listens_late = type(ingress).run is not BaseIngress.run
        self._env = DynamicRealtimeEnvironment(name=name, seed=1, logical_start_time=START, lag_monitor_interval=0)
        self._env.registry.register_sim_parameter(
            SimParameter("Contract", variables={"number": 0, "probe": 0, "stop": False})
        )
        self._env.setup_egress([self.watchdog, self._outcomes], flush_interval=0.01)
        self._env.setup_ingress({"contract": ingress}, **{"snapshot_timeout": limit_s, **options})
        self._run: Future[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self._run is not None:
                self._env.post(_STOP, True)
                self._run.result(self._limit_s)
        finally:
            self._env.teardown()

    def start(self) -> None:
        """Let the twin run, and so apply what comes."""
        stop = self._env.registry.get(_STOP).wait_for_change()
        self._run = in_background(lambda: self._env.run(until=stop))

    def wait_until_listening(self, send: Callable[[bytes], None]) -> None:
        """Return when what is sent from now on has to arrive.

        An ingress listens when its `open` has returned. One that has ``run`` instead gets messages until the first of
        them has arrived.
        """
        if not wait_until(lambda: self.source_report().state not in ("connecting", "stalled"), self._limit_s):
            pytest.fail(f"the ingress was not open within {self._limit_s:g} s: {self.source_report().reason}")
        report = self.source_report()
        if report.state != "up":
            pytest.fail(f"the ingress is {report.state}: {report.reason or 'messages() returned'}")
        if not self._listens_late:
            return
        for number in range(1, max(2, int(self._limit_s * 10))):
            send(change(number, _PROBE))
            if wait_until(lambda: self._values_of(_PROBE), 0.1):
                return
        pytest.fail(f"nothing that was sent within {self._limit_s:g} s has arrived")

    @property
    def numbers(self) -> list[int]:
        """The numbers that arrived, in the order in which they were applied."""
        return self._values_of(NUMBER)

    def await_count(self, count: int) -> None:
        """Wait until so many numbers have arrived, or the limit is over."""
        wait_until(lambda: len(self.numbers) >= count, self._limit_s)

    def wait_for(self, expected: list[int]) -> None:
        """Wait until as many numbers have arrived as are expected; then they must be those, in that order."""
        self.await_count(len(expected))
        numbers = self.numbers
        missing = sorted(set(expected) - set(numbers))
        assert not missing, f"{len(missing)} of {len(expected)} changes did not arrive; the first is {missing[0]}"
        assert numbers == expected, f"the changes did not arrive once and in the order they were sent: {numbers[:20]}"

    def source_report(self) -> SourceReport:
        """Return where the ingress stands."""
        return self._env.report().sources[0]

    def _values_of(self, path: str) -> list[int]:
        return [
            int(value)
            for outcome in self._outcomes.system_values("system.changes")
            if outcome["status"] != "refused"
            for changed, value in outcome["updates"]
            if changed == path
        ]
