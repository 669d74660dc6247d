"""Running, stopping and running on: as SimPy does, down to the odd corners."""

import traceback
from functools import partial

import pytest
import simpy
from simpy.core import EmptySchedule, StopSimulation

from dynamic_des import DynamicRealtimeEnvironment, LocalIngress, SimParameter

FLAT_OUT = partial(DynamicRealtimeEnvironment, factor=0)
REAL_TIME = partial(DynamicRealtimeEnvironment, factor=1e-12)
every_environment = pytest.mark.parametrize(
    "make", [simpy.Environment, FLAT_OUT, REAL_TIME], ids=["simpy", "flat out", "real time"]
)


def ticking(env, log):
    while True:
        yield env.timeout(1)
        log.append(env.now)


def test_it_is_simpys_environment():
    env = DynamicRealtimeEnvironment(5)
    assert isinstance(env, simpy.RealtimeEnvironment)
    assert isinstance(env, simpy.Environment)
    assert (env.now, env.env_start, env.factor, env.strict) == (5, 5, 1.0, False)
    assert env.peek() == float("inf")
    assert env.active_process is None


def test_its_attributes_are_few_enough_to_be_read_fast():
    # CPython keeps up to thirty attributes of an instance in a fast form; SimPy's recipes add one or two
    assert len(vars(DynamicRealtimeEnvironment(factor=0))) <= 28


@every_environment
def test_a_process_ends_the_run_with_stop_simulation(make):
    def stopping(env):
        yield env.timeout(1)
        raise StopSimulation("enough")

    env, log = make(), []
    env.process(ticking(env, log))
    env.process(stopping(env))
    assert env.run() == "enough"
    env.run(until=4)
    assert log == [1, 2, 3]


@every_environment
def test_a_failed_event_that_nobody_waits_for_may_hold_stop_simulation(make):
    env = make()
    env.event().fail(StopSimulation("enough"))
    assert env.run() == "enough"
    assert env.peek() == float("inf")


@every_environment
def test_a_model_may_run_from_within_a_run(make):
    env, log = make(), []

    def impatient(env):
        yield env.timeout(2)
        env.run(until=env.now + 2)
        log.append(("back at", env.now))
        yield env.timeout(1)
        log.append(("done at", env.now))

    env.process(ticking(env, log))
    env.process(impatient(env))
    env.run(until=7)
    assert log == [1, 2, 3, ("back at", 4), 4, ("done at", 5), 5, 6]


@pytest.mark.parametrize("make", [FLAT_OUT, REAL_TIME], ids=["flat out", "real time"])
def test_the_events_of_a_run_from_within_are_counted_once(make):
    env = make()

    def impatient(env):
        yield env.timeout(2)
        env.run(until=env.now + 2)

    env.process(ticking(env, []))
    env.process(impatient(env))
    env.run(until=5)
    # 2 starts of processes, 4 ticks, 1 timeout, 1 end of a process, the ends of two runs: the inner one is scheduled
    # once more, for callbacks behind it
    assert env._steering.processed == 11


def test_a_run_from_within_does_not_end_the_schedule_of_changes():
    env, log = FLAT_OUT(), []
    env.registry.register_sim_parameter(SimParameter("Line", variables={"dial": 0}))
    dial = env.registry.get("Line.variables.dial")

    def impatient(env):
        yield env.timeout(1)
        env.run(until=3)

    def watcher(env):
        while True:
            value = yield dial.wait_for_change()
            log.append((env.now, value))

    env.process(impatient(env))
    env.process(watcher(env))
    with env:
        env.setup_ingress([LocalIngress([(time, "Line.variables.dial", time) for time in (2, 5, 10)])])
        env.run(until=10)
        assert log == [(2, 2), (5, 5)]
        env.run(until=11)
        assert log == [(2, 2), (5, 5), (10, 10)]


@every_environment
def test_a_run_goes_on_after_a_process_failed(make):
    def failing(env):
        yield env.timeout(1.5)
        raise ValueError("broken")

    env, log = make(), []
    env.process(ticking(env, log))
    env.process(failing(env))
    with pytest.raises(ValueError, match="broken"):
        env.run(until=3)
    assert env.now == 1.5
    env.run(until=4)
    assert env.now == 3  # the stop of the run that failed is still on the schedule
    env.run(until=4)
    assert (env.now, log) == (4, [1, 2, 3])


@every_environment
def test_a_time_that_is_not_in_the_future_is_refused(make):
    env = make(3)
    with pytest.raises(ValueError, match=r"^until \(3\) must be greater than the current simulation time$"):
        env.run(until=3)


@every_environment
def test_waiters_behind_the_stop_of_a_run_are_served_by_the_next_run(make):
    env, log = make(), []
    event = env.timeout(1, "value")

    def late(env):
        yield env.timeout(0.5)
        log.append((yield event))

    env.process(late(env))  # waits only when the run's own callback is there already
    assert env.run(until=event) == "value"
    assert log == []
    env.run()
    assert (env.now, log) == (1, ["value"])


@every_environment
def test_an_event_that_cannot_happen_is_named(make):
    env = make()
    event = env.event()
    with pytest.raises(RuntimeError) as error:
        env.run(until=event)
    assert str(error.value) == f'No scheduled events left but "until" event was not triggered: {event}'


@every_environment
def test_a_step_on_an_empty_schedule_says_so(make):
    with pytest.raises(EmptySchedule):
        make().step()


def test_an_unhandled_failure_shows_every_process_that_it_passed_through():
    def child(env):
        yield env.timeout(1)
        raise RuntimeError("foo")

    def parent(env):
        yield env.process(child(env))

    env = FLAT_OUT()
    env.process(parent(env))
    with pytest.raises(RuntimeError, match="foo") as error:
        env.run()
    text = "".join(traceback.format_exception(error.value))
    assert text.index("in child") < text.index("in parent") < text.index("env.run()")
    assert text.count("The above exception was the direct cause of the following exception:") == 2


def test_a_subclass_may_override_step():
    steps = []

    class Traced(DynamicRealtimeEnvironment):
        def step(self):
            steps.append(self.peek())
            super().step()

    env = Traced(factor=0)
    env.process(ticking(env, []))
    env.run(until=3)
    assert steps == [0, 1, 2, 3]


def test_a_subclass_may_override_schedule():
    scheduled = []

    class Traced(DynamicRealtimeEnvironment):
        def schedule(self, event, priority=1, delay=0):
            scheduled.append((type(event).__name__, int(priority), delay))
            super().schedule(event, priority, delay)

    env = Traced(factor=0)
    env.process(ticking(env, []))
    env.run(until=2)
    assert scheduled == [
        ("Initialize", 0, 0),
        ("Event", 0, 2),
        ("Timeout", 1, 1),
        ("Timeout", 1, 1),
        ("Event", -1, 0),
    ]


def test_the_times_keep_their_types():
    env, seen = FLAT_OUT(5), []

    def process(env):
        seen.append(repr(env.now))
        yield env.timeout(1)
        seen.append(repr(env.now))
        yield env.timeout(0.5)
        seen.append(repr(env.now))

    env.process(process(env))
    env.run(until=9)
    assert [*seen, repr(env.now)] == ["5", "6", "6.5", "9"]
