"""What a request, a grant and a cancelled request cost must not grow with the number that waits."""

import gc
import sys
from math import log2

import pytest

from dynamic_des.sim.resources import DynamicContainer, DynamicResource, DynamicStore

FEW, MANY = 100, 10_000


class Rank:
    """A priority that counts its comparisons."""

    compared = 0

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        Rank.compared += 1
        return self.value == other.value

    def __lt__(self, other):
        Rank.compared += 1
        return self.value < other.value

    def __gt__(self, other):
        Rank.compared += 1
        return self.value > other.value

    __hash__ = None


def cost_of(action):
    """Return (calls of functions, comparisons) that an action takes."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    Rank.compared = 0
    gc.disable()  # what others have it call is no cost of ours
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls - 1 - Rank.compared, Rank.compared  # less the call of setprofile


def costs_of_a_resource(make_line, waiting, at, lifo, preemptive):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe", lifo=lifo, preemptive=preemptive)
    user = lathe.request(priority=Rank(0))
    queue = [lathe.request(priority=Rank(1 + number % 10)) for number in range(waiting)]
    new = []
    costs = {
        "request": cost_of(lambda: new.append(lathe.request(priority=Rank(5)))),
        "cancel the new one": cost_of(lambda: new[0].cancel()),
        "cancel another": cost_of(queue[int(at * waiting)].cancel),
        "release": cost_of(lambda: lathe.release(user)),
    }
    env.run(until=1)
    assert (lathe.in_use, len(lathe.queue)) == (1, waiting - 2)
    return costs


@pytest.mark.parametrize("preemptive", [False, True])
@pytest.mark.parametrize("lifo", [False, True])
@pytest.mark.parametrize("at", [0.01, 0.5, 0.99])
def test_a_resource_asks_few_of_ten_thousand(make_line, at, lifo, preemptive):
    few = costs_of_a_resource(make_line, FEW, at, lifo, preemptive)
    many = costs_of_a_resource(make_line, MANY, at, lifo, preemptive)
    for action in few:
        (calls, compared), (calls_of_many, compared_of_many) = few[action], many[action]
        assert calls_of_many <= calls + 4, action  # one without equals is found by fewer searches
        assert compared_of_many <= 6 * log2(MANY), (action, compared, compared_of_many)


def test_equals_that_came_at_one_instant_are_found_without_asking_each(make_line):
    lathe = DynamicResource(make_line(resources={"lathe": 0}), "Line", "lathe")
    queue = [lathe.request(priority=Rank(1)) for _ in range(MANY)]
    for place in (9_999, 5_000, 1, 0):
        assert cost_of(queue[place].cancel)[1] <= 6 * log2(MANY)


def costs_of_a_container(make_line, waiting):
    env = make_line(containers={"tank": 10, "vat": 10})
    tank, vat = DynamicContainer(env, "Line", "tank"), DynamicContainer(env, "Line", "vat", init=10)
    gets, puts = [tank.get(5) for _ in range(waiting)], [vat.put(5) for _ in range(waiting)]
    return {
        "get": cost_of(lambda: tank.get(1)),
        "put": cost_of(lambda: vat.put(1)),
        "cancel get": cost_of(gets[waiting // 2].cancel),
        "cancel put": cost_of(puts[waiting // 2].cancel),
        "put that serves nobody": cost_of(lambda: tank.put(1)),
        "get that serves nobody": cost_of(lambda: vat.get(1)),
        "the events": cost_of(lambda: env.run(until=1)),
    }


def costs_of_a_store(make_line, waiting, **options):
    env = make_line(stores={"shelf": 10, "rack": 0})
    shelf, rack = DynamicStore(env, "Line", "shelf", **options), DynamicStore(env, "Line", "rack", **options)
    gets, puts = [shelf.get() for _ in range(waiting)], [rack.put(5) for _ in range(waiting)]
    costs = {
        "get": cost_of(lambda: shelf.get()),
        "put": cost_of(lambda: rack.put(1)),
        "cancel get": cost_of(gets[waiting // 2].cancel),
        "cancel put": cost_of(puts[waiting // 2].cancel),
    }
    if not options.get("filter"):  # there every waiting get is offered what was put
        costs["put that is taken"] = cost_of(lambda: shelf.put(1))
        costs["the events"] = cost_of(lambda: env.run(until=1))
        assert len(shelf.get_queue) == waiting - 1
    return costs


def test_a_container_asks_as_few_of_ten_thousand_as_of_a_hundred(make_line):
    assert costs_of_a_container(make_line, MANY) == costs_of_a_container(make_line, FEW)


@pytest.mark.parametrize("options", [{}, {"priority": True}, {"filter": True}])
def test_a_store_asks_as_few_of_ten_thousand_as_of_a_hundred(make_line, options):
    assert costs_of_a_store(make_line, MANY, **options) == costs_of_a_store(make_line, FEW, **options)
