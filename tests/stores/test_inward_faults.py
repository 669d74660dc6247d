"""A server that dies, freezes, or is not there yet: every change is applied once, in order, and the end comes."""

import pytest
from tests.stores.runs import PATH, Steered, steered

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des.testing.waiting import in_background, wait_until


@pytest.mark.parametrize("count", [4000, pytest.param(100_000, marks=pytest.mark.full)])
def test_changes_are_applied_once_and_in_order_when_the_server_was_killed(own_store, name, count):
    half = count // 2
    with steered(own_store.ingress(name, timeout_s=2), last=count) as twin:
        twin.wait_until_connected()
        own_store.change(name, range(1, half + 1))
        assert wait_until(lambda: len(twin.seen) > half // 10, 60)
        own_store.server.restart()
        own_store.change(name, range(half + 1, count + 1))
        seen = twin.finish(120)
    assert (len(seen), len(set(seen))) == (count, count)
    assert seen == list(range(1, count + 1))


def test_a_server_that_is_absent_at_the_start_is_waited_for(own_store, name):
    with steered(own_store.ingress(name), last=0) as twin:
        twin.wait_until_connected()  # which makes what the twin remembers
        twin.env.post(PATH, 1)
        twin.env.post(PATH, 0)
        twin.finish()
    own_store.change(name, range(1, 101))
    own_store.server.kill()
    with steered(own_store.ingress(name, timeout_s=2), last=200) as twin:
        assert wait_until(lambda: twin.env.report().sources[0].reason, 20)
        own_store.server.start()
        twin.wait_until_connected()
        own_store.change(name, range(101, 201))
        assert twin.finish() == list(range(1, 201))


def test_a_server_that_is_frozen_for_a_while_brings_everything_once(own_store, name):
    with steered(own_store.ingress(name, timeout_s=0.5), last=2000) as twin:
        twin.wait_until_connected()
        own_store.change(name, range(1, 1001))
        own_store.server.pause()
        assert wait_until(lambda: twin.env.report().sources[0].state != "up", 20)
        own_store.server.resume()
        own_store.change(name, range(1001, 2001))
        assert twin.finish() == list(range(1, 2001))


def test_a_server_that_is_frozen_at_the_end_does_not_hold_up_the_end(own_store, name):
    env = DynamicRealtimeEnvironment(factor=1)
    twin = Steered(env, last=3)
    env.setup_ingress([own_store.ingress(name, timeout_s=0.5)])
    twin.start()
    twin.wait_until_connected()
    own_store.change(name, [1, 2, 3])
    assert twin.finish() == [1, 2, 3]
    own_store.server.pause()
    in_background(env.teardown).result(30)
    own_store.server.resume()


def test_a_refused_change_does_not_hide_the_last_good_value_from_a_restart(store, name):
    def run():
        with DynamicRealtimeEnvironment(factor=0) as env:
            env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
            env.setup_ingress([store.ingress(name, start="beginning")])
            env.run(until=1)
            return env.registry.get(PATH).value

    assert run() == 0
    store.change(name, [7, "x"])
    assert run() == 7


def test_two_twins_on_one_place_both_get_everything(store, name):
    def twin_of(twin_name):
        env = DynamicRealtimeEnvironment(factor=1, name=twin_name)
        twin = Steered(env, last=100)
        env.setup_ingress([store.ingress(name)])
        twin.start()
        twin.wait_until_connected()
        return twin

    twins = [twin_of(f"{name}-{number}") for number in range(2)]
    store.change(name, range(1, 101))
    assert [twin.finish() for twin in twins] == [list(range(1, 101))] * 2
    for twin in twins:
        twin.env.teardown()
