"""A wall clock that stands still until the test moves it."""

import pytest

from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress, MemoryIngress, SimParameter
from dynamic_des.testing import DrivenClock

pytest_plugins = ["dynamic_des.testing.fixtures"]

SPEED = "Line_A.variables.speed"


@pytest.fixture
def env(clock):
    clock.env.registry.register_sim_parameter(SimParameter("Line_A", variables={"speed": 1}))
    return clock.env


def ticking(env, seen, every=1.0):
    def model():
        while True:
            yield env.timeout(every)
            seen.append(env.now)

    env.process(model())


def test_nothing_happens_while_the_clock_stands_still(clock, env):
    seen = []
    ticking(env, seen)
    clock.run(until=10)
    assert (seen, clock.now) == ([], 0.0)


def test_what_is_due_has_happened_when_advance_returns(clock, env):
    seen = []
    ticking(env, seen)
    clock.run(until=10)
    clock.advance(3.0)
    assert seen == [1.0, 2.0, 3.0]
    clock.advance(0.5)
    assert seen == [1.0, 2.0, 3.0]
    clock.advance(0.5)
    assert seen == [1.0, 2.0, 3.0, 4.0]


def test_the_model_is_never_late_however_far_the_clock_is_moved(clock, env):
    env._strict = True
    seen = []
    ticking(env, seen, every=0.1)
    clock.run(until=1000)
    clock.advance(999.95)
    assert len(seen) == 9999


def test_a_change_is_applied_at_the_time_that_the_clock_shows(clock, env):
    outcomes = MemoryEgress()
    env.setup_egress([outcomes])
    clock.run(until=10)
    clock.advance(2.25)
    assert env.post(SPEED, 2).result(10).status == "applied"
    clock.advance(0.25)
    assert env.post(SPEED, 3).result(10).status == "applied"
    clock.finish()
    env.teardown()
    times = [outcome["sim_time"] for outcome in outcomes.system_values("system.changes")]
    assert times == [2.25, 2.5]


def test_a_change_from_an_ingress_wakes_who_waits_for_it(clock, env):
    ingress, seen = MemoryIngress(), []
    env.setup_ingress([ingress])

    def model():
        value = yield env.registry.get(SPEED).wait_for_change()
        seen.append((env.now, value))
        return value

    process = env.process(model())
    clock.run(until=process)
    clock.advance(1.5)
    ingress.send((SPEED, 7))
    assert clock.finish() == 7
    assert seen == [(1.5, 7)]


def test_finish_returns_what_the_run_returned(clock, env):
    clock.run(until=env.timeout(5, value="done"))
    assert clock.finish() == "done"
    assert (env.now, clock.now) == (5.0, 5.0)


def test_a_second_run_goes_on_where_the_first_one_ended(clock, env):
    seen = []
    ticking(env, seen)
    clock.run(until=1.5)
    clock.finish()
    clock.run(until=3.5)
    assert clock.finish() is None
    assert seen == [1.0, 2.0, 3.0]


def test_what_the_model_raises_is_raised_where_the_clock_is_moved(clock, env):
    def model():
        yield env.timeout(1)
        raise ZeroDivisionError("the model's own")

    env.process(model())
    clock.run()
    with pytest.raises(ZeroDivisionError, match="the model's own"):
        clock.advance(2)


def test_a_run_that_is_still_on_is_ended_at_the_end_of_the_test(clock, env):
    ticking(env, [])
    clock.run()
    clock.stop()
    assert not env._running


def test_it_says_what_it_cannot_do(clock, env):
    with pytest.raises(RuntimeError, match=r"nothing runs yet. Call run\(\)"):
        clock.advance(1)
    env.setup_ingress([MemoryIngress()])
    clock.run()
    with pytest.raises(RuntimeError, match=r"a run is on already. Call finish\(\)"):
        clock.run()
    with pytest.raises(ValueError, match="-1 s would be back in time"):
        clock.advance(-1)


def test_it_does_not_wait_for_ever_for_a_change_that_nobody_sends():
    with DynamicRealtimeEnvironment(lag_monitor_interval=0) as env:
        clock = DrivenClock(env, limit_s=0.1)
        env.setup_ingress([MemoryIngress()])
        clock.run()
        with pytest.raises(pytest.fail.Exception, match="the run waits for a change, and none came"):
            clock.finish()
        clock.stop()
