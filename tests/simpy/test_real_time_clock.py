"""Simulation time beside wall time, on a wall clock that the tests drive: exact, and as in SimPy."""

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simpy.wall import Wall

from dynamic_des import ConfigError, DynamicRealtimeEnvironment, MemoryEgress, SimParameter

# powers of two, so that every sum of them is exact
DELAYS = st.sampled_from([0, 0.5, 1, 1, 2, 4])
BUSY = st.sampled_from([0, 0, 0, 0.125, 0.25, 1, 2])
PROCESSES = st.lists(st.lists(st.tuples(DELAYS, BUSY, st.booleans()), max_size=5), max_size=4)


def ticking(env, wall, log, *, busy=()):
    """Tick every second; be busy for ``busy[time]`` wall seconds."""
    busy = dict(busy)
    while True:
        log.append((env.now, wall.passed))
        wall.now += busy.get(env.now, 0)
        yield env.timeout(1)


def test_every_event_happens_at_its_wall_time(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5), []
    env.process(ticking(env, wall, log))
    env.run(until=3)
    assert log == [(0, 0), (1, 0.5), (2, 1.0)]
    assert wall.passed == 1.5


def test_the_initial_time_is_the_start_of_the_clock(wall):
    env, log = DynamicRealtimeEnvironment(100, factor=2), []
    env.process(ticking(env, wall, log))
    env.run(until=102)
    assert log == [(100, 0), (101, 2)]


def test_the_clock_starts_at_the_first_run_and_not_at_construction(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5, strict=True), []
    env.process(ticking(env, wall, log))
    wall.now += 60
    env.run(until=2)
    assert log == [(0, 60), (1, 60.5)]
    assert env.real_start == wall.now - 1.0


def test_the_clock_starts_at_the_first_step_and_goes_on_between_steps(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5), []
    env.process(ticking(env, wall, log))
    wall.now += 60
    env.step()
    wall.now += 0.25
    env.step()
    wall.now += 2
    env.step()
    assert log == [(0, 60), (1, 60.5), (2, 62.5)]


def test_the_clock_stands_still_between_two_runs(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5, strict=True), []
    env.process(ticking(env, wall, log))
    env.run(until=1.5)
    wall.now += 60
    env.run(until=3.5)
    assert log == [(0, 0), (1, 0.5), (2, 61.0), (3, 61.5)]


def test_the_clock_stands_still_between_a_run_and_a_step(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5, strict=True), []
    env.process(ticking(env, wall, log))
    env.run(until=1.5)
    wall.now += 60
    while env.peek() < 4:
        env.step()
    assert log == [(0, 0), (1, 0.5), (2, 61.0), (3, 61.5)]


def test_a_run_from_within_a_run_does_not_start_the_clock_anew(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5), []

    def impatient(env):
        yield env.timeout(1)
        wall.now += 1.25
        env.run(until=2.5)
        log.append(("back", env.now, wall.passed))

    env.process(ticking(env, wall, log))
    env.process(impatient(env))
    env.run(until=5)
    # the ticks at 2 and 3 were due at wall 1.0 and 1.5, in the middle of the 1.25 that the model was busy
    assert log == [(0, 0), (1, 0.5), (2, 1.75), ("back", 2.5, 1.75), (3, 1.75), (4, 2.0)]


def test_strict_raises_what_simpy_raises(wall):
    texts = []
    for env in (
        simpy.RealtimeEnvironment(factor=0.25, strict=True),
        DynamicRealtimeEnvironment(factor=0.25, strict=True),
    ):
        env.sync()
        env.process(ticking(env, wall, [], busy={2: 0.75}))
        with pytest.raises(RuntimeError) as error:
            env.run(until=10)
        texts.append((env.now, str(error.value)))
    assert texts == [(2, "Simulation too slow for real time (0.500s).")] * 2


def test_strict_allows_to_be_late_by_one_simulated_second(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.25, strict=True), []
    env.process(ticking(env, wall, log, busy={2: 0.5}))
    env.run(until=5)
    assert log == [(0, 0), (1, 0.25), (2, 0.5), (3, 1.0), (4, 1.0)]


def test_without_strict_what_is_late_happens_at_once_until_it_has_caught_up(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.25), []
    env.process(ticking(env, wall, log, busy={1: 0.75}))
    env.run(until=6)
    assert log == [(0, 0), (1, 0.25), (2, 1.0), (3, 1.0), (4, 1.0), (5, 1.25)]


def test_sync_before_a_run_forgives_what_went_before(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5, strict=True), []
    env.process(ticking(env, wall, log))
    wall.now += 60
    env.sync()
    assert env.real_start == wall.now
    env.run(until=2)
    assert log == [(0, 60), (1, 60.5)]


def test_sync_before_steps_counts_from_then_as_in_simpy(wall):
    logs = []
    for make in (simpy.RealtimeEnvironment, DynamicRealtimeEnvironment):
        start, log = wall.passed, []
        env = make(factor=0.5)
        env.process(ticking(env, wall, log))
        env.sync()
        wall.now += 0.25
        env.step()
        env.step()
        logs.append([(now, passed - start) for now, passed in log])
    assert logs == [[(0, 0.25), (1, 0.5)]] * 2


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(PROCESSES, st.sampled_from([0.125, 0.5, 2.0]), st.booleans(), st.sampled_from([None, 3, 7.5]))
def test_random_models_meet_the_wall_clock_as_in_simpy(processes, factor, strict, until):
    seen = []
    for make in (simpy.RealtimeEnvironment, DynamicRealtimeEnvironment):
        with pytest.MonkeyPatch.context() as monkeypatch:
            wall, log = Wall().rule(monkeypatch), []
            env = make(0, factor, strict)

            def process(env, steps, wall=wall, log=log):
                for delay, busy, sync in steps:
                    wall.now += busy
                    if sync:
                        env.sync()
                    yield env.timeout(delay)
                    log.append((env.now, wall.passed))

            for steps in processes:
                env.process(process(env, steps))
            try:
                env.run(until=until)
            except RuntimeError as error:
                log.append(str(error))
            seen.append((log, env.now, wall.passed))
    assert seen[1] == seen[0]


# -- changes from outside ----------------------------------------------------------------------------------


def with_dial(env):
    env.registry.register_sim_parameter(SimParameter(sim_id="Line", variables={"dial": 0}))
    return env.registry.get("Line.variables.dial")


def test_a_change_wakes_the_clock_and_is_applied_at_the_time_on_the_wall_before_the_next_event(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5), []
    dial = with_dial(env)

    def watcher(env):
        while True:
            value = yield dial.wait_for_change()
            log.append(("dial", value, env.now, wall.passed))

    env.process(watcher(env))
    env.process(ticking(env, wall, log))
    wall.interruptions = [(wall.now + 0.625, lambda: env.post("Line.variables.dial", 7))]
    env.run(until=3)
    assert log == [(0, 0), (1, 0.5), ("dial", 7, 1.25, 0.625), (2, 1.0)]


def test_a_change_that_arrives_while_the_model_is_late_comes_before_the_next_event_at_its_time(wall):
    env, log = DynamicRealtimeEnvironment(factor=0.5), []
    dial = with_dial(env)

    def busy(env):
        yield env.timeout(1)
        wall.now += 5
        env.post("Line.variables.dial", 7)

    def watcher(env):
        value = yield dial.wait_for_change()
        log.append(("dial", value, env.now, wall.passed))

    env.process(watcher(env))
    env.process(busy(env))
    env.run(until=1.5)
    assert log == [("dial", 7, 1, 5.5)]


def test_a_flood_of_changes_lets_the_model_have_its_turn(wall):
    env, turns = DynamicRealtimeEnvironment(factor=0.5), []
    dial = with_dial(env)

    def flooded(env):
        for number in range(1, 1001):
            env.post("Line.variables.dial", number)
        for _ in range(5):
            yield env.timeout(0)
            turns.append(dial.value)

    env.process(flooded(env))
    env.run()
    assert turns == [256, 512, 768, 1000, 1000]


# -- how late it is ----------------------------------------------------------------------------------------


def lags(env, until):
    egress = MemoryEgress()
    with env:
        env.setup_egress([egress])
        env.run(until=until)
    return egress.system_values("system.simulation.lag_seconds")


def test_the_lag_is_published_at_its_interval_and_shows_a_model_that_blocked(wall):
    env = DynamicRealtimeEnvironment(factor=0.5, lag_monitor_interval=1.0)
    env.process(ticking(env, wall, [], busy={4: 3.0}))
    # wall 1 and 2: in time; wall 5: back from blocking, the event at t=5 was due at 2.5; wall 6: caught up
    assert lags(env, until=13) == [0.0, 0.0, 2.5, 0.0]
    assert env.lag_seconds == 0.0


def test_the_lag_is_published_at_its_interval_while_nothing_happens(wall):
    env = DynamicRealtimeEnvironment(factor=0.5, lag_monitor_interval=0.5)
    assert lags(env, until=8) == [0.0] * 8


def test_the_lag_keeps_its_last_value_after_the_run(wall):
    env = DynamicRealtimeEnvironment(factor=0.5, lag_monitor_interval=1.0)
    env.process(ticking(env, wall, [], busy={4: 3.0}))
    assert lags(env, until=6) == [0.0, 0.0, 2.5]
    assert env.lag_seconds == 2.5


@pytest.mark.parametrize(("factor", "interval"), [(0, 1.0), (0.5, 0)])
def test_no_lag_is_published_flat_out_or_without_an_interval(wall, factor, interval):
    env = DynamicRealtimeEnvironment(factor=factor, lag_monitor_interval=interval)
    env.process(ticking(env, wall, [], busy={4: 3.0}))
    assert lags(env, until=13) == []
    assert env.lag_seconds == 0.0


def test_publishing_the_lag_is_no_event_and_takes_no_number_of_the_models(wall):
    env = DynamicRealtimeEnvironment(factor=0.5, lag_monitor_interval=0.25)
    egress = MemoryEgress()

    def publishing(env):
        for _ in range(4):
            yield env.timeout(1)
            env.publish_telemetry("Line.dial", env.now)

    env.process(publishing(env))
    with env:
        env.setup_egress([egress])
        env.run()
    assert [(record["seq"], record["sim_ts"]) for record in egress.records] == [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]
    assert [record["sys_seq"] for record in egress.system] == list(range(1, len(egress.system) + 1))
    assert len(egress.system) == 8
    assert next(env._eid) == 6  # the process's start, four timeouts, its end


def test_setup_egress_may_set_how_often_the_lag_is_measured_too():
    sink = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=1.0, lag_monitor_interval=0) as env:
        env.setup_egress([sink], lag_monitor_interval=0.02)
        env.run(until=0.2)
        with pytest.raises(ConfigError, match="lag_monitor_interval is -1"):
            env.setup_egress([MemoryEgress()], lag_monitor_interval=-1)
    assert len(sink.system_values("system.simulation.lag_seconds")) >= 3
