"""However a capacity wanders: nothing is granted above it, nothing is lost, nobody waits for nothing."""

from collections import Counter

import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_des.sim.resources import DynamicContainer, DynamicResource, DynamicStore

TIMES = st.sampled_from([0, 1, 1, 2, 3, 3.5, 5, 8])
WALKS = st.lists(st.tuples(TIMES, st.integers(0, 5)), max_size=12)
END = 1000
LIMITS = settings(deadline=None, max_examples=200)


def at_the_end_of_every_instant(env, check):
    step = env.step

    def watched():
        before = env.now
        if env.peek() > before:
            check()
        step()

    env.step = watched


def wander(env, path, walk, last):
    """Change a capacity as ``walk`` says (delay, capacity), and at the end for good."""

    def operator():
        for delay, capacity in walk:
            yield env.timeout(delay)
            env.registry.update(path, capacity)
        yield env.timeout(50)
        env.registry.update(path, last)

    env.process(operator())


class Granted(list):
    """The users of a resource; refuses whoever would be one too many."""

    resource = None

    def append(self, request):
        super().append(request)
        assert len(self) <= self.resource.capacity, "granted above the capacity in force"


JOBS = st.lists(
    st.tuples(TIMES, st.integers(0, 2), st.booleans(), TIMES, st.one_of(st.none(), st.none(), TIMES)),
    min_size=1,
    max_size=15,
)


class Shop:
    """Jobs that hold a unit until their work is done, again after a preemption; or leave when it takes too long."""

    def __init__(self, env, lathe, jobs):
        self.env = env
        self.lathe = lathe
        self.holders = set()
        self.outcomes = Counter()
        self.workers = [env.process(self.worker(number, *job)) for number, job in enumerate(jobs)]

    def worker(self, number, arrive, priority, preempt, work, patience):
        yield self.env.timeout(arrive)
        while True:
            with self.lathe.request(priority, preempt) as request:
                try:
                    if patience is None:
                        yield request
                    elif request not in (yield request | self.env.timeout(patience)):
                        self.outcomes["left"] += 1
                        return
                    self.holders.add(number)
                    begin = self.env.now
                    yield self.env.timeout(work)
                    self.holders.remove(number)
                    self.outcomes["finished"] += 1
                    return
                except simpy.Interrupt:
                    if number in self.holders:
                        self.holders.remove(number)
                        work -= self.env.now - begin
                    self.outcomes["preempted"] += 1

    def check(self):
        assert self.lathe.in_use == self.lathe.count == len(self.holders)
        assert not self.lathe.queue or self.lathe.in_use >= self.lathe.capacity, "waits beside a free unit"


@LIMITS
@given(jobs=JOBS, walk=WALKS, first=st.integers(0, 4), preemptive=st.booleans(), lifo=st.booleans())
def test_a_resource_grants_what_there_is_and_every_job_ends(make_line, jobs, walk, first, preemptive, lifo):
    env = make_line(resources={"lathe": first})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=preemptive, lifo=lifo)
    lathe.users = Granted()
    lathe.users.resource = lathe
    shop = Shop(env, lathe, jobs)
    wander(env, "Line.resources.lathe.current_cap", walk, last=2)
    at_the_end_of_every_instant(env, shop.check)
    env.run(until=END)
    assert all(not worker.is_alive for worker in shop.workers)
    assert shop.outcomes["finished"] + shop.outcomes["left"] == len(jobs)
    assert preemptive or not shop.outcomes["preempted"]
    assert (lathe.users, lathe.queue) == ([], [])


AMOUNTS = st.sampled_from([0.5, 1, 1, 2, 2.25])


@LIMITS
@given(
    puts=st.lists(st.tuples(TIMES, AMOUNTS), max_size=12),
    gets=st.lists(st.tuples(TIMES, AMOUNTS), max_size=12),
    walk=st.lists(st.tuples(TIMES, st.sampled_from([0, 0.75, 1, 2.5, 4, 6])), max_size=12),
    init=st.sampled_from([0, 1, 5]),
)
def test_a_container_holds_what_went_in_less_what_went_out(make_line, puts, gets, walk, init):
    env = make_line(containers={"tank": 3})
    tank = DynamicContainer(env, "Line", "tank", init=init)
    sums = Counter({"put": 0, "got": 0})

    def mover(delay, operation, amount, what):
        yield env.timeout(delay)
        yield operation(amount)
        sums[what] += amount

    def check():
        assert tank.level == init + sums["put"] - sums["got"]
        assert not tank.put_queue or tank.capacity - tank.level < tank.put_queue[0].amount
        assert not tank.get_queue or tank.level < tank.get_queue[0].amount

    for delay, amount in puts:
        env.process(mover(delay, tank.put, amount, "put"))
    for delay, amount in gets:
        env.process(mover(delay, tank.get, amount, "got"))
    levels_of_puts = watch_levels(tank)
    wander(env, "Line.containers.tank.current_cap", walk, last=100)
    at_the_end_of_every_instant(env, check)
    env.run(until=END)
    assert all(level <= capacity for level, capacity in levels_of_puts)
    assert sums["put"] == sum(amount for _, amount in puts)


def watch_levels(tank):
    """Note level and capacity whenever a put is granted."""
    seen = []
    put = tank._do_put

    def watched(event):
        served = put(event)
        if served:
            seen.append((tank.level, tank.capacity))
        return served

    tank._do_put = watched
    return seen


class Shelved(list):
    """The items of a store; refuses whatever would be one too many."""

    store = None

    def append(self, item):
        super().append(item)
        assert len(self) <= self.store.capacity, "taken in above the capacity in force"


@LIMITS
@given(
    puts=st.lists(TIMES, max_size=15),
    gets=st.lists(TIMES, max_size=15),
    walk=WALKS,
    choosy=st.booleans(),
)
def test_a_store_gives_out_every_item_once_and_in_order(make_line, puts, gets, walk, choosy):
    env = make_line(stores={"shelf": 2})
    shelf = DynamicStore(env, "Line", "shelf", filter=choosy)
    shelf.items = Shelved()
    shelf.items.store = shelf
    put, got = [], []

    def producer(delay, item):
        yield env.timeout(delay)
        put.append(item)
        yield shelf.put(item)

    def consumer(delay):
        yield env.timeout(delay)
        got.append((yield shelf.get()))

    def check():
        assert not shelf.put_queue or len(shelf.items) >= shelf.capacity
        assert not shelf.get_queue or not shelf.items

    for item, delay in enumerate(puts):
        env.process(producer(delay, item))
    for delay in gets:
        env.process(consumer(delay))
    wander(env, "Line.stores.shelf.current_cap", walk, last=100)
    at_the_end_of_every_instant(env, check)
    env.run(until=END)
    assert (got + shelf.items, shelf.put_queue) == (put, [])
    assert len(got) == min(len(puts), len(gets))
