import pytest

from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import CapacityConfig, SimParameter


class Line(SteeredEnvironment):
    """An environment with the entity "Line", and changes that come at given times."""

    def __init__(self, **kinds):
        super().__init__(factor=0, seed=1)
        capacities = {
            kind: {name: CapacityConfig(cap, max(100, cap)) for name, cap in named.items()}
            for kind, named in kinds.items()
        }
        self.registry.register_sim_parameter(SimParameter("Line", **capacities))

    def steer(self, *changes):
        """Apply (time, "kind.name", capacity) at those times."""

        def operator():
            for at, name, capacity in changes:
                if at > self.now:
                    yield self.timeout(at - self.now)
                outcome = self.registry.update(f"Line.{name}.current_cap", capacity)
                assert outcome.status in ("applied", "unchanged"), outcome

        self.process(operator())


@pytest.fixture(scope="session")
def make_line():
    return Line
