"""Whatever the model, event for event: the same times, priorities, numbers, kinds and results as in SimPy."""

import pytest
import simpy
from hypothesis import HealthCheck, given, settings
from tests.simpy.models import MODEL, Rehearsal

from dynamic_des import DynamicRealtimeEnvironment, SimParameter

QUICK = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
THOROUGH = settings(QUICK, max_examples=10_000, derandomize=False)
NO_TIME = 1e-12  # wall seconds per simulated second: the real-time loop, and never a wait


def theirs(model, trace):
    rehearsal = Rehearsal(model, simpy.Environment(model.initial_time))
    trace(rehearsal)
    return rehearsal.perform()


def ours(model, trace, factor):
    env = DynamicRealtimeEnvironment(model.initial_time, factor)
    env.registry.register_sim_parameter(SimParameter(sim_id="unrelated", variables={"dial": 0}))
    # in real time a change moves `now` on to the wall's time, which is nothing that could be compared
    rehearsal = Rehearsal(model, env, post=post_a_change if factor == 0 else None)
    trace(rehearsal)
    return rehearsal.perform()


def post_a_change(env, value):
    env.post("unrelated.variables.dial", value)


def assert_same(model):
    flat_out = theirs(model, Rehearsal.trace_schedule)
    assert ours(model, Rehearsal.trace_schedule, factor=0) == flat_out
    assert ours(model, Rehearsal.trace_schedule, factor=NO_TIME) == flat_out
    stepped = theirs(model, Rehearsal.trace_steps)
    assert ours(model, Rehearsal.trace_steps, factor=0) == stepped


@QUICK
@given(MODEL)
def test_a_random_model_makes_the_same_events_as_in_simpy(model):
    assert_same(model)


@pytest.mark.full
@THOROUGH
@given(MODEL)
def test_ten_thousand_random_models_make_the_same_events_as_in_simpy(model):
    assert_same(model)
