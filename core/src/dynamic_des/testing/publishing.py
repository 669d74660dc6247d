"""A twin that publishes to the egress under test, through the same code as in production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
from dynamic_des.connectors.memory import MemoryEgress
from dynamic_des.sim.parameters import SimParameter
from dynamic_des.testing.batches import START
from dynamic_des.testing.waiting import in_background

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from dynamic_des.bridge.report import SinkReport
    from dynamic_des.egress import BaseEgress

__all__ = ["Publisher"]

_CHANGED = "Contract.variables.shift"


class Publisher:
    """An environment at ``factor=0`` with the egress under test in it. Leaving the ``with`` tears it down.

    Args:
        name: The twin's name.
        egress: The egress under test.
        beside: A second egress on the same loop.
        options: For ``setup_egress``.

    Attributes:
        sent: The model's records as they were published, in order of ``seq``.
    """

    def __init__(self, name: str, egress: BaseEgress, beside: BaseEgress | None, options: dict[str, Any]) -> None:
        kept = MemoryEgress()
        self.sent = kept.records
        self._env = DynamicRealtimeEnvironment(factor=0, name=name, seed=1, logical_start_time=START)
        self._env.registry.register_sim_parameter(SimParameter("Contract", variables={"shift": 0}))
        self._env.setup_egress([kept] if beside is None else [kept, beside])
        self._env.setup_egress({"contract": egress}, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._env.teardown()

    def publish(self, count: int) -> None:
        """Publish events and telemetry; return when they are written, or the patience is over."""
        self._run(self._records(count))

    def start_publishing(self, count: int) -> Future[Any]:
        """`publish`, in a thread of its own."""
        return in_background(lambda: self.publish(count))

    def publish_values(self, values: Iterable[Any]) -> None:
        """Publish one event for each value."""
        self._run(iter([("event", f"part-{number}", {"unusual": value}) for number, value in enumerate(values)]))

    def change_something(self) -> None:
        """Let a change come in: what became of it is published as a system record."""
        self._env.post(_CHANGED, "late")
        self._env.run(self._env.now + 1)

    def sink_report(self) -> SinkReport:
        """Return what became of the records at the egress under test."""
        return next(sink for sink in self._env.report().sinks if sink.name == "contract")

    def assert_written(self) -> None:
        """Fail when the egress did not take everything."""
        report = self.sink_report()
        assert not report.lost, (
            f"{report.lost} records were not written: {report.waiting} wait, {report.set_aside} were set aside"
            f"{f' ({report.reason})' if report.reason else ''}"
        )

    def _run(self, records: Iterable[tuple[str, str, Any]]) -> None:
        env = self._env

        def model() -> Any:
            for stream_type, name, value in records:
                yield env.timeout(1 / 3)  # no round numbers: time is not to be rounded on the way
                if stream_type == "event":
                    env.publish_event(name, value)
                else:
                    env.publish_telemetry(name, value)

        env.process(model())
        env.run()

    def _records(self, count: int) -> Iterable[tuple[str, str, Any]]:
        for number in range(count):
            if number % 3 == 2:
                yield "telemetry", "Contract.lathe.load", number / 7
            else:
                yield "event", f"part-{number % 11}", {"status": "turned", "number": number, "took_s": number / 13}
