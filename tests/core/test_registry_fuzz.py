"""Any value at any path: no exception leaves the registry, every update has an outcome, the run goes on."""

import random
from collections import Counter
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_des.messages import Change
from dynamic_des.sim.arrivals import Arrival
from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import DISTRIBUTION_FIELDS, FAMILIES, CapacityConfig, DistributionConfig, SimParameter

DISTRIBUTIONS = {
    "exponential": DistributionConfig("exponential", rate=2.0),
    "normal": DistributionConfig("normal", mean=10.0, std=1.0),
    "lognormal": DistributionConfig("lognormal", mean=10.0, std=5.0),
    "truncated_normal": DistributionConfig("truncated_normal", mean=10.0, std=5.0, low=8.0, high=20.0),
    "uniform": DistributionConfig("uniform", low=1.0, high=2.0),
    "triangular": DistributionConfig("triangular", low=1.0, mode=2.0, high=4.0),
    "gamma": DistributionConfig("gamma", shape=2.0, scale=3.0),
    "weibull": DistributionConfig("weibull", shape=2.0, scale=3.0),
    "constant": DistributionConfig("constant", value=4.0),
    "empirical": DistributionConfig("empirical", values=[1.0, 2.0, 3.0], weights=[1.0, 0.0, 2.0]),
}
VARIABLES = {
    "number": 1.0, "whole": 1, "flag": True, "text": "a", "plan": {}, "jobs": [], "any": None, "limit": inf, "nan": nan,
}  # fmt: skip
TYPES = {"number": float, "whole": int, "flag": bool, "text": str, "plan": dict, "limit": float, "nan": float}
CAPACITIES = ("resources", "containers", "stores")


def new_environment():
    env = SteeredEnvironment(factor=0, seed=1)
    env.registry.register_sim_parameter(
        SimParameter(
            sim_id="L",
            service=DISTRIBUTIONS,
            resources={"r": CapacityConfig(1, 5)},
            containers={"r": CapacityConfig(1.5, inf)},
            stores={"r": CapacityConfig(10, 20)},
            variables=VARIABLES,
        )
    )
    env.registry.set_bounds("L.service.gamma.shape", min=0.5, max=5)
    env.registry.set_bounds("L.containers.r.current_cap", max_step=100)
    env.registry.set_bounds("L.variables.limit", min=0)
    return env


def check_invariants(registry, sampler):
    for name in DISTRIBUTIONS:
        config = registry.get_config(f"L.service.{name}")
        for field in DISTRIBUTION_FIELDS:
            assert getattr(config, field) is registry.get(f"L.service.{name}.{field}").value
        assert 1e-05 <= sampler.sample(config) < inf
    for kind in CAPACITIES:
        config = registry.get_config(f"L.{kind}.r")
        current, maximum = (registry.get(f"L.{kind}.r.{field}").value for field in ("current_cap", "max_cap"))
        assert (config.current_cap, config.max_cap) == (current, maximum)
        assert 0 <= current <= maximum
        assert type(current) in (int, float)
        assert type(current) is int or kind != "resources"
    for name, kind in TYPES.items():
        assert type(registry.get(f"L.variables.{name}").value) is kind
    assert 0.5 <= registry.get("L.service.gamma.shape").value <= 5
    assert registry.get("L.variables.limit").value >= 0


class Garbage:
    """Everything that may come in: JSON, and what is worse."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.paths = sorted(new_environment().registry._values)

    def path(self):
        pick = self.random.random()
        if pick < 0.75:
            return self.random.choice(self.paths)
        if pick < 0.9:
            path = list(self.random.choice(self.paths))
            del path[self.random.randrange(len(path))]
            return "".join(path)
        return self.random.choice([None, "", ".", "L", [], ["L.variables.any"], {}, 5, nan, "\ud800", "x" * 5000, "\0"])

    def value(self, depth=0):
        kinds = [self.number, self.number, self.text, self.scalar, self.giant]
        if depth < 4:
            kinds += [self.list, self.object]
        return self.random.choice(kinds)() if depth == 0 or self.random.random() < 0.7 else self.number()

    def number(self):
        return self.random.choice(
            [self.random.random(), self.random.uniform(-10, 10), self.random.randrange(-3, 12), 0, -0.0, 1.0]
        )

    def giant(self):
        return self.random.choice(
            [10**400, -(10**400), 10**5000, 2**63, 1.7e308, -1.7e308, 5e-324, 1e-310, inf, -inf, nan]
        )

    def scalar(self):
        return self.random.choice([None, True, False])

    def text(self):
        texts = [
            "",
            " ",
            "5",
            "0.5",
            "-1",
            "1e3",
            "1e999",
            "nan",
            "-inf",
            "true",
            "off",
            "٣",
            "ä",
            "\ud800",
            "9" * 5000,
        ]
        return self.random.choice([*texts, *FAMILIES])

    def list(self):
        if self.random.random() < 0.05:
            return self.deep()
        return [self.value(1) for _ in range(self.random.randrange(5))]

    def object(self):
        return {self.text(): self.value(1) for _ in range(self.random.randrange(4))}

    def deep(self):
        nest = []
        for _ in range(self.random.choice([50, 99, 100, 101, 500])):
            nest = [nest]
        return nest


def test_ten_thousand_fuzzed_updates_each_have_an_outcome_and_the_run_goes_on():
    env, garbage = new_environment(), Garbage(7)
    registry, sampler = env.registry, env.sampler("check")
    outcomes, finished = Counter(), []

    def customers(name):
        config, stream = registry.get_config(f"L.service.{name}"), env.sampler(name)
        while not finished:
            yield env.timeout(min(stream.sample(config, min_delay=0.5), 10.0))  # garbage makes rates of 1e9

    def follower(path):
        while not finished:
            yield registry.get(path).wait_for_change() | env.timeout(100)

    def operator():
        for number in range(10_000):
            if number % 3 == 0:
                outcome = registry.update(garbage.path(), garbage.value())
            elif number % 3 == 1:
                outcome = registry.update_many([(garbage.path(), garbage.value()) for _ in range(number % 4)])
            else:
                change = Change(((garbage.path(), garbage.value()),))
                env._steering.arrivals.append(Arrival(change, lambda outcome: outcomes.update([outcome.status])))
                yield env.timeout(1)
                check_invariants(registry, sampler)
                continue
            outcomes[outcome.status] += 1
            assert (outcome.status == "refused") <= bool(outcome.reason)
            check_invariants(registry, sampler)
            yield env.timeout(1)
        finished.append(env.now)

    for name in DISTRIBUTIONS:
        env.process(customers(name))
    for path in ("L.variables.any", "L.resources.r.current_cap", "L.service.normal.mean"):
        env.process(follower(path))
    env.process(operator())
    env.run()
    assert finished == [10_000]
    assert sum(outcomes.values()) == 10_000
    assert min(outcomes["applied"], outcomes["unchanged"], outcomes["refused"]) > 100
    counted = env._steering.changes_applied, env._steering.changes_refused
    assert sum(counted) == len(range(2, 10_000, 3))


def test_the_same_garbage_has_the_same_outcomes():
    def outcomes():
        registry, garbage = new_environment().registry, Garbage(8)
        return [registry.update(garbage.path(), garbage.value()) for _ in range(2000)]

    assert outcomes() == outcomes()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([400, 5000]).map(lambda digits: 10**digits)
    | st.sampled_from([*FAMILIES, "5", "true", "1e5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
PATHS = st.sampled_from(sorted(new_environment().registry._values)) | JSON


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(st.lists(st.lists(st.tuples(PATHS, JSON), min_size=1, max_size=3), max_size=15))
def test_whatever_is_sent_is_answered_and_leaves_a_registry_that_makes_sense(changes):
    env = new_environment()
    for change in changes:
        outcome = env.registry.update_many(change)
        assert outcome.status in ("applied", "unchanged", "refused")
        assert env.registry.update(*change[0]).status in ("applied", "unchanged", "refused")
        check_invariants(env.registry, env.sampler())


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(JSON)
def test_whatever_is_sent_as_a_change_is_answered(change):
    assert new_environment().registry.update_many(change).status == "refused"


@settings(derandomize=True, database=None, deadline=None, max_examples=200)
@given(st.lists(st.tuples(PATHS, JSON), min_size=2, max_size=3))
def test_a_refused_change_changes_nothing(change):
    registry = new_environment().registry

    def state():
        return {path: repr(entry.value) for path, entry in registry._values.items() if path != "L.variables.whole"}

    before = state()
    outcome = registry.update_many(change)
    if outcome.status != "applied":
        assert state() == before


@settings(derandomize=True, database=None, deadline=None, max_examples=200)
@given(
    st.sampled_from(DISTRIBUTION_FIELDS),
    st.floats() | st.integers() | st.lists(st.floats(), max_size=3) | st.sampled_from(sorted(FAMILIES)) | st.none(),
)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_field_of_every_family_survives_every_number(name, field, value):
    env = new_environment()
    env.registry.update(f"L.service.{name}.{field}", value)
    check_invariants(env.registry, env.sampler())
