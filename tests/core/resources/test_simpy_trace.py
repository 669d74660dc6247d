"""With a capacity that never changes, the events are those of SimPy's own classes, one by one."""

from collections import Counter

import pytest
import simpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simpy.resources.resource import Preempted

from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import CapacityConfig, SimParameter
from dynamic_des.sim.registry import SimulationRegistry
from dynamic_des.sim.resources import DynamicContainer, DynamicResource, DynamicStore

UNITS = ("fifo", "ranked", "preemptive")
SHELVES = ("shelf", "sorted", "chosen")
SAME_CLASS = {"Request": "PriorityRequest"}  # ours takes a priority always


def simpy_parts(env, caps):
    return {
        "fifo": simpy.Resource(env, caps["fifo"]),
        "ranked": simpy.PriorityResource(env, caps["ranked"]),
        "preemptive": simpy.PreemptiveResource(env, caps["preemptive"]),
        "tank": simpy.Container(env, caps["tank"], init=min(1.5, caps["tank"])),
        "shelf": simpy.Store(env, caps["shelf"]),
        "sorted": simpy.PriorityStore(env, caps["sorted"]),
        "chosen": simpy.FilterStore(env, caps["chosen"]),
    }


def our_parts(env, caps, resource=DynamicResource, container=DynamicContainer, store=DynamicStore):
    def capacities(*names):
        return {name: CapacityConfig(caps[name], caps[name]) for name in names}

    env.registry.register_sim_parameter(
        SimParameter("M", resources=capacities(*UNITS), containers=capacities("tank"), stores=capacities(*SHELVES))
    )
    return {
        "fifo": resource(env, "M", "fifo"),
        "ranked": resource(env, "M", "ranked"),
        "preemptive": resource(env, "M", "preemptive", preemptive=True),
        "tank": container(env, "M", "tank", init=min(1.5, caps["tank"])),
        "shelf": store(env, "M", "shelf"),
        "sorted": store(env, "M", "sorted", priority=True),
        "chosen": store(env, "M", "chosen", filter=True),
    }


class Model:
    """Processes that follow scripts, and what became of each of their steps."""

    def __init__(self, env, parts, scripts):
        self.env = env
        self.parts = parts
        self.log = []
        self.held = {}
        self.workers = [env.process(self.worker(number, script)) for number, script in enumerate(scripts)]

    def worker(self, number, script):
        for place, (action, *details) in enumerate(script):
            try:
                outcome = yield from getattr(self, action)(number, *details)
            except simpy.Interrupt as interrupt:
                outcome = self.reason(interrupt.cause)
            self.log.append((self.env.now, number, place, outcome))

    def reason(self, cause):
        if not isinstance(cause, Preempted):
            return f"interrupted by {cause}"
        by = self.workers.index(cause.by)
        resource = next(name for name, part in self.parts.items() if part is cause.resource)
        return f"preempted by {by}, used {resource} since {cause.usage_since}"

    def ask(self, unit, priority, preempt):
        part = self.parts[unit]
        if unit != "fifo":
            return part.request(priority=priority, preempt=preempt)
        return part.request(0) if isinstance(part, DynamicResource) else part.request()

    def hold(self, number, delay):
        yield self.env.timeout(delay)
        return "held"

    def use(self, number, unit, priority, preempt, delay):
        with self.ask(unit, priority, preempt) as request:
            yield request
            yield self.env.timeout(delay)
        return "used"

    def use_two(self, number, first, second, priority, delay):
        with self.ask(first, priority, True) as one:
            yield one
            with self.ask(second, priority, False) as two:
                yield one & two
                yield self.env.timeout(delay)
        return "used two"

    def use_or_leave(self, number, unit, priority, preempt, delay, patience):
        with self.ask(unit, priority, preempt) as request:
            got = yield request | self.env.timeout(patience)
            if request not in got:
                return "left"
            yield self.env.timeout(delay)
        return "used in time"

    def take(self, number, unit, priority, preempt, patience):
        request = self.ask(unit, priority, preempt)
        yield request | self.env.timeout(patience)
        if not request.triggered:
            request.cancel()
            return "gave up"
        self.held.setdefault(number, []).append((unit, request))
        return "took"

    def give_back(self, number, wait, twice):
        if not self.held.get(number):
            return "holds nothing"
        unit, request = self.held[number].pop(0)
        event = self.parts[unit].release(request)
        if twice:
            self.parts[unit].release(request)
        if wait:
            yield event
        return "gave back"

    def interrupt(self, number, other):
        worker = self.workers[other % len(self.workers)]
        if worker.is_alive and worker is not self.env.active_process:
            worker.interrupt(number)
        yield self.env.timeout(0)
        return "interrupted"

    def fill(self, number, amount, patience):
        with self.parts["tank"].put(amount) as put:
            got = yield put | self.env.timeout(patience)
        return "filled" if put in got else "did not fill"

    def drain(self, number, amount, patience):
        with self.parts["tank"].get(amount) as get:
            got = yield get | self.env.timeout(patience)
        return "drained" if get in got else "did not drain"

    def shelve(self, number, shelf, item, patience):
        goods = simpy.PriorityItem(item, number) if shelf == "sorted" else item
        with self.parts[shelf].put(goods) as put:
            got = yield put | self.env.timeout(patience)
        return "shelved" if put in got else "did not shelve"

    def fetch(self, number, shelf, item, patience):
        choice = [lambda goods: goods % 3 == item % 3] if shelf == "chosen" and item else []
        with self.parts[shelf].get(*choice) as get:
            got = yield get | self.env.timeout(patience)
        return f"fetched {get.value}" if get in got else "did not fetch"

    def pour(self, number, amount, delay):
        self.parts["tank"].put(amount)
        yield self.env.timeout(delay)
        return "poured"

    def tap(self, number, amount, delay):
        self.parts["tank"].get(amount)
        yield self.env.timeout(delay)
        return "tapped"

    def toss(self, number, shelf, item, delay):
        self.parts[shelf].put(simpy.PriorityItem(item, number) if shelf == "sorted" else item)
        yield self.env.timeout(delay)
        return "tossed"

    def order(self, number, shelf, item, delay):
        self.parts[shelf].get()
        yield self.env.timeout(delay)
        return "ordered"


def traced_run(env, parts, scripts):
    model = Model(env, parts, scripts)
    trace = []
    step = env.step

    def traced_step():
        head = env._queue[0] if env._queue else None
        step()
        time, priority, number, event = head
        name = type(event).__name__
        trace.append((time, type(time), priority, number, SAME_CLASS.get(name, name), event._ok))

    env.step = traced_step
    env.run(until=60)
    state = {name: (getattr(part, "count", None), len(part.put_queue)) for name, part in parts.items()}
    return trace, model.log, state, parts["tank"].level, [parts[shelf].items for shelf in SHELVES]


def with_registry(env):
    env.registry = SimulationRegistry(env)
    return env


DELAYS = st.sampled_from([0, 0, 1, 1, 2, 0.5, 3])  # few values, so that many things happen at one time
PRIORITIES = st.sampled_from([0, 1, 1, 2, -1, 1.5])
AMOUNTS = st.sampled_from([1, 2, 0.5, 1.25])
ITEMS = st.integers(0, 4)
UNIT_STEPS = st.one_of(
    st.tuples(st.just("use"), st.sampled_from(UNITS), PRIORITIES, st.booleans(), DELAYS),
    st.tuples(st.just("use"), st.just("preemptive"), PRIORITIES, st.just(True), DELAYS),
    st.tuples(st.just("use_two"), st.sampled_from(UNITS[:2]), st.just("preemptive"), PRIORITIES, DELAYS),
    st.tuples(st.just("use_or_leave"), st.sampled_from(UNITS), PRIORITIES, st.booleans(), DELAYS, DELAYS),
    st.tuples(st.just("take"), st.sampled_from(UNITS[:2]), PRIORITIES, st.booleans(), DELAYS),
    st.tuples(st.just("give_back"), st.booleans(), st.booleans()),
    st.tuples(st.just("hold"), DELAYS),
)
TANK_STEPS = st.tuples(st.sampled_from(["fill", "drain", "pour", "tap"]), AMOUNTS, DELAYS)
SHELF_STEPS = st.tuples(st.sampled_from(["shelve", "fetch", "toss", "order"]), st.sampled_from(SHELVES), ITEMS, DELAYS)
ONE_SHELF_STEPS = st.tuples(st.sampled_from(["shelve", "fetch", "toss", "order"]), st.just("shelf"), ITEMS, DELAYS)
INTERRUPTS = st.tuples(st.just("interrupt"), st.integers(0, 9))
FAMILIES = (UNIT_STEPS, TANK_STEPS, SHELF_STEPS, ONE_SHELF_STEPS, st.one_of(UNIT_STEPS, TANK_STEPS, SHELF_STEPS))


def scripts_of(steps):
    script = st.lists(st.one_of(steps, steps, steps, steps, INTERRUPTS), min_size=1, max_size=8)
    return st.lists(script, min_size=2, max_size=10)


SCRIPTS = st.one_of(*map(scripts_of, FAMILIES))
CAPS = st.fixed_dictionaries(
    {name: st.integers(1, 3) for name in (*UNITS, *SHELVES)} | {"tank": st.sampled_from([1, 2, 2.5, 4])}
)
LIMITS = settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])


class HookedResource(DynamicResource):
    """Overrides SimPy's hooks, which must then be called as SimPy calls them."""

    def _do_put(self, event):
        return super()._do_put(event)


class HookedContainer(DynamicContainer):
    def _trigger_get(self, put_event):
        return super()._trigger_get(put_event)


class HookedStore(DynamicStore):
    def _do_get(self, event):
        return super()._do_get(event)


@LIMITS
@given(SCRIPTS, CAPS)
def test_every_event_is_the_one_of_simpy(scripts, caps):
    plain = simpy.Environment()
    expected = traced_run(plain, simpy_parts(plain, caps), scripts)

    steered = SteeredEnvironment(factor=0)
    assert traced_run(steered, our_parts(steered, caps), scripts) == expected

    by_hand = with_registry(simpy.Environment())
    hooked = our_parts(by_hand, caps, HookedResource, HookedContainer, HookedStore)
    assert traced_run(by_hand, hooked, scripts) == expected


@pytest.mark.full
@settings(LIMITS, max_examples=5_000)
@given(SCRIPTS, CAPS)
def test_every_event_is_the_one_of_simpy_in_very_many_models(scripts, caps):
    plain = simpy.Environment()
    expected = traced_run(plain, simpy_parts(plain, caps), scripts)
    steered = SteeredEnvironment(factor=0)
    assert traced_run(steered, our_parts(steered, caps), scripts) == expected


def test_the_models_reach_what_they_are_made_for():
    seen = Counter()

    @settings(LIMITS, derandomize=True, database=None)
    @given(SCRIPTS, CAPS)
    def count(scripts, caps):
        env = simpy.Environment()
        log = traced_run(env, simpy_parts(env, caps), scripts)[1]
        seen.update({outcome.split(" by ")[0].split(" 1")[0] for *_, outcome in log})

    count()
    for outcome in (
        "preempted",
        "interrupted",
        "left",
        "gave up",
        "used two",
        "did not fill",
        "fetched",
        "did not fetch",
    ):
        assert sum(times for key, times in seen.items() if key.startswith(outcome)) >= 5, (outcome, seen)
