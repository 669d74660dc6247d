"""The contract of a resource kind, as tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from simpy.core import EmptySchedule

from dynamic_des.config.folders import ModelFolder
from dynamic_des.config.making import Maker
from dynamic_des.config.problems import Problems
from dynamic_des.config.secrets import Secrets
from dynamic_des.config.twin import Simulation, Twin
from dynamic_des.connectors.memory import MemoryEgress
from dynamic_des.testing.batches import START

if TYPE_CHECKING:
    from collections.abc import Generator

    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.sim.parameters import SimParameter

__all__ = ["ResourceContract"]

_MANY = 10_000


class ResourceContract:
    """What every resource kind has to keep, as tests to inherit.

    ::

        class TestCrane(ResourceContract):
            resource_class = Crane
            options = {"speed": 0.5}

            def use(self, env, crane):
                yield crane.lift("coil-1")

    Attributes:
        resource_class: The kind.
        name: What the configuration file calls it: ``[resources.<name>]``.
        options: The other keys of that table.
        parameters: What it needs in the registry.
        factor: Wall seconds per simulated second of the test in real time.
    """

    resource_class: ClassVar[type[Any]]
    name: ClassVar[str] = "unit"
    options: ClassVar[dict[str, Any]] = {}
    parameters: ClassVar[list[SimParameter]] = []
    factor: ClassVar[float] = 0.001

    def use(self, env: DynamicRealtimeEnvironment, resource: Any) -> Generator[Any, Any, Any]:
        """Use the resource once, as a model's process does, and come to an end."""
        raise NotImplementedError(
            f"{type(self).__name__}: write use(self, env, resource), a process that uses it once."
        )

    # -- rules -----------------------------------------------------------------------------------------------

    def test_it_is_built_from_a_name_and_options(self) -> None:
        with self._twin(0.0) as env:
            assert isinstance(env.resources[self.name], self.resource_class)

    def test_its_options_pass_the_check_of_configuration_files(self) -> None:
        problems = Problems(Path("contract.toml"))
        maker = Maker(problems, Secrets(), ModelFolder(Path()))
        checked = maker.resource_options(self.resource_class, ("resources", self.name), self.options)
        if problems:
            pytest.fail(f"the options are refused: {problems.text()}")
        assert checked == self.options, f"the options come out of the check as {checked!r}"

    def test_it_does_not_keep_a_run_from_ending(self) -> None:
        with self._twin(0.0) as env:
            self._assert_ends(env, "nobody used it")
            env.process(self.use(env, env.resources[self.name]))
            self._assert_ends(env, "it was used")

    def test_it_works_at_factor_0(self) -> None:
        self._use(0.0)

    def test_it_works_in_real_time_as_it_does_at_factor_0(self) -> None:
        assert self._use(self.factor) == self._use(0.0)

    def test_the_same_seed_gives_the_same_records(self) -> None:
        assert self._use(0.0, times=10) == self._use(0.0, times=10), (
            "two runs with one seed differ: draw random numbers from env.sampler(name), never from a global generator"
        )

    # -- how -------------------------------------------------------------------------------------------------

    def _twin(self, factor: float) -> DynamicRealtimeEnvironment:
        """Return an environment with the resource in it, put together as from a configuration file."""
        file = Path("contract.toml")
        return Twin(
            file,
            Problems(file),
            Simulation("", factor=factor, seed=1, start_time=START, lag_monitor_interval=0),
            lambda _: None,
            parameters=list(self.parameters),
            resources={self.name: (self.resource_class, dict(self.options))},
        ).environment()

    def _use(self, factor: float, times: int = 1) -> tuple[Any, float, list[dict[str, Any]]]:
        """Return what using it gave, when it was over, and what was published meanwhile."""
        kept = MemoryEgress()
        with self._twin(factor) as env:
            env.setup_egress([kept])
            value = None
            for _ in range(times):
                value = env.run(until=env.process(self.use(env, env.resources[self.name])))
            ended = env.now
        return value, ended, kept.records

    def _assert_ends(self, env: DynamicRealtimeEnvironment, when: str) -> None:
        try:
            for _ in range(_MANY):
                env.step()
        except EmptySchedule:
            return
        pytest.fail(
            f"after {_MANY} events there were still more, although {when}: env.run() would never end. "
            "A process of the resource that waits for ever must wait for an event, not for timeouts."
        )
