from math import inf, nan

import numpy as np
import pytest
import simpy

from dynamic_des.errors import ParameterError, UnknownPathError
from dynamic_des.sim.resources import BaseDynamicResource, DynamicContainer


def filler(env, tank, amount, log, at=0):
    yield env.timeout(at)
    yield tank.put(amount)
    log.append((env.now, "put", amount, tank.level))


def drainer(env, tank, amount, log, at=0):
    yield env.timeout(at)
    yield tank.get(amount)
    log.append((env.now, "got", amount, tank.level))


def test_it_is_simpys_own_container_with_simpys_names_and_its_own(make_line):
    env = make_line(containers={"tank": 10.5})
    tank = DynamicContainer(env, "Line", "tank", init=4)
    assert isinstance(tank, simpy.Container)
    assert isinstance(tank, BaseDynamicResource)
    assert (tank.env, tank.sim_id, tank.obj_id, tank.capacity, tank.level) == (env, "Line", "tank", 10.5, 4)
    put, get = tank.put(7), tank.get(5)
    assert type(put) is simpy.resources.container.ContainerPut
    assert type(get) is simpy.resources.container.ContainerGet
    assert (tank.put_queue, tank.get_queue, tank.level) == ([put], [get], 4)
    assert repr(tank) == "<DynamicContainer Line.tank: 4 of 10.5>"


def test_growing_lets_in_at_once_all_that_fits(make_line):
    env = make_line(containers={"tank": 2})
    tank = DynamicContainer(env, "Line", "tank", init=2)
    log = []
    for amount in (1, 2.5, 1, 3):
        env.process(filler(env, tank, amount, log))
    env.steer((5, "containers.tank", 6.5))
    env.run()
    assert log == [(5, "put", 1, 6.5), (5, "put", 2.5, 6.5), (5, "put", 1, 6.5)]
    assert [put.amount for put in tank.put_queue] == [3]


def test_growing_serves_gets_that_wait_for_what_waited(make_line):
    env = make_line(containers={"tank": 2})
    tank = DynamicContainer(env, "Line", "tank", init=1)
    log = []
    env.process(filler(env, tank, 4, log))
    env.process(drainer(env, tank, 5, log))
    env.process(filler(env, tank, 6, log, at=1))
    env.steer((3, "containers.tank", 6))
    env.run()
    assert log == [(3, "put", 4, 0), (3, "got", 5, 6), (3, "put", 6, 6)]


def test_shrinking_spills_nothing_and_holds_up_puts_until_the_level_is_low_enough(make_line):
    env = make_line(containers={"tank": 10})
    tank = DynamicContainer(env, "Line", "tank", init=9)
    log = []
    for at in (2, 3, 4, 5):
        env.process(drainer(env, tank, 2, log, at=at))
    env.process(filler(env, tank, 1, log, at=1.5))
    env.process(filler(env, tank, 1, log, at=4.5))
    env.steer((1, "containers.tank", 4))
    env.run(until=1.75)
    assert (tank.level, tank.capacity, len(tank.put_queue)) == (9, 4, 1)
    env.run()
    assert log == [
        (2, "got", 2, 7),
        (3, "got", 2, 5),
        (4, "got", 2, 4),  # the put that now fits goes first
        (4, "put", 1, 4),
        (5, "got", 2, 3),
        (5, "put", 1, 3),
    ]


def test_a_put_waits_while_it_alone_does_not_fit_into_the_overflowing_container(make_line):
    env = make_line(containers={"tank": 10})
    tank = DynamicContainer(env, "Line", "tank", init=5)
    log = []
    env.process(filler(env, tank, 0.5, log, at=2))
    env.steer((1, "containers.tank", 5), (3, "containers.tank", 5.25), (4, "containers.tank", 5.5))
    env.run()
    assert log == [(4, "put", 0.5, 5.5)]


def test_a_capacity_of_zero_takes_nothing_in_and_still_gives_out(make_line):
    env = make_line(containers={"tank": 3})
    tank = DynamicContainer(env, "Line", "tank", init=3)
    log = []
    env.process(filler(env, tank, 1, log, at=2))
    env.process(drainer(env, tank, 3, log, at=4))
    env.steer((1, "containers.tank", 0), (6, "containers.tank", 1))
    env.run()
    assert log == [(4, "got", 3, 0), (6, "put", 1, 1)]


def test_an_infinite_capacity_takes_everything(make_line):
    env = make_line(containers={"tank": inf})
    tank = DynamicContainer(env, "Line", "tank")
    tank.put(1e300)
    assert (tank.capacity, tank.level) == (inf, 1e300)


def test_it_may_begin_above_the_capacity_but_not_above_the_maximum(make_line):
    env = make_line(containers={"tank": 3})
    tank = DynamicContainer(env, "Line", "tank", init=5)
    tank.put(1)
    assert (tank.level, len(tank.put_queue)) == (5, 1)
    with pytest.raises(ParameterError) as error:
        DynamicContainer(env, "Line", "tank", init=100.5)
    assert str(error.value) == "Line.tank: init is 100.5. Give an amount from 0 to max_cap, 100."


@pytest.mark.parametrize("init", [-1, nan, inf, True, "2", None])
def test_a_beginning_that_is_no_amount_is_refused(make_line, init):
    with pytest.raises(ParameterError, match=r"Line\.tank: init is .*\. Give an amount from 0 to max_cap, 100\."):
        DynamicContainer(make_line(containers={"tank": 3}), "Line", "tank", init=init)


def test_numbers_of_numpy_are_amounts(make_line):
    tank = DynamicContainer(make_line(containers={"tank": 8}), "Line", "tank", init=np.int64(2))
    tank.put(np.float64(1.5))
    tank.get(np.int32(1))
    assert tank.level == 2.5


@pytest.mark.parametrize("amount", [0, -2, nan])
def test_an_amount_that_is_not_more_than_zero_is_refused_and_does_not_wait(make_line, amount):
    tank = DynamicContainer(make_line(containers={"tank": 3}), "Line", "tank")
    for operation in (tank.put, tank.get):
        with pytest.raises(ValueError, match=rf"Line\.tank: the amount {amount} must be > 0\."):
            operation(amount)
    assert (tank.put_queue, tank.get_queue) == ([], [])


def test_who_gives_up_leaves_the_queue(make_line):
    env = make_line(containers={"tank": 3})
    tank = DynamicContainer(env, "Line", "tank")
    puts = [tank.put(4) for _ in range(3)]
    gets = [tank.get(4) for _ in range(3)]
    puts[1].cancel()
    gets[0].cancel()
    assert (tank.put_queue, tank.get_queue) == ([puts[0], puts[2]], gets[1:])


def test_without_its_capacity_it_says_what_to_register(make_line):
    with pytest.raises(UnknownPathError, match=r"SimParameter\(sim_id='Line', containers=\{'vat': CapacityConfig\("):
        DynamicContainer(make_line(containers={"tank": 3}), "Line", "vat")


def test_it_is_built_from_the_name_that_a_configuration_file_gives(make_line):
    tank = DynamicContainer.from_name(make_line(containers={"tank": 3}), "Line.tank", init=2.5)
    assert (tank.obj_id, tank.capacity, tank.level) == ("tank", 3, 2.5)


@pytest.mark.parametrize("hook", ["_do_put", "_do_get", "_trigger_put", "_trigger_get"])
@pytest.mark.parametrize("how", ["overridden", "patched"])
def test_simpys_hooks_are_called_as_simpy_calls_them(make_line, hook, how):
    def run(base, build):
        seen, log = [], []

        class Overridden(base):
            pass

        def watch(self, original, event):
            seen.append((self._env.now, type(event).__name__, self.level, len(self.put_queue), len(self.get_queue)))
            return original(event)

        if how == "overridden":
            setattr(Overridden, hook, lambda self, event: watch(self, getattr(super(Overridden, self), hook), event))
        env = make_line(containers={"tank": 3})
        tank = build(Overridden, env)
        if how == "patched":
            original = getattr(tank, hook)
            setattr(tank, hook, lambda event: watch(tank, original, event))
        for at, amount in ((0, 2), (0, 2), (3, 1), (4, 1)):
            env.process(filler(env, tank, amount, log, at))
            env.process(drainer(env, tank, amount + 0.5, log, at + 1))
        env.run()
        return seen, log

    ours = run(DynamicContainer, lambda cls, env: cls(env, "Line", "tank", init=1))
    assert ours == run(simpy.Container, lambda cls, env: cls(env, 3, init=1))
    assert len(ours[0]) > 4
