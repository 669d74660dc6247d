"""LocalIngress: changes at exact simulation times, at every factor."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bridge.conftest import make_environment

from dynamic_des import LocalIngress, MemoryEgress
from dynamic_des.errors import ConfigError, DecodeError

FACTORS = [0, 0.01, 1]


def changes_in(env, path="L.variables.n"):
    """A model that notes when it sees a path change, and to what."""
    seen = []

    def model():
        while True:
            value = yield env.registry.get(path).wait_for_change()
            seen.append((env.now, value))

    env.process(model())
    return seen


@pytest.mark.parametrize("factor", FACTORS)
def test_changes_happen_at_their_exact_times_in_any_order_given(factor):
    with make_environment(factor=factor) as env:
        seen = changes_in(env)
        env.setup_ingress(
            [LocalIngress([(0.03, "L.variables.n", 3), (0.01, "L.variables.n", 1), (0.02, "L.variables.n", 2)])]
        )
        env.run(until=0.1)
        assert seen == [(0.01, 1), (0.02, 2), (0.03, 3)]
        assert env.now == 0.1


@pytest.mark.parametrize("factor", FACTORS)
def test_times_count_from_the_time_at_set_up(factor):
    with make_environment(factor=factor, initial_time=100) as env:
        env.run(until=100.01)
        seen = changes_in(env)
        env.setup_ingress([LocalIngress([(0.02, "L.variables.n", 1)])])
        env.run(until=100.1)
        assert seen == [(100.01 + 0.02, 1)]


@pytest.mark.parametrize("factor", FACTORS)
def test_a_change_comes_before_the_events_of_its_instant(factor):
    with make_environment(factor=factor) as env:
        env.setup_ingress([LocalIngress([(0.02, "L.variables.n", 1), (0, "L.variables.m", 1)])])
        seen = []

        def model():
            seen.append((env.now, env.registry.get("L.variables.m").value))
            yield env.timeout(0.02)
            seen.append((env.now, env.registry.get("L.variables.n").value))

        env.process(model())
        env.run()
        assert seen == [(0, 1), (0.02, 1)]


@pytest.mark.parametrize("factor", FACTORS)
def test_several_at_one_instant_keep_their_order(factor):
    egress = MemoryEgress()
    with make_environment(factor=factor) as env:
        env.setup_egress([egress])
        schedule = [(0.01, "L.variables.n", number) for number in range(1, 51)]
        env.setup_ingress([LocalIngress([*schedule, (0, "L.variables.n", 99)])])
        env.run()
    changes = egress.system_values("system.changes")
    assert [change["updates"][0][1] for change in changes] == [99, *range(1, 51)]
    assert [change["sim_time"] for change in changes] == [0] + [0.01] * 50


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("delay", [0, 0.001, 0.02])
def test_set_up_in_the_middle_of_a_run_the_times_are_exact_as_well(factor, delay):
    with make_environment(factor=factor) as env:
        seen = changes_in(env)

        def model():
            yield env.timeout(0.05)
            env.setup_ingress([LocalIngress([(delay, "L.variables.n", 1)])])
            env.setup_ingress([LocalIngress([(delay / 2, "L.variables.m", 1)])])
            yield env.timeout(0.05)

        env.process(model())
        env.run()
        assert seen == [(0.05 + delay, 1)]
        assert env.now == 0.1


def test_a_time_at_the_end_of_a_run_belongs_to_the_next():
    with make_environment(factor=0) as env:
        seen = changes_in(env)
        env.setup_ingress([LocalIngress([(5, "L.variables.n", 1)])])
        env.run(until=5)
        assert seen == []
        env.run(until=6)
        assert seen == [(5, 1)]


def test_refused_entries_are_reported_and_the_others_applied(env, sink):
    env.setup_ingress(
        [LocalIngress([(1, "L.variables.nn", 1), (1, "L.variables.n", "no number"), (2, "L.variables.n", 7)])]
    )
    env.run()
    changes = sink.system_values("system.changes")
    assert [(change["sim_time"], change["status"]) for change in changes] == [
        (1, "refused"),
        (1, "refused"),
        (2, "applied"),
    ]
    assert "Did you mean 'L.variables.n'" in changes[0]["reason"]
    assert env.registry.get("L.variables.n").value == 7


@settings(max_examples=50, deadline=None)
@given(delays=st.lists(st.floats(0, 100, allow_subnormal=False), max_size=20), steps=st.integers(1, 7))
def test_any_schedule_is_exact_and_in_order_beside_a_model(delays, steps):
    egress = MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress])
        env.setup_ingress([LocalIngress([(delay, "L.variables.n", place + 1) for place, delay in enumerate(delays)])])

        def model():
            for _ in range(10):
                yield env.timeout(steps)

        env.process(model())
        env.run()
    changes = egress.system_values("system.changes")
    assert [change["sim_time"] for change in changes] == sorted(delays)
    order = sorted(range(len(delays)), key=lambda place: delays[place])
    assert [change["updates"][0][1] for change in changes] == [place + 1 for place in order]


def test_the_schedule_is_sorted_by_time_alone():
    assert LocalIngress([(2, "b", object()), (1, "z", 1), (1, "a", 2)]).schedule[:2] == [(1, "z", 1), (1, "a", 2)]


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ((1, "a"), "entry 1 is (1, 'a'). Give (delay in simulated seconds, path, value)."),
        (5, "entry 1 is 5."),
        ("abcd", "entry 1 is 'abcd'."),
        (("1", "a", 1), "entry 1 has the delay '1'."),
        ((-1, "a", 1), "entry 1 has the delay -1."),
        ((math.nan, "a", 1), "entry 1 has the delay nan."),
        ((math.inf, "a", 1), "entry 1 has the delay inf."),
        ((10**400, "a", 1), "entry 1 has the delay 1000"),
        ((True, "a", 1), "entry 1 has the delay True."),
        ((1, None, 1), "entry 1 has the path None."),
    ],
    ids=lambda part: repr(part)[:30],
)
def test_a_schedule_that_makes_no_sense_is_refused_with_the_number_of_the_entry(entry, text):
    with pytest.raises(ConfigError) as error:
        LocalIngress([(0, "L.variables.n", 1), entry])
    assert f"LocalIngress: {text}" in str(error.value)


def test_what_is_no_schedule_is_refused():
    with pytest.raises(ConfigError, match="LocalIngress: the schedule is 5"):
        LocalIngress(5)


def test_a_refusal_names_the_place_in_the_schedule_as_it_was_given():
    with make_environment(factor=0) as env:
        env.setup_ingress([LocalIngress([(3, "L.variables.none", 1), (1, "L.variables.n", 1)])], on_poison="stop")
        with pytest.raises(DecodeError, match=r"\(entry 0\)"):
            env.run(until=5)
