"""Who waits for a change: woken, every one of them, and nothing left behind by those who gave up."""

import gc
import tracemalloc
from contextlib import suppress

import pytest
import simpy
from simpy.events import Condition, Event

from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import CapacityConfig, DistributionConfig, SimParameter


@pytest.fixture
def env():
    env = SteeredEnvironment(factor=0, seed=1)
    env.registry.register_sim_parameter(
        SimParameter(
            sim_id="L",
            arrival={"a": DistributionConfig("exponential", rate=0.5)},
            resources={"m": CapacityConfig(1, 5)},
            variables={"speed": 1.0, "shift": "day", "plan": {}},
        )
    )
    return env


@pytest.fixture
def speed(env):
    return env.registry.get("L.variables.speed")


def update_at(env, *schedule):
    def operator():
        for at, path, value in schedule:
            yield env.timeout(at - env.now)
            env.registry.update(path, value)

    env.process(operator())


@pytest.mark.parametrize(
    ("path", "new"),
    [("L.variables.speed", 2.0), ("L.variables.shift", "night"), ("L.variables.plan", {"a": 1}),
     ("L.arrival.a.rate", 4.0), ("L.arrival.a.dist", "constant"), ("L.resources.m.current_cap", 3),
     ("L.resources.m.max_cap", 9)],
)  # fmt: skip
def test_every_waiter_is_woken_with_the_new_value(env, path, new):
    live, woken = env.registry.get(path), []
    env.registry.update("L.arrival.a.value", 3.0)

    def waiter(name):
        value = yield live.wait_for_change()
        woken.append((name, env.now, value, live.value))

    for name in range(5):
        env.process(waiter(name))
    update_at(env, (3, path, new))
    env.run()
    assert woken == [(name, 3, new, new) for name in range(5)]


def test_an_update_that_changes_nothing_wakes_nobody(env, speed):
    woken = []

    def waiter():
        while True:
            value = yield speed.wait_for_change()
            woken.append((env.now, value))

    env.process(waiter())
    path = "L.variables.speed"
    update_at(env, (1, path, 1.0), (2, path, "1"), (3, path, "fast"), (4, path, 2.0), (5, path, 2.0), (6, path, 1.0))
    env.run()
    assert woken == [(4, 2.0), (6, 1.0)]


def test_a_clamped_capacity_wakes_only_when_the_capacity_in_force_changes(env):
    live, woken = env.registry.get("L.resources.m.current_cap"), []

    def waiter():
        while True:
            woken.append((yield live.wait_for_change()))

    env.process(waiter())
    current, maximum = "L.resources.m.current_cap", "L.resources.m.max_cap"
    update_at(env, (1, current, 8), (2, current, 9), (3, maximum, 5), (4, maximum, 7), (5, maximum, 20))
    env.run()
    assert woken == [5, 7, 9]


def test_who_waits_for_one_value_is_not_woken_by_another(env, speed):
    def waiter():
        yield speed.wait_for_change() | env.timeout(10)
        return env.now

    process = env.process(waiter())
    update_at(env, (1, "L.variables.shift", "night"), (2, "L.arrival.a.rate", 9.0))
    assert env.run(process) == 10


def test_two_changes_at_one_instant_are_one_waking_with_the_first_value_and_the_second_to_be_read(env, speed):
    woken = []

    def waiter():
        while True:
            value = yield speed.wait_for_change()
            woken.append((env.now, value, speed.value))

    env.process(waiter())
    update_at(env, (1, "L.variables.speed", 2.0), (1, "L.variables.shift", "night"), (2, "L.variables.speed", 3.0))
    env.run(until=1.5)
    env.registry.update("L.variables.speed", 2.5)
    env.registry.update("L.variables.speed", 2.75)
    env.run()
    assert woken == [(1, 2.0, 2.0), (1.5, 2.5, 2.75), (2, 3.0, 3.0)]


def test_an_event_that_is_asked_for_before_the_change_may_be_waited_for_after_it(env, speed):
    def waiter():
        change = speed.wait_for_change()
        yield env.timeout(5)
        value = yield change
        return env.now, value

    process = env.process(waiter())
    update_at(env, (1, "L.variables.speed", 2.0), (2, "L.variables.speed", 3.0))
    assert env.run(process) == (5, 2.0)


def test_waiters_share_one_event_until_it_happens(env, speed):
    first = speed.wait_for_change()
    assert speed.wait_for_change() is first
    env.registry.update("L.variables.speed", 2.0)
    assert speed.wait_for_change() is not first
    assert isinstance(first, simpy.Event)


def test_subscribers_adjust_before_any_waiter_goes_on(env):
    order = []
    first, second = env.registry.get("L.variables.speed"), env.registry.get("L.resources.m.current_cap")
    first.subscribe(lambda value: order.append(("listener of speed", value)))
    second.subscribe(lambda value: order.append(("listener of capacity", value)))

    def waiter(live, name):
        value = yield live.wait_for_change()
        order.append((name, value))

    env.process(waiter(first, "waiter for speed"))
    env.process(waiter(second, "waiter for capacity"))

    def operator():
        yield env.timeout(1)
        env.registry.update_many({"L.variables.speed": 2.0, "L.resources.m.current_cap": 3})
        order.append("operator")

    env.process(operator())
    env.run()
    assert order == [
        ("listener of speed", 2.0),
        ("listener of capacity", 3),
        "operator",
        ("waiter for speed", 2.0),
        ("waiter for capacity", 3),
    ]


def test_whom_a_listener_serves_goes_on_before_who_waits_for_any_of_the_changes(env):
    order, granted = [], env.event()
    env.registry.get("L.resources.m.current_cap").subscribe(lambda _: granted.succeed("served"))

    def wait_for(event):
        order.append((yield event))

    env.process(wait_for(env.registry.get("L.variables.speed").wait_for_change()))
    env.process(wait_for(granted))
    env.run(until=1)
    env.registry.update_many({"L.variables.speed": 2.0, "L.resources.m.current_cap": 3})
    env.run()
    assert order == ["served", 2.0]


def test_a_listener_may_change_another_parameter(env, speed):
    env.registry.get("L.variables.shift").subscribe(lambda _: env.registry.update("L.variables.speed", 0.5))
    assert env.registry.update("L.variables.shift", "night").status == "applied"
    assert speed.value == 0.5


def test_a_listener_that_changes_its_own_parameter_leaves_everybody_with_the_last_value(env, speed):
    heard = []
    speed.subscribe(lambda value: env.registry.update("L.variables.speed", min(value, 5.0)))
    speed.subscribe(heard.append)
    change = speed.wait_for_change()
    env.registry.update("L.variables.speed", 9.0)
    assert speed.value == 5.0
    assert heard[-1] == 5.0
    assert change.value == 5.0


def test_a_waiter_that_is_interrupted_leaves_nothing_behind(env, speed):
    def waiter():
        try:
            yield speed.wait_for_change()
        except simpy.Interrupt:
            return "interrupted"

    processes = [env.process(waiter()) for _ in range(3)]
    env.run(until=1)
    for process in processes:
        process.interrupt()
    env.run()
    assert [process.value for process in processes] == ["interrupted"] * 3
    assert speed.wait_for_change().callbacks == []


def test_a_waiter_that_gives_up_leaves_nothing_behind(env, speed):
    def waiter():
        for _ in range(10):
            yield speed.wait_for_change() | env.timeout(1)

    for _ in range(3):
        env.process(waiter())
    env.run()
    assert env.now == 10
    assert speed.wait_for_change().callbacks == []


def test_a_waiter_that_is_interrupted_while_it_waits_for_a_change_or_a_timeout_leaves_nothing_behind(env, speed):
    def waiter():
        with suppress(simpy.Interrupt):
            yield speed.wait_for_change() | env.timeout(1)

    process = env.process(waiter())
    env.run(until=0.5)
    process.interrupt()
    env.run()
    assert speed.wait_for_change().callbacks == []


def keep_waiting(env, speed, seconds, *, change_every, interrupted=False):
    """Wait for a change or a second, over and over; count what is there after a tenth and at the end."""
    changes = 0

    def waiter():
        nonlocal changes
        for _ in range(seconds):
            try:
                happened = yield speed.wait_for_change() | env.timeout(1)
                changes += any(event is not None for event in happened.values())
            except simpy.Interrupt:
                pass

    def operator():
        while env.now < seconds:
            yield env.timeout(change_every)
            env.registry.update("L.variables.speed", env.now)

    process = env.process(waiter())
    env.process(operator())

    def nuisance():
        while interrupted and process.is_alive:
            yield env.timeout(7.25)
            if process.is_alive:
                process.interrupt()

    env.process(nuisance())
    found = []
    for at in (seconds / 10, seconds * 0.8):
        env.run(until=at)
        gc.collect()
        events = sum(isinstance(thing, (Event, Condition)) for thing in gc.get_objects())
        found.append((tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0, events))
    assert changes > 0
    return found


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("change_every", [3.5, 5000.5])
def test_waiting_for_a_change_or_a_timeout_over_and_over_takes_no_memory(env, speed, change_every, interrupted):
    tracemalloc.start()
    try:
        early, late = keep_waiting(env, speed, 20_000, change_every=change_every, interrupted=interrupted)
    finally:
        tracemalloc.stop()
    assert late[0] - early[0] < 5_000
    assert abs(late[1] - early[1]) <= 5


@pytest.mark.full
def test_a_month_of_waiting_for_a_change_or_a_second_takes_no_memory(env, speed):
    early, late = keep_waiting(env, speed, 30 * 86_400, change_every=3600.5)
    assert abs(late[1] - early[1]) <= 5
