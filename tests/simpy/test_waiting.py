"""Waiting in real time, on the real clock: with threads, ingresses, and nothing to do."""

import threading
from time import monotonic

import pytest
from simpy.core import EmptySchedule

from dynamic_des import DynamicRealtimeEnvironment, MemoryIngress, SimParameter
from dynamic_des.sim.clock import Alarm

PATIENCE_S = 30.0  # how long a busy machine may take for what takes a moment


@pytest.fixture
def resting(monkeypatch):
    """A flag that is set as soon as the simulation rests."""
    flag, wait = threading.Event(), Alarm.wait

    def noting(alarm, timeout_s, unless):
        if not unless:
            flag.set()
        wait(alarm, timeout_s, unless)

    monkeypatch.setattr(Alarm, "wait", noting)
    return flag


@pytest.fixture
def meanwhile():
    """A function that runs another in a thread, which has ended without a fault when the test ends."""
    threads, faults = [], []

    def start(function):
        def guarded():
            try:
                function()
            except BaseException as fault:
                faults.append(fault)

        threads.append(threading.Thread(target=guarded))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert faults == []


def with_dial(env):
    env.registry.register_sim_parameter(SimParameter(sim_id="Line", variables={"dial": 0}))
    return env.registry.get("Line.variables.dial")


@pytest.mark.parametrize(("factor", "until"), [(1.0, 0.25), (0.1, 2.5)])
def test_simulated_time_takes_factor_times_as_long_on_the_wall(factor, until):
    env = DynamicRealtimeEnvironment(factor=factor)
    start = monotonic()
    env.run(until=until)
    assert 0.25 <= monotonic() - start < PATIENCE_S
    assert env.now == until


def test_a_change_posted_from_another_thread_ends_the_wait(resting, meanwhile):
    env, log = DynamicRealtimeEnvironment(factor=1.0), []
    dial = with_dial(env)
    far = env.timeout(3600)

    def watcher(env):
        value = yield dial.wait_for_change()
        log.append(value)
        return env.now

    def operator():
        assert resting.wait(PATIENCE_S)
        outcome = env.post("Line.variables.dial", 7).result(PATIENCE_S)
        assert outcome.status == "applied"

    meanwhile(operator)
    start = monotonic()
    changed_at = env.run(until=env.process(watcher(env)))
    assert log == [7]
    assert 0 < changed_at <= monotonic() - start < 3600
    assert not far.processed


def test_what_a_ring_that_was_lost_was_for_is_found_soon(resting, meanwhile, monkeypatch):
    # as a signal is that comes between the interpreter's last look for signals and the system call that waits
    env = DynamicRealtimeEnvironment(factor=1.0, lag_monitor_interval=0)
    dial, ingress = with_dial(env), MemoryIngress()

    def operator():
        assert resting.wait(PATIENCE_S)
        monkeypatch.setattr(Alarm, "ring", lambda alarm: None)
        env.post("Line.variables.dial", 7).result(PATIENCE_S)
        ingress.end()

    with env:
        env.setup_ingress([ingress])
        meanwhile(operator)
        env.run()
    assert dial.value == 7


def test_giving_up_on_the_answer_to_a_post_does_not_take_back_the_change():
    env = DynamicRealtimeEnvironment(factor=0)
    dial = with_dial(env)
    answer = env.post("Line.variables.dial", 7)
    assert not answer.cancel()
    env.run()
    assert dial.value == 7
    assert answer.result(0).status == "applied"


def test_run_waits_while_an_ingress_is_open_and_ends_with_it(resting, meanwhile):
    env, ingress = DynamicRealtimeEnvironment(factor=1.0), MemoryIngress()
    dial = with_dial(env)

    def operator():
        assert resting.wait(PATIENCE_S)
        ingress.send(("Line.variables.dial", 7))
        ingress.end()

    with env:
        env.setup_ingress([ingress])
        meanwhile(operator)
        assert env.run() is None
        assert dial.value == 7
        assert env.now > 0
        with pytest.raises(EmptySchedule):
            env.step()


def test_step_waits_for_an_event_while_an_ingress_is_open(resting, meanwhile):
    env, ingress = DynamicRealtimeEnvironment(factor=1.0), MemoryIngress()
    dial = with_dial(env)
    changed = dial.wait_for_change()

    def operator():
        assert resting.wait(PATIENCE_S)
        ingress.send(("Line.variables.dial", 7))

    with env:
        env.setup_ingress([ingress])
        meanwhile(operator)
        env.step()
        assert changed.processed
        assert changed.value == 7


def test_flat_out_an_empty_schedule_ends_the_run_even_with_an_open_ingress():
    env = DynamicRealtimeEnvironment(factor=0)
    with env:
        env.setup_ingress([MemoryIngress()])
        env.timeout(5)
        assert env.run() is None
        assert env.now == 5


def test_flat_out_a_run_until_an_event_waits_for_an_open_ingress(resting, meanwhile):
    env, ingress = DynamicRealtimeEnvironment(factor=0), MemoryIngress()
    dial = with_dial(env)
    changed = dial.wait_for_change()

    def operator():
        assert resting.wait(PATIENCE_S)
        ingress.send(("Line.variables.dial", 7))

    with env:
        env.setup_ingress([ingress])
        meanwhile(operator)
        assert env.run(until=changed) == 7
        assert env.now == 0


def test_flat_out_a_run_until_an_event_ends_when_no_ingress_is_left(resting, meanwhile):
    env, ingress = DynamicRealtimeEnvironment(factor=0), MemoryIngress()

    def operator():
        assert resting.wait(PATIENCE_S)
        ingress.end()

    with env:
        env.setup_ingress([ingress])
        meanwhile(operator)
        with pytest.raises(RuntimeError, match='"until" event was not triggered'):
            env.run(until=env.event())
