"""Resource kinds that are wrong in one way each. Run by test_wrong_plugins.py."""

import random
from typing import ClassVar

from simpy import Resource
from tests.contracts.wrong.expectations import contracts_of, fails

from dynamic_des.testing import ResourceContract


class OfPlugin:
    options: ClassVar = {"speed": 2.0}

    @property
    def resource_class(self):
        return self.plugin

    def use(self, env, crane):
        return (yield from crane.lift())


@fails()
class Right:
    """Keeps every rule."""

    def __init__(self, env, name, *, speed: float = 1.0):
        self.env = env
        self.name = name
        self.speed = speed
        self.hooks = Resource(env, capacity=1)

    def lift(self):
        with self.hooks.request() as hook:
            yield hook
            yield self.env.timeout(self.duration())
            self.env.publish_event(self.name, {"status": "lifted"})
        return self.env.now

    def duration(self):
        return self.env.sampler(self.name).rng.random() / self.speed


@fails("it_does_not_keep_a_run_from_ending")
class LooksAgainAndAgain(Right):
    """Has a process that wakes up every second, whether there is work or not."""

    def __init__(self, env, name, *, speed: float = 1.0):
        super().__init__(env, name, speed=speed)
        env.process(self.look())

    def look(self):
        while True:
            yield self.env.timeout(1)


@fails("the_same_seed_gives_the_same_records", "it_works_in_real_time_as_it_does_at_factor_0")
class DrawsFromAGlobalGenerator(Right):
    def duration(self):
        return random.random()


@fails(
    "it_works_at_factor_0",
    "it_does_not_keep_a_run_from_ending",
    "it_works_in_real_time_as_it_does_at_factor_0",
    "the_same_seed_gives_the_same_records",
)
class DividesByTheFactor(Right):
    """Reckons in wall time."""

    def duration(self):
        return super().duration() / self.env.factor


@fails("it_works_in_real_time_as_it_does_at_factor_0")
class WorksByTheFactor(Right):
    """Is in a hurry when nobody looks."""

    def duration(self):
        return super().duration() if self.env.factor else 0.0


@fails("its_options_pass_the_check_of_configuration_files")
class SaysAnotherType(Right):
    """Declares a type that its own options are not of."""

    def __init__(self, env, name, *, speed: str = "1"):
        super().__init__(env, name, speed=float(speed))


@fails(
    "it_is_built_from_a_name_and_options",
    "its_options_pass_the_check_of_configuration_files",
    "it_works_at_factor_0",
    "it_does_not_keep_a_run_from_ending",
    "it_works_in_real_time_as_it_does_at_factor_0",
    "the_same_seed_gives_the_same_records",
)
class WantsMore(Right):
    """Cannot be built as a configuration file builds it."""

    def __init__(self, env, name, plan, *, speed: float = 1.0):
        super().__init__(env, name, speed=speed)


globals().update(contracts_of(globals(), OfPlugin, ResourceContract))
