"""Nothing grows with history: not the memory, not the cost of an operation."""

import gc
import subprocess
import sys
import weakref

import pytest
import simpy

from dynamic_des_servers import AsyncServer, DynamicConcurrency, Server


def alive(references):
    gc.collect()
    return sum(reference() is not None for reference in references)


def test_a_request_that_is_over_is_forgotten_even_while_its_deadline_is_far():
    env = simpy.Environment()
    server = Server(env, "api", concurrency=1, service_time=1, max_wait=1e9)
    references = []

    def clients():
        for _ in range(500):
            references.extend(weakref.ref(server.submit()) for _ in range(2))  # the second one has to wait
            yield env.timeout(2)

    env.process(clients())
    env.run(until=1001)
    assert server.stats.requests_completed == 1000
    assert alive(references) < 50


@pytest.mark.parametrize("policy", ["fifo", "lifo", "priority"])
def test_a_request_that_is_cancelled_is_forgotten_although_the_head_never_moves(policy):
    env = simpy.Environment()
    server = Server(env, "api", DynamicConcurrency(0, min_limit=0), queue_policy=policy)
    server.submit("stuck", priority=-1)
    references = []
    for number in range(1000):
        request = server.submit(priority=number)
        request.cancel()
        references.append(weakref.ref(request))
        del request
    assert server.depth == 1
    assert alive(references) < 50


def test_taking_stats_costs_the_same_after_many_requests():
    def calls():
        count = 0

        def note(*_):
            nonlocal count
            count += 1

        sys.setprofile(note)
        try:
            assert server.stats
            server.telemetry()
        finally:
            sys.setprofile(None)
        return count

    env = simpy.Environment()
    server = Server(env, "api", service_time=1)
    server.submit()
    env.run()
    before = calls()
    for _ in range(20_000):
        server.submit()
    env.run()
    assert calls() == before


SOAK = """
import gc, os, sys
from itertools import count
from random import Random
import simpy
from dynamic_des_servers import AsyncServer, DynamicConcurrency, Server, ThreadPool, WeightedConcurrency

def resident():
    gc.collect()
    blocks = sys.getallocatedblocks()
    if not os.path.exists("/proc/self/statm"):
        return blocks, 0
    with open("/proc/self/statm") as file:
        return blocks, int(file.read().split()[1])

def plain(env, rng):
    server = Server(env, "s", service_time=lambda: rng.expovariate(1.0))
    while True:
        yield env.timeout(rng.expovariate(0.8))
        server.submit()

def impatient(env, rng):
    limit = DynamicConcurrency(2)
    server = Server(env, "s", limit, lambda: rng.expovariate(1.0), "priority", 50, max_wait=5.0)
    waiting = []
    for number in count():
        yield env.timeout(rng.expovariate(2.4))
        waiting.append(server.submit(number, priority=number % 5, max_wait=rng.choice([1.0, 10.0, 1e9])))
        if len(waiting) > 10:
            waiting.pop(rng.randrange(10)).cancel()
            waiting.pop(0)
        limit.set_limit(2 + number % 2)

def chained(env, rng):
    database = Server(env, "db", WeightedConcurrency(8), lambda: rng.expovariate(2.0), queue_capacity=100)
    pool = ThreadPool(env, "pool", 4, processing_time_extractor=lambda job: rng.expovariate(2.0), downstream=database)
    def read(job):
        yield rng.expovariate(1.0)
        yield database.submit(job, weight=1 + job % 8)
    web = AsyncServer(env, "web", 1000, lambda: rng.expovariate(10.0), read, downstream=pool)
    for number in count():
        yield env.timeout(rng.expovariate(1.2))
        web.submit(number, context={"metadata": {"weight": 2}}).defused = True

env = simpy.Environment()
env.process(globals()[sys.argv[1]](env, Random(1)))
first, last = int(sys.argv[2]), int(sys.argv[3])
for events in range(1, last + 1):
    env.step()
    if events == first:
        print(*resident())
print(*resident())
"""


def memory_of(model, first, last):
    run = subprocess.run([sys.executable, "-c", SOAK, model, str(first), str(last)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [tuple(map(int, line.split())) for line in run.stdout.splitlines()]


@pytest.mark.parametrize("model", ["plain", "impatient", "chained"])
def test_memory_after_400_000_events_is_that_after_200_000(model):
    (before, _), (after, _) = memory_of(model, 200_000, 400_000)
    assert after <= 1.05 * before


@pytest.mark.full
@pytest.mark.parametrize("model", ["plain", "impatient", "chained"])
def test_memory_after_10_million_events_is_that_after_1_million(model):
    (blocks_before, pages_before), (blocks_after, pages_after) = memory_of(model, 1_000_000, 10_000_000)
    assert blocks_after <= 1.05 * blocks_before
    assert pages_after <= 1.05 * pages_before


def test_a_server_that_nobody_uses_any_more_goes_with_its_environment():
    def used():
        env = simpy.Environment()
        server = AsyncServer(env, "web", io_handler=lambda _: env.timeout(1))
        server.submit()
        env.run()
        return weakref.ref(server)

    assert alive([used()]) == 0
