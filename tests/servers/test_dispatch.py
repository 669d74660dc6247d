"""Who is served next: one rule, three policies."""

import pytest

from dynamic_des_servers import (
    DynamicConcurrency,
    FIFOQueue,
    LIFOQueue,
    PriorityQueue,
    QueuePolicy,
    Server,
    WeightedConcurrency,
)


def order_of(log):
    return [label for label, _, _ in log]


@pytest.mark.parametrize("policy", ["lifo", "LIFO", LIFOQueue, LIFOQueue()])
def test_lifo_serves_the_latest_first(env, log, policy):
    server = Server(env, "api", service_time=1, queue_policy=policy)
    for label in "abcd":
        log.watch(server.submit(label))
    env.run()
    assert order_of(log) == ["a", "d", "c", "b"]


@pytest.mark.parametrize("policy", [None, "fifo", FIFOQueue, FIFOQueue()])
def test_fifo_is_the_default(env, log, policy):
    server = Server(env, "api", service_time=1, queue_policy=policy)
    for label in "abcd":
        log.watch(server.submit(label))
    env.run()
    assert order_of(log) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("policy", ["priority", PriorityQueue, PriorityQueue()])
def test_priority_serves_the_smallest_number_first_and_equal_ones_as_they_came(env, log, policy):
    server = Server(env, "api", service_time=1, queue_policy=policy)
    for label, priority in [("busy", 9), ("b", 2), ("c", 1), ("d", 2), ("e", 0), ("f", 1)]:
        log.watch(server.submit(label, priority=priority))
    env.run()
    assert order_of(log) == ["busy", "e", "c", "f", "b", "d"]


def test_a_priority_can_come_from_the_request_itself(env, log):
    by_size = PriorityQueue(key=lambda request: len(request.payload))
    server = Server(env, "api", service_time=1, queue_policy=by_size)
    for label in ["first", "ccc", "a", "bb"]:
        log.watch(server.submit(label))
    env.run()
    assert order_of(log) == ["first", "a", "bb", "ccc"]


@pytest.mark.parametrize("priority", ["high", None, float("nan")])
def test_a_priority_that_cannot_be_compared_is_refused_and_the_queue_stays_as_it_was(env, log, priority):
    server = Server(env, "api", service_time=1, queue_policy="priority")
    for label in [3, 1, 2]:
        log.watch(server.submit(label, priority=label))
    with pytest.raises(ValueError, match=r"PriorityQueue: the priority .* cannot be compared"):
        server.submit("odd", priority=priority)
    assert server.depth == 2
    env.run()
    assert order_of(log) == [3, 1, 2]


def test_a_priority_does_not_interrupt_what_runs(env, log):
    server = Server(env, "api", service_time=10, queue_policy="priority")
    log.watch(server.submit("slow", priority=5))
    log.watch(server.submit("urgent", priority=0))
    env.run()
    assert log == [("slow", 10, "ok"), ("urgent", 20, "ok")]


def test_a_policy_of_ones_own_decides(env, log):
    class Alphabetical(QueuePolicy):
        def __init__(self):
            self.waiting = []

        def push(self, request):
            self.waiting.append(request)
            self.waiting.sort(key=lambda one: one.payload)

        def peek(self):
            return self.waiting[0] if self.waiting else None

        def pop(self):
            return self.waiting.pop(0)

        def remove(self, request):
            self.waiting.remove(request)

        def __len__(self):
            return len(self.waiting)

    server = Server(env, "api", service_time=1, queue_policy=Alphabetical())
    requests = [log.watch(server.submit(label)) for label in ["z", "c", "b", "d", "a"]]
    requests[3].cancel()
    env.run()
    assert order_of(log) == ["z", "a", "b", "c"]


@pytest.mark.parametrize(("policy", "hint"), [("filo", "'fifo'"), (3, "There are fifo, lifo, priority"), (list, "own")])
def test_what_is_no_policy_is_refused(env, policy, hint):
    with pytest.raises(ValueError, match=rf"Server 'api': queue_policy: .* is no queue policy.*{hint}"):
        Server(env, "api", queue_policy=policy)


@pytest.mark.parametrize("policy", [FIFOQueue, LIFOQueue, PriorityQueue])
def test_policies_know_how_many_wait(env, policy):
    server = Server(env, "api", service_time=1)
    requests = [server.submit(label) for label in "abcd"]
    queue = policy()
    assert (len(queue), queue.peek()) == (0, None)
    for request in requests:
        queue.push(request)
    queue.remove(requests[1])
    assert len(queue) == 3
    head = queue.peek()
    assert head is queue.pop()
    assert len(queue) == 2
    queue.pop(), queue.pop()
    assert (len(queue), queue.peek()) == (0, None)


def test_nothing_overtakes_a_head_that_does_not_fit(env, log):
    server = Server(env, "db", WeightedConcurrency(4), service_time=10)
    log.watch(server.submit("a", weight=3))
    log.watch(server.submit("heavy", weight=4))
    log.watch(server.submit("light", weight=1))  # one unit is free, and stays so
    assert (server.available_capacity, server.depth) == (1, 2)
    env.run()
    assert log == [("a", 10, "ok"), ("heavy", 20, "ok"), ("light", 30, "ok")]


@pytest.mark.parametrize(("policy", "priority"), [("lifo", 0), ("priority", -1)])
def test_an_arrival_that_becomes_the_head_and_fits_starts_at_once(env, log, policy, priority):
    server = Server(env, "db", WeightedConcurrency(4), service_time=10, queue_policy=policy)
    log.watch(server.submit("a", weight=3))
    log.watch(server.submit("heavy", weight=4))
    log.watch(server.submit("light", weight=1, priority=priority))
    assert (server.available_capacity, server.depth) == (0, 1)
    env.run()
    assert log == [("a", 10, "ok"), ("light", 10, "ok"), ("heavy", 20, "ok")]


def test_when_the_head_is_withdrawn_the_next_one_starts_if_it_fits(env, log):
    server = Server(env, "db", WeightedConcurrency(4), service_time=10)
    log.watch(server.submit("a", weight=3))
    heavy = log.watch(server.submit("heavy", weight=4))
    log.watch(server.submit("light", weight=1))
    env.run(until=2)
    heavy.cancel()
    env.run()
    assert log == [("a", 10, "ok"), ("light", 12, "ok")]


def test_a_service_time_of_0_serves_any_number_at_one_instant(env):
    server = Server(env, "api", concurrency=1, service_time=0)
    requests = [server.submit() for _ in range(5000)]
    env.run()
    assert env.now == 0
    assert server.stats.requests_completed == 5000
    assert all(request.ok for request in requests)


def test_a_shared_model_serves_its_servers_in_turns(env, log):
    pool = DynamicConcurrency(1)
    one = Server(env, "one", pool, service_time=1)
    two = Server(env, "two", pool, service_time=1)
    for number in range(3):
        log.watch(one.submit(f"one-{number}"))
        log.watch(two.submit(f"two-{number}"))
    env.run()
    assert sorted(order_of(log)) == ["one-0", "one-1", "one-2", "two-0", "two-1", "two-2"]
    assert log[-1][1] == 6  # one at a time, and never idle
    assert {label[:3] for label in order_of(log)[:3]} == {"one", "two"}  # neither has to wait for the other's end


def test_capacity_that_the_model_gave_back_itself_wakes_the_server(env, log):
    pool = WeightedConcurrency(10)
    assert pool.acquire(10)
    server = Server(env, "db", pool, service_time=1)
    log.watch(server.submit("a", weight=4))
    env.run(until=3)
    pool.release(10)
    env.run()
    assert log == [("a", 4, "ok")]


def test_a_concurrency_model_of_ones_own_needs_only_the_protocol(env, log):
    class Gate:
        def __init__(self):
            self.limit, self.active = 1, 0

        @property
        def available(self):
            return self.limit - self.active

        def has_capacity(self, weight=1):
            return self.active < self.limit

        def acquire(self, weight=1):
            if not self.has_capacity():
                return False
            self.active += 1
            return True

        def release(self, weight=1):
            self.active -= 1

    gate = Gate()
    server = Server(env, "api", gate, service_time=2)
    for label in "abcd":
        log.watch(server.submit(label))
    env.run(until=1)
    gate.limit = 2
    server.dispatch()  # nobody else can tell that the gate is wider now
    assert server.active_requests == 2
    env.run()
    assert log == [("a", 2, "ok"), ("b", 3, "ok"), ("c", 4, "ok"), ("d", 5, "ok")]


def test_a_limit_that_a_function_gives_is_read_at_use(env, log):
    server = Server(env, "api", lambda: 1 if env.now < 2 else 3, service_time=2)
    for label in "abcdef":
        log.watch(server.submit(label))
    assert server.concurrency == 1
    env.run(until=3)
    assert (server.concurrency, server.active_requests) == (3, 3)
    env.run()
    assert [when for _, when, _ in log] == [2, 4, 4, 4, 6, 6]


def test_an_arrival_notices_a_limit_that_a_function_has_raised(env, log):
    server = Server(env, "api", lambda: 1 if env.now < 1 else 2, service_time=10)
    log.watch(server.submit("a"))
    log.watch(server.submit("b"))
    env.run(until=5)
    assert server.active_requests == 1
    log.watch(server.submit("c"))
    assert (server.active_requests, server.depth) == (2, 1)
    env.run()
    assert log == [("a", 10, "ok"), ("b", 15, "ok"), ("c", 20, "ok")]


def test_a_service_time_that_submits_to_the_same_server_does_not_disturb_the_order(env, log):
    extra = iter(["x", "y"])
    server = None

    def service_time():
        label = next(extra, None)
        if label:
            log.watch(server.submit(label))
        return 1

    server = Server(env, "api", service_time=service_time)
    log.watch(server.submit("a"))
    log.watch(server.submit("b"))
    env.run()
    assert sorted(log) == [("a", 1, "ok"), ("b", 3, "ok"), ("x", 2, "ok"), ("y", 4, "ok")]
    assert server.depth == 0
