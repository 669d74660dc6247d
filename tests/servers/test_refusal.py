"""Queues that are full, waits that are too long, requests that are withdrawn."""

import pytest

from dynamic_des_servers import (
    DynamicConcurrency,
    RequestRejected,
    RequestTimedOut,
    Server,
    ThreadPool,
    WeightedConcurrency,
)


def test_the_queue_capacity_counts_waiting_requests_only(env, log):
    server = Server(env, "api", concurrency=2, service_time=5, queue_capacity=1)
    for label in "abcde":
        log.watch(server.submit(label))
    assert (server.active_requests, server.depth, server.stats.requests_rejected) == (2, 1, 2)
    env.run()
    assert log == [
        ("d", 0, "RequestRejected"),
        ("e", 0, "RequestRejected"),
        ("a", 5, "ok"),
        ("b", 5, "ok"),
        ("c", 10, "ok"),
    ]


def test_without_places_to_wait_an_idle_server_still_serves(env, log):
    server = Server(env, "api", concurrency=1, service_time=5, queue_capacity=0)
    log.watch(server.submit("a"))
    log.watch(server.submit("b"))
    env.run()
    log.watch(server.submit("c"))
    env.run()
    assert log == [("b", 0, "RequestRejected"), ("a", 5, "ok"), ("c", 10, "ok")]


def test_a_refusal_is_thrown_into_who_waits_for_the_request_with_the_reason(env):
    server = Server(env, "api", service_time=5, queue_capacity=0)
    server.submit()

    def client():
        with pytest.raises(RequestRejected, match=r"api: the queue is full.") as caught:
            yield server.submit()
        return env.now, caught.value.server, caught.value.reason

    assert env.run(env.process(client())) == (0, "api", "the queue is full")


def test_a_refusal_that_nobody_waits_for_does_not_end_the_run(env):
    server = Server(env, "api", service_time=5, queue_capacity=0)
    for _ in range(10):
        server.submit()
    env.run()
    assert (server.stats.requests_completed, server.stats.requests_rejected) == (1, 9)


def test_a_refusal_fails_a_condition(env):
    server = Server(env, "api", service_time=5, queue_capacity=0)
    server.submit()

    def client():
        try:
            yield server.submit() | env.timeout(3)
        except RequestRejected:
            return env.now

    assert env.run(env.process(client())) == 0


def test_the_queue_capacity_can_change_live_and_keeps_who_waits_already(env, log):
    places = [3]
    server = Server(env, "api", service_time=1, queue_capacity=lambda: places[0])
    for label in "abcde":
        log.watch(server.submit(label))
    places[0] = 1
    log.watch(server.submit("f"))
    assert (server.depth, server.stats.requests_rejected) == (3, 2)
    env.run()
    assert [entry for entry in log if entry[2] == "ok"] == [
        ("a", 1, "ok"),
        ("b", 2, "ok"),
        ("c", 3, "ok"),
        ("d", 4, "ok"),
    ]


def test_in_a_full_queue_an_arrival_that_can_start_is_served(env, log):
    server = Server(env, "db", WeightedConcurrency(4), 5, "lifo", queue_capacity=1)
    log.watch(server.submit("a", weight=3))
    log.watch(server.submit("heavy", weight=4))  # waits, and fills the queue
    log.watch(server.submit("light", weight=1))
    log.watch(server.submit("other", weight=2))
    env.run()
    assert log == [("other", 0, "RequestRejected"), ("a", 5, "ok"), ("light", 5, "ok"), ("heavy", 10, "ok")]


@pytest.mark.parametrize("capacity", [-1, float("nan"), True])
def test_a_queue_capacity_that_makes_no_sense_is_refused(env, capacity):
    with pytest.raises(ValueError, match=r"Server 'api': queue_capacity: "):
        Server(env, "api", queue_capacity=capacity)


# -- waiting too long ----------------------------------------------------------------------------------------


def test_a_request_that_has_waited_for_its_max_wait_is_refused_and_counted(env, log):
    server = Server(env, "api", service_time=10)
    log.watch(server.submit("a"))
    log.watch(server.submit("b", max_wait=4))
    log.watch(server.submit("c"))
    env.run()
    assert log == [("b", 4, "RequestTimedOut"), ("a", 10, "ok"), ("c", 20, "ok")]
    assert (server.stats.requests_rejected, server.requests_timed_out) == (1, 1)


def test_a_timed_out_request_is_a_rejected_one_and_says_how_long_it_waited(env):
    server = Server(env, "api", service_time=10)
    server.submit()

    def client():
        yield env.timeout(1)
        with pytest.raises(RequestRejected, match=r"api: the request has waited for 4 simulated seconds.") as caught:
            yield server.submit(max_wait=4)
        return type(caught.value), env.now

    assert env.run(env.process(client())) == (RequestTimedOut, 5)


@pytest.mark.parametrize("submitted_first", [True, False])
def test_a_slot_that_becomes_free_at_exactly_the_deadline_still_serves(env, log, submitted_first):
    server = Server(env, "api", concurrency=1, service_time=3)
    model = DynamicConcurrency(1, min_limit=0)
    server = Server(env, "api", model, service_time=3)

    def driver():
        if submitted_first:  # the timer is older than the completion that frees the slot
            model.set_limit(0)
            log.watch(server.submit("other"))
            log.watch(server.submit("a", max_wait=5))
            yield env.timeout(2)
            model.set_limit(1)
        else:
            yield env.timeout(2)
            log.watch(server.submit("other"))
            log.watch(server.submit("a", max_wait=3))

    env.process(driver())
    env.run()
    assert log == [("other", 5, "ok"), ("a", 8, "ok")]


def test_a_max_wait_of_0_allows_what_happens_at_this_instant_only(env, log):
    server = Server(env, "api", concurrency=1, service_time=3)
    log.watch(server.submit("a", max_wait=0))  # an idle server serves at once
    log.watch(server.submit("b", max_wait=0))
    env.run(until=3)
    log.watch(server.submit("c", max_wait=0))  # "a" is not over yet, but will be at this time
    env.run()
    assert log == [("b", 0, "RequestTimedOut"), ("a", 3, "ok"), ("c", 6, "ok")]


def test_a_max_wait_limits_the_wait_not_the_service(env, log):
    server = Server(env, "api", service_time=100)
    log.watch(server.submit("a", max_wait=1))
    env.run()
    assert log == [("a", 100, "ok")]


def test_the_server_may_have_a_max_wait_for_all_that_a_request_overrides(env, log):
    server = Server(env, "api", service_time=10, max_wait=3)
    log.watch(server.submit("a"))
    log.watch(server.submit("b"))
    log.watch(server.submit("c", max_wait=5))
    log.watch(server.submit("d", max_wait=float("inf")))
    env.run()
    assert log == [("b", 3, "RequestTimedOut"), ("c", 5, "RequestTimedOut"), ("a", 10, "ok"), ("d", 20, "ok")]


def test_when_a_heavy_head_gives_up_those_behind_it_start_at_that_instant(env, log):
    server = Server(env, "db", WeightedConcurrency(4), service_time=10)
    log.watch(server.submit("a", weight=3))
    log.watch(server.submit("heavy", weight=4, max_wait=2))
    log.watch(server.submit("light", weight=1, max_wait=2))
    env.run()
    assert log == [("heavy", 2, "RequestTimedOut"), ("a", 10, "ok"), ("light", 12, "ok")]


def test_deadlines_may_come_in_any_order(env, log):
    server = Server(env, "api", service_time=100)
    server.submit()
    for wait in [7, 3, 9, 3, 1, 8]:
        log.watch(server.submit(wait, max_wait=wait))
    env.run()
    assert log == [(wait, wait, "RequestTimedOut") for wait in (1, 3, 3, 7, 8, 9)]


def test_deadlines_are_exact_where_sums_of_floats_are_not(env, log):
    server = Server(env, "api", service_time=100)

    def driver():
        server.submit()
        yield env.timeout(0.1)
        for wait in (0.7, 0.2, 0.6):
            log.watch(server.submit(wait, max_wait=wait))
            yield env.timeout(0.1)

    env.process(driver())
    env.run()
    start = [0.1, 0.1 + 0.1, 0.1 + 0.1 + 0.1]
    assert log == [
        (0.2, start[1] + 0.2, "RequestTimedOut"),
        (0.7, start[0] + 0.7, "RequestTimedOut"),
        (0.6, start[2] + 0.6, "RequestTimedOut"),
    ]


def test_waiting_requests_share_one_timer(env):
    server = Server(env, "api", service_time=100)
    for _ in range(50):
        server.submit(max_wait=20)
    assert len(env._queue) == 2  # the service that runs, and the timer


def test_timers_are_set_only_while_somebody_waits(env):
    server = Server(env, "api", service_time=1, max_wait=50)
    for _ in range(3):
        server.submit()
        env.run()
    assert env.now == 3


@pytest.mark.parametrize("max_wait", [-1, float("nan"), "soon", True])
def test_a_max_wait_that_makes_no_sense_is_refused(env, max_wait):
    server = Server(env, "api")
    with pytest.raises(ValueError, match=r"Server 'api': max_wait: .* is not a finite number, 0 or more"):
        server.submit(max_wait=max_wait)
    assert (server.depth, server.active_requests) == (0, 0)


# -- cancelling ----------------------------------------------------------------------------------------------


def test_a_waiting_request_can_be_cancelled_and_those_behind_it_move_up(env, log):
    server = Server(env, "api", service_time=5)
    log.watch(server.submit("a"))
    second = log.watch(server.submit("b"))
    log.watch(server.submit("c"))
    assert second.waiting
    assert second.cancel() is True
    assert not second.waiting
    assert (server.depth, server.requests_cancelled) == (1, 1)
    env.run()
    assert log == [("a", 5, "ok"), ("c", 10, "ok")]
    assert not second.triggered  # as in SimPy: it never happens
    assert (server.stats.requests_completed, server.stats.requests_rejected) == (2, 0)


def test_cancelling_what_is_in_service_or_over_has_no_effect(env, log):
    server = Server(env, "api", service_time=5, queue_capacity=1)
    running, waiting, refused = (log.watch(server.submit(label)) for label in "abc")
    assert running.cancel() is False
    assert refused.cancel() is False
    assert waiting.cancel() is True
    assert waiting.cancel() is False
    env.run()
    assert running.cancel() is False
    assert log == [("c", 0, "RequestRejected"), ("a", 5, "ok")]
    assert server.requests_cancelled == 1


def test_a_with_statement_withdraws_what_still_waits_at_its_end(env, log):
    server = Server(env, "api", service_time=5)
    log.watch(server.submit("a"))

    def impatient():
        with log.watch(server.submit("b")) as request:
            got = yield request | env.timeout(2)
            assert request not in got
        assert server.depth == 0
        with server.submit("c") as request:
            return (yield request), env.now

    assert env.run(env.process(impatient())) == ("c", 10)
    assert log == [("a", 5, "ok")]


def test_a_process_that_is_interrupted_inside_a_with_statement_leaves_the_queue(env):
    import simpy

    server = Server(env, "api", service_time=5)
    server.submit()

    def client():
        try:
            with server.submit() as request:
                yield request
        except simpy.Interrupt:
            return server.depth

    process = env.process(client())

    def breaker():
        yield env.timeout(1)
        assert server.depth == 1
        process.interrupt()

    env.process(breaker())
    assert env.run(process) == 0
    env.run()
    assert server.stats.requests_completed == 1


def test_a_cancelled_request_does_not_time_out(env, log):
    server = Server(env, "api", service_time=5)
    server.submit()
    log.watch(server.submit("b", max_wait=2)).cancel()
    env.run()
    assert log == []
    assert (server.requests_timed_out, server.stats.requests_rejected) == (0, 0)


@pytest.mark.parametrize("policy", ["fifo", "lifo", "priority"])
def test_mass_cancellation_leaves_a_queue_that_works(env, log, policy):
    server = Server(env, "api", service_time=1, queue_policy=policy)
    server.submit("busy")
    requests = [server.submit(number, priority=number % 7) for number in range(1000)]
    for request in requests[1:-1]:
        request.cancel()
    assert server.depth == 2
    for request in (requests[0], requests[-1]):
        log.watch(request)
    env.run()
    assert sorted(label for label, _, _ in log) == [0, 999]
    assert env.now == 3


# -- every request is accounted for ---------------------------------------------------------------------------


def test_a_service_time_that_raises_fails_its_own_request_and_no_other(env, log):
    times = iter([2, ZeroDivisionError("no time"), 2])

    def service_time():
        drawn = next(times)
        if isinstance(drawn, Exception):
            raise drawn
        return drawn

    server = Server(env, "api", service_time=service_time)
    log.watch(server.submit("a"))
    failed = log.watch(server.submit("b"))
    failed.callbacks.append(lambda event: setattr(event, "defused", True))
    log.watch(server.submit("c"))
    env.run()
    assert log == [("a", 2, "ok"), ("b", 2, "ZeroDivisionError"), ("c", 4, "ok")]
    assert (server.requests_failed, server.active_requests, server.stats.requests_completed) == (1, 0, 2)


def test_an_error_in_a_service_time_ends_the_run_when_nobody_waits_for_the_request(env):
    server = Server(env, "api", service_time=lambda: 1 / 0)
    server.submit()
    with pytest.raises(ZeroDivisionError):
        env.run()


@pytest.mark.parametrize("bad", [-1, -0.5, float("nan"), float("inf"), "2", None, True])
def test_a_service_time_that_is_none_says_where_it_came_from(env, bad):
    server = Server(env, "api", service_time=lambda: bad)

    def client():
        with pytest.raises(ValueError, match=r"Server 'api': the duration of a service: .* is not a finite number"):
            yield server.submit()

    env.run(env.process(client()))
    assert server.active_requests == 0


def test_thousands_of_failures_in_a_row_do_not_exhaust_the_stack(env):
    pool = ThreadPool(env, "pool", 1, processing_time_extractor=lambda task: task)
    pool.submit(1)
    for _ in range(5000):
        pool.submit("nonsense").defused = True
    last = pool.submit(1)
    env.run()
    assert last.ok
    assert (pool.requests_failed, env.now) == (5000, 2)


@pytest.mark.parametrize("what", ["queue_capacity", "max_wait"])
def test_a_bound_that_a_function_gives_may_be_infinite_and_nonsense_leaves_the_queue_as_it_was(env, what):
    bounds = iter([float("inf"), "many", -1, float("inf")])
    server = Server(env, "api", service_time=1, **{what: lambda: next(bounds)})
    if what == "queue_capacity":
        server.submit()  # has not to wait: the bound is not read
    server.submit()
    for _ in range(2):
        with pytest.raises(ValueError, match=rf"Server 'api': {what}: .* is not a finite number, 0 or more"):
            server.submit()
    server.submit()
    waiting = 2 if what == "queue_capacity" else 1
    assert (server.active_requests, server.depth) == (1, waiting)
    env.run()
    assert server.stats.requests_completed == waiting + 1
