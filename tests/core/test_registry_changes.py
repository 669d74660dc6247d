"""Changing what is in the registry: what is applied, what is refused, and what is said about it."""

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_des.errors import ParameterError, UnknownPathError, show
from dynamic_des.messages import Outcome
from dynamic_des.sim.casting import Refusal
from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import FAMILIES, CapacityConfig, DistributionConfig, SimParameter
from dynamic_des.sim.rules import FLOORS, check_distribution

APPLIED = Outcome("applied")
UNCHANGED = Outcome("unchanged")


@pytest.fixture
def env():
    env = SteeredEnvironment(factor=0, seed=1)
    env.registry.register_sim_parameter(
        SimParameter(
            sim_id="L",
            arrival={"a": DistributionConfig("exponential", rate=0.5)},
            service={
                "n": DistributionConfig("normal", mean=3.0, std=0.5),
                "u": DistributionConfig("uniform", low=1.0, high=2.0),
                "t": DistributionConfig("truncated_normal", mean=3.0, std=0.5, low=1.0),
                "e": DistributionConfig("empirical", values=[1.0, 2.0], weights=[1.0, 1.0]),
            },
            resources={"m": CapacityConfig(1, 5)},
            containers={"tank": CapacityConfig(50.0, inf), "bin": CapacityConfig(5, 10)},
            stores={"shelf": CapacityConfig(10, 20)},
            variables={
                "speed": 1.0, "shift": "day", "lights": True, "lot": 5, "plan": {"a": [1]}, "jobs": [1], "any": None,
                "limit": inf, "unknown": nan,
            },
        )
    )  # fmt: skip
    return env


@pytest.fixture
def registry(env):
    return env.registry


def value(registry, path):
    return registry.get(path).value


# -- one parameter ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "sent", "got"),
    [
        ("L.variables.lot", "6", 6),
        ("L.variables.lot", 6.0, 6),
        ("L.variables.lot", 10**5000, 10**5000),
        ("L.variables.speed", "2.5", 2.5),
        ("L.variables.speed", 2, 2.0),
        ("L.variables.speed", np.float64(2.5), 2.5),
        ("L.variables.lights", "false", False),
        ("L.variables.lights", 0, False),
        ("L.variables.shift", "night", "night"),
        ("L.variables.shift", 5, "5"),
        ("L.variables.plan", {"b": 2}, {"b": 2}),
        ("L.variables.jobs", [], []),
        ("L.variables.any", [1], [1]),
        ("L.variables.limit", "-inf", -inf),
        ("L.variables.unknown", 5, 5.0),
        ("L.arrival.a.rate", "0.25", 0.25),
        ("L.arrival.a.rate", 2, 2.0),
        ("L.arrival.a.mean", 7, 7.0),
        ("L.service.n.std", 0, 0.0),
        ("L.service.n.std", None, None),
        ("L.service.t.low", None, None),
        ("L.service.t.high", 9, 9.0),
        ("L.service.e.weights", None, None),
        ("L.service.e.weights", (1, "3"), [1.0, 3.0]),
        ("L.resources.m.current_cap", "3", 3),
        ("L.resources.m.current_cap", 0, 0),
        ("L.containers.tank.current_cap", inf, inf),
        ("L.containers.tank.current_cap", 0.5, 0.5),
        ("L.containers.bin.current_cap", 0.5, 0.5),
        ("L.stores.shelf.max_cap", "inf", inf),
    ],
    ids=show,
)
def test_a_value_is_cast_and_put_in_force(registry, path, sent, got):
    assert registry.update(path, sent) == APPLIED
    assert value(registry, path) == got
    assert type(value(registry, path)) is type(got)
    assert registry.update(path, sent) == UNCHANGED


@pytest.mark.parametrize(
    ("path", "sent", "reason"),
    [
        ("L.variables.lot", 0.5, "0.5 is not a whole number. The value stays 5."),
        ("L.variables.lot", True, "True is a flag, not a whole number. The value stays 5."),
        ("L.variables.speed", nan, "nan is not finite. The value stays 1.0."),
        ("L.variables.speed", inf, "inf is not finite. The value stays 1.0."),
        ("L.variables.speed", 10**400, "is too large for a number. The value stays 1.0."),
        ("L.variables.speed", None, "None is not a number. The value stays 1.0."),
        ("L.variables.lights", "maybe", "'maybe' is not a flag (true or false). The value stays True."),
        ("L.variables.shift", ["day"], "['day'] is not text. The value stays 'day'."),
        ("L.variables.plan", "a", "'a' is not an object. The value stays {'a': [1]}."),
        ("L.variables.limit", nan, "nan is not a number. The value stays inf."),
        ("L.arrival.a.rate", 0, "the rate of a distribution 'exponential' must be positive, not 0.0. The value stays"),
        ("L.arrival.a.rate", -0.0, "must be positive, not -0.0."),
        ("L.arrival.a.rate", 5e-324, "the rate 5e-324 is so small that the mean 1/rate is infinite."),
        ("L.arrival.a.rate", nan, "nan is not finite. The value stays 0.5."),
        ("L.arrival.a.rate", inf, "inf is not finite. The value stays 0.5."),
        ("L.arrival.a.rate", True, "True is a flag, not a number."),
        ("L.arrival.a.rate", None, "a distribution 'exponential' needs rate: give all of that in one change."),
        ("L.arrival.a.dist", "normal", "a distribution 'normal' needs mean: give all of that in one change."),
        ("L.arrival.a.dist", "exponental", "'exponental' is no distribution. Did you mean 'exponential'?"),
        ("L.arrival.a.dist", None, "None is not text. The value stays 'exponential'."),
        ("L.service.n.mean", -1, "the mean of a distribution 'normal' must not be negative, as -1.0 is."),
        ("L.service.n.std", -1, "the std of a distribution 'normal' must not be negative, as -1.0 is."),
        ("L.service.u.low", 5, "low 5.0 is above high 2.0: send low and high in one change. The value stays 1.0."),
        ("L.service.u.high", 0.5, "low 1.0 is above high 0.5: send low and high in one change."),
        ("L.service.t.high", 1, "low and high are both 1.0: send low and high in one change, or use a constant."),
        ("L.service.e.values", [1], "1 values have 2 weights: send both in one change. The value stays [1.0, 2.0]."),
        ("L.service.e.weights", [0, 0], "weights must not be negative, nor all be 0, nor their sum infinite."),
        ("L.resources.m.current_cap", True, "True is a flag, not a whole number. The value stays 1."),
        ("L.resources.m.current_cap", 0.5, "0.5 is not a whole number. The value stays 1."),
        ("L.resources.m.current_cap", -1, "-1 is negative. The value stays 1."),
        ("L.resources.m.current_cap", nan, "nan is not finite. The value stays 1."),
        ("L.resources.m.max_cap", inf, "inf is not finite. The value stays 5."),
        ("L.containers.tank.current_cap", nan, "nan is not a number. The value stays 50.0."),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_and_the_old_one_stays(registry, path, sent, reason):
    old = value(registry, path)
    outcome = registry.update(path, sent)
    assert outcome.status == "refused"
    assert outcome.reason.startswith(f"{path}: ")
    assert reason in outcome.reason
    assert value(registry, path) is old


def test_a_number_of_another_type_but_the_same_value_is_no_change(registry):
    assert registry.update("L.containers.bin.current_cap", 5.0) == UNCHANGED
    assert registry.update("L.variables.speed", 1) == UNCHANGED
    assert registry.update("L.variables.lot", "5") == UNCHANGED
    assert registry.update("L.variables.any", 1) == APPLIED
    assert registry.update("L.variables.any", True) == APPLIED


def test_what_the_sender_does_later_to_a_list_does_not_change_the_value(registry):
    plan, weights = {"b": [2]}, [1.0, 3.0]
    registry.update("L.variables.plan", plan)
    registry.update("L.variables.any", plan)
    registry.update("L.service.e.weights", weights)
    plan["b"].append(3)
    weights.append(9.0)
    assert value(registry, "L.variables.plan") == {"b": [2]}
    assert value(registry, "L.variables.any") == {"b": [2]}
    assert registry.get_config("L.service.e").weights == [1.0, 3.0]


def test_values_that_cannot_be_compared_count_as_changed(registry):
    assert registry.update("L.variables.any", np.zeros(3)) == APPLIED
    assert registry.update("L.variables.any", np.zeros(3)) == APPLIED


# -- several at once -------------------------------------------------------------------------------------


def test_two_single_updates_in_the_wrong_order_are_refused_with_what_to_do(registry):
    assert registry.update("L.service.u.low", 5).reason == (
        "L.service.u.low: low 5.0 is above high 2.0: send low and high in one change. The value stays 1.0."
    )
    assert registry.update("L.service.u.high", 6) == APPLIED
    assert registry.update("L.service.u.low", 5) == APPLIED


def test_a_change_of_both_limits_is_never_seen_half_way(env):
    registry = env.registry
    low, high = registry.get("L.service.u.low"), registry.get("L.service.u.high")
    config, seen = registry.get_config("L.service.u"), []

    def look(who):
        seen.append((who, low.value, high.value, config.low, config.high))

    low.subscribe(lambda new: look(("low", new)))
    high.subscribe(lambda new: look(("high", new)))

    def waiter(name, live):
        new = yield live.wait_for_change()
        look((name, new))

    def operator():
        yield env.timeout(1)
        assert registry.update_many({"L.service.u.low": 5, "L.service.u.high": "6"}) == APPLIED
        look("operator")

    env.process(waiter("waiter for low", low))
    env.process(waiter("waiter for high", high))
    env.process(operator())
    env.run()
    state = (5.0, 6.0, 5.0, 6.0)
    assert seen == [
        (("low", 5.0), *state),
        (("high", 6.0), *state),
        ("operator", *state),
        (("waiter for low", 5.0), *state),
        (("waiter for high", 6.0), *state),
    ]


def test_one_wrong_value_refuses_the_whole_change(registry):
    outcome = registry.update_many(
        [("L.variables.speed", 2.0), ("L.resources.m.current_cap", 2), ("L.variables.lot", "many")]
    )
    assert outcome == Outcome("refused", "L.variables.lot: 'many' is not a number. Nothing was changed.")
    outcome = registry.update_many({"L.variables.speed": 2.0, "L.service.u.low": 9, "L.service.u.high": 8})
    assert outcome.reason == (
        "L.service.u: low 9.0 is above high 8.0: send low and high in one change. Nothing was changed."
    )
    assert value(registry, "L.variables.speed") == 1.0
    assert value(registry, "L.resources.m.current_cap") == 1
    assert value(registry, "L.service.u.low") == 1.0


def test_a_change_is_unchanged_only_when_nothing_changed_at_all(registry):
    assert registry.update_many({"L.variables.speed": 1.0, "L.variables.lot": 5}) == UNCHANGED
    assert registry.update_many({"L.variables.speed": 1.0, "L.variables.lot": 6}) == APPLIED


def test_of_two_values_for_one_path_the_last_one_counts(registry):
    assert registry.update_many([("L.variables.lot", 7), ("L.variables.lot", 8)]) == APPLIED
    assert value(registry, "L.variables.lot") == 8


@pytest.mark.parametrize("updates", [None, 5, "L.variables.lot", [5], [("L.variables.lot",)], [("a", 1, 2)], [None]])
def test_what_is_no_change_is_refused(registry, updates):
    outcome = registry.update_many(updates)
    assert outcome.status == "refused"
    assert outcome.reason.endswith("a change is a list of pairs (path, value), or a dictionary.")


def test_an_empty_change_is_refused(registry):
    assert registry.update_many({}) == Outcome("refused", "the change is empty. Send at least one path and value.")


# -- distributions ---------------------------------------------------------------------------------------


def test_a_family_may_change_when_the_parameters_of_the_new_one_come_with_it(registry):
    change = {"L.arrival.a.dist": "gamma", "L.arrival.a.shape": 2, "L.arrival.a.scale": "3"}
    assert registry.update_many(change) == APPLIED
    assert registry.get_config("L.arrival.a") == DistributionConfig("gamma", rate=0.5, shape=2.0, scale=3.0)


def test_a_family_may_change_when_the_parameters_of_the_new_one_are_there(registry):
    assert registry.update("L.arrival.a.mean", 4) == APPLIED
    assert registry.update("L.arrival.a.dist", "normal") == APPLIED
    assert registry.get_config("L.arrival.a").dist == "normal"


def test_what_a_family_does_not_use_may_be_anything_until_it_is_used(registry):
    assert registry.update("L.arrival.a.mean", -4) == APPLIED
    outcome = registry.update("L.arrival.a.dist", "normal")
    assert "the mean of a distribution 'normal' must not be negative, as -4.0 is" in outcome.reason
    assert registry.update_many({"L.arrival.a.mean": 4, "L.arrival.a.dist": "normal"}) == APPLIED
    assert registry.update("L.arrival.a.mean", -4).status == "refused"
    assert registry.update("L.arrival.a.rate", -4) == APPLIED
    assert registry.update("L.arrival.a.dist", "exponential").status == "refused"


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(st.sampled_from(sorted(FAMILIES)), st.floats(-1.7e308, 1.7e308), st.data())
def test_the_short_way_accepts_only_what_the_rules_accept(dist, number, data):
    floors = FLOORS[dist]
    assert set(floors) <= set(FAMILIES[dist].fields)
    if not floors:
        return
    fields = {"dist": dist, "rate": 1.0, "mean": 1.0, "std": 1.0, "low": 0.0, "high": 2.0, "shape": 1.0, "scale": 1.0}
    fields["value"] = 1.0
    field = data.draw(st.sampled_from(sorted(floors)))
    fields[field] = max(number, floors[field])
    check_distribution(fields)


@settings(derandomize=True, database=None, deadline=None, max_examples=500)
@given(
    st.sampled_from(sorted(FAMILIES)),
    st.dictionaries(
        st.sampled_from(["rate", "mean", "std", "low", "high", "mode", "shape", "scale", "value"]),
        st.floats(-10, 10) | st.sampled_from([0.0, 5e-324, 1e-300, 1.7e308, -1.7e308]),
    ),
    st.data(),
)
def test_an_update_says_what_the_rules_say(dist, changes, data):
    first = {"dist": dist, "rate": 1.0, "mean": 1.0, "std": 1.0, "low": 0.0, "mode": 1.0, "high": 2.0, "shape": 1.0,
             "scale": 1.0, "value": 1.0, "values": [1.0], "weights": [1.0]}  # fmt: skip
    env = SteeredEnvironment(factor=0)
    env.registry.register_sim_parameter(SimParameter("L", service={"s": DistributionConfig(**first)}))
    config = env.registry.get_config("L.service.s")
    for field, number in changes.items():
        wanted = {**vars(config), field: number}
        try:
            check_distribution(wanted)
        except Refusal:
            wanted = dict(vars(config))
        env.registry.update(f"L.service.s.{field}", number)
        assert vars(config) == wanted
        assert env.registry.get(f"L.service.s.{field}").value == wanted[field]


# -- capacities ------------------------------------------------------------------------------------------


def test_a_capacity_above_its_maximum_is_clamped_and_the_outcome_says_so(registry):
    assert registry.update("L.resources.m.current_cap", 8) == Outcome(
        "applied", "L.resources.m.current_cap: 8 was clamped to max_cap 5; the wish is kept"
    )
    assert value(registry, "L.resources.m.current_cap") == 5
    assert registry.get_config("L.resources.m") == CapacityConfig(5, 5)
    assert registry.update("L.resources.m.current_cap", 9).status == "unchanged"
    assert "9 was clamped" in registry.update("L.resources.m.current_cap", 9).reason


def test_a_raised_maximum_gives_the_wish_back(registry):
    registry.update("L.resources.m.current_cap", 8)
    outcome = registry.update("L.resources.m.max_cap", 7)
    assert outcome.reason == "L.resources.m.current_cap: 8 was clamped to max_cap 7; the wish is kept"
    assert value(registry, "L.resources.m.current_cap") == 7
    assert registry.update("L.resources.m.max_cap", 20) == APPLIED
    assert registry.get_config("L.resources.m") == CapacityConfig(8, 20)


def test_a_lowered_maximum_takes_capacity_and_gives_it_back(registry):
    registry.update("L.resources.m.current_cap", 4)
    assert registry.update("L.resources.m.max_cap", 2).status == "applied"
    assert registry.get_config("L.resources.m") == CapacityConfig(2, 2)
    registry.update("L.resources.m.max_cap", 5)
    assert registry.get_config("L.resources.m") == CapacityConfig(4, 5)


def test_a_smaller_wish_replaces_one_that_was_kept(registry):
    registry.update("L.resources.m.current_cap", 8)
    assert registry.update("L.resources.m.current_cap", 5) == UNCHANGED
    registry.update("L.resources.m.max_cap", 20)
    assert value(registry, "L.resources.m.current_cap") == 5


def test_capacity_and_maximum_may_change_together(registry):
    assert registry.update_many({"L.resources.m.current_cap": 8, "L.resources.m.max_cap": 10}) == APPLIED
    assert registry.get_config("L.resources.m") == CapacityConfig(8, 10)


def test_listeners_of_a_capacity_hear_of_a_changed_maximum(registry):
    heard = []
    registry.get("L.resources.m.current_cap").subscribe(heard.append)
    registry.update("L.resources.m.current_cap", 8)
    registry.update("L.resources.m.max_cap", 6)
    registry.update("L.resources.m.max_cap", 3)
    registry.update("L.resources.m.max_cap", 10)
    assert heard == [5, 6, 3, 8]


@settings(derandomize=True, database=None, deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(["current_cap", "max_cap"]), st.integers(0, 12)), max_size=12))
def test_the_capacity_in_force_is_the_last_wish_or_the_maximum(steps):
    env = SteeredEnvironment(factor=0)
    env.registry.register_sim_parameter(SimParameter("L", resources={"m": CapacityConfig(3, 6)}))
    wish, maximum = 3, 6
    for field, number in steps:
        env.registry.update(f"L.resources.m.{field}", number)
        wish, maximum = (number, maximum) if field == "current_cap" else (wish, number)
        assert env.registry.get_config("L.resources.m") == CapacityConfig(min(wish, maximum), maximum)
        assert env.registry.get("L.resources.m.current_cap").value == min(wish, maximum)


# -- bounds ----------------------------------------------------------------------------------------------


def test_a_value_outside_of_its_bounds_is_refused(registry):
    registry.set_bounds("L.arrival.a.rate", min=0.1, max=2)
    assert registry.update("L.arrival.a.rate", 1e9).reason == (
        "L.arrival.a.rate: 1000000000.0 is above the allowed maximum 2. The value stays 0.5."
    )
    assert registry.update("L.arrival.a.rate", 0.01).reason == (
        "L.arrival.a.rate: 0.01 is below the allowed minimum 0.1. The value stays 0.5."
    )
    assert registry.update("L.arrival.a.rate", 2) == APPLIED
    assert registry.update("L.arrival.a.rate", 0.1) == APPLIED


def test_a_step_larger_than_allowed_is_refused(registry):
    registry.set_bounds("L.variables.lot", max_step=2)
    assert registry.update("L.variables.lot", 8).reason == (
        "L.variables.lot: a step from 5 to 8 is larger than the allowed 2. The value stays 5."
    )
    assert registry.update("L.variables.lot", 7) == APPLIED
    assert registry.update("L.variables.lot", 9) == APPLIED
    assert registry.update("L.variables.lot", 10**5000).status == "refused"


def test_bounds_hold_in_a_change_of_several(registry):
    registry.set_bounds("L.variables.speed", max=5)
    outcome = registry.update_many({"L.variables.lot": 1, "L.variables.speed": 6})
    assert outcome.reason == ("L.variables.speed: 6.0 is above the allowed maximum 5. Nothing was changed.")
    assert value(registry, "L.variables.lot") == 5


def test_bounds_hold_after_the_family_changed(registry):
    registry.set_bounds("L.arrival.a.mean", min=1, max=5)
    assert registry.update("L.arrival.a.mean", 6).status == "refused"
    registry.update_many({"L.arrival.a.mean": 3, "L.arrival.a.dist": "normal"})
    assert registry.update("L.arrival.a.mean", 6).status == "refused"
    assert registry.update("L.arrival.a.mean", 5) == APPLIED
    assert registry.update("L.arrival.a.mean", None).status == "refused"


def test_neither_nan_nor_a_huge_integer_slips_through_bounds(registry):
    registry.set_bounds("L.variables.limit", min=0)
    registry.set_bounds("L.containers.tank.current_cap", max_step=10)
    registry.update("L.variables.any", 1.5)
    registry.set_bounds("L.variables.any", max_step=10)
    assert registry.update("L.variables.limit", nan).status == "refused"
    assert registry.update("L.variables.any", nan).status == "refused"
    assert registry.update("L.variables.any", 10**400).status == "refused"
    assert registry.update("L.variables.any", "5").reason.startswith("L.variables.any: '5' is not a number")
    assert registry.update("L.containers.tank.current_cap", 2**60).status == "refused"
    assert registry.update("L.containers.tank.current_cap", inf).status == "refused"


def test_bounds_judge_what_is_asked_for_and_not_what_follows_from_it(registry):
    registry.update("L.resources.m.current_cap", 4)
    registry.set_bounds("L.resources.m.current_cap", min=3, max_step=1)
    assert registry.update("L.resources.m.max_cap", 1).status == "applied"
    assert value(registry, "L.resources.m.current_cap") == 1
    assert registry.update("L.resources.m.max_cap", 5) == APPLIED
    assert value(registry, "L.resources.m.current_cap") == 4


def test_new_bounds_replace_the_old_ones(registry):
    registry.set_bounds("L.variables.speed", max=2)
    registry.set_bounds("L.variables.speed", max=3)
    assert registry.update("L.variables.speed", 3) == APPLIED
    registry.set_bounds("L.variables.speed")
    assert registry.update("L.variables.speed", 1e9) == APPLIED
    registry.set_bounds("L.variables.any", min=0)
    registry.set_bounds("L.variables.any")
    assert registry.update("L.variables.any", "text") == APPLIED


@pytest.mark.parametrize(
    ("path", "bounds", "text"),
    [
        ("L.variables.speed", {"min": 2}, "bounds of L.variables.speed: the value in force is outside: 1.0 is below"),
        ("L.variables.speed", {"min": 2, "max": 1}, "bounds of L.variables.speed: min 2 is above max 1. Swap them."),
        ("L.variables.speed", {"max": "5"}, "bounds of L.variables.speed: max is '5', not a number."),
        ("L.variables.speed", {"max": True}, "bounds of L.variables.speed: max is True, not a number."),
        ("L.variables.speed", {"min": nan}, "bounds of L.variables.speed: min is nan, not a number."),
        ("L.variables.speed", {"max_step": 0}, "bounds of L.variables.speed: max_step 0 is not positive."),
        ("L.variables.shift", {"max": 5}, "bounds of L.variables.shift: the value in force is outside: 'day' is not a"),
        ("L.variables.lights", {"max": 5}, "True is not a number"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(registry, path, bounds, text):
    with pytest.raises(ParameterError) as caught:
        registry.set_bounds(path, **bounds)
    assert text in str(caught.value)


def test_bounds_of_an_unknown_path_name_the_nearest_one(registry):
    with pytest.raises(UnknownPathError, match=r"Did you mean 'L.variables.speed'\?"):
        registry.set_bounds("L.variables.sped", max=5)
