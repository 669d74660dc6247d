import dataclasses

import pytest

from dynamic_des_servers import FixedConcurrency, Server, ServerStats


def test_four_requests_at_once_on_four_idle_slots_all_start_at_once(env, log):
    server = Server(env, "api", concurrency=4, service_time=5)
    for label in "abcd":
        log.watch(server.submit(label))
    assert (server.active_requests, server.depth) == (4, 0)
    env.run()
    assert log == [("a", 5, "ok"), ("b", 5, "ok"), ("c", 5, "ok"), ("d", 5, "ok")]


def test_what_exceeds_the_slots_waits_and_is_served_in_order_of_arrival(env, log):
    server = Server(env, "api", concurrency=2, service_time=3)
    for label in "abcde":
        log.watch(server.submit(label))
    assert (server.active_requests, server.depth) == (2, 3)
    env.run()
    assert log == [("a", 3, "ok"), ("b", 3, "ok"), ("c", 6, "ok"), ("d", 6, "ok"), ("e", 9, "ok")]


def test_two_slots_that_become_free_at_one_instant_start_two_requests(env):
    server = Server(env, "api", concurrency=2, service_time=1)
    requests = [server.submit() for _ in range(4)]
    env.run()
    assert [request.started_at for request in requests] == [0, 0, 1, 1]
    assert [request.wait_time for request in requests] == [0, 0, 1, 1]


def test_a_request_is_an_event_whose_value_is_what_was_submitted(env):
    server = Server(env, "api", service_time=2)

    def client():
        value = yield server.submit({"path": "/"})
        return value, env.now

    assert env.run(env.process(client())) == ({"path": "/"}, 2)


def test_yield_from_works_as_well_as_yield(env):
    server = Server(env, "api", service_time=2)

    def client():
        first = yield from server.submit("a")
        second = yield from server.handle_queued_event("b")
        return first, second, env.now

    assert env.run(env.process(client())) == ("a", "b", 4)


def test_requests_compose_with_and_or_and_timeouts(env):
    server = Server(env, "api", concurrency=1, service_time=2)
    seen = []

    def client():
        first, second = server.submit("a"), server.submit("b")
        got = yield first | env.timeout(10)
        seen.append((env.now, first in got, second in got))
        yield first & second
        seen.append((env.now, first.processed, second.processed))
        third = server.submit("c")
        got = yield third | env.timeout(1)
        seen.append((env.now, third in got))

    env.process(client())
    env.run()
    assert seen == [(2, True, False), (4, True, True), (5, False)]


def test_a_request_can_be_what_a_run_runs_until(env):
    server = Server(env, "api", service_time=2)
    assert env.run(until=server.submit("a")) == "a"
    assert env.now == 2


def test_a_request_takes_one_entry_of_the_event_heap_whether_it_waits_or_not(env):
    server = Server(env, "api", concurrency=1, service_time=1)
    for _ in range(100):
        server.submit()
    steps = 0
    while env.peek() != float("inf"):
        env.step()
        steps += 1
    assert (steps, env.now) == (100, 100)


def test_the_slot_is_free_again_before_who_waited_for_the_request_goes_on(env):
    server = Server(env, "api", concurrency=1, service_time=2)
    seen = []

    def client():
        yield server.submit()
        seen.append((server.active_requests, server.stats.requests_completed))

    env.process(client())
    env.run()
    assert seen == [(0, 1)]


def test_a_run_ends_when_there_is_nothing_left_to_serve(env):
    server = Server(env, "api", service_time=2)
    server.submit()
    env.run()
    assert env.now == 2


def test_the_documented_defaults(env):
    server = Server(env, "api")
    assert (server.name, server.concurrency, server.service_time) == ("api", 1, 0.01)
    assert isinstance(server.concurrency_model, FixedConcurrency)
    assert server.downstream is None
    for _ in range(1000):
        server.submit()
    assert server.stats.requests_rejected == 0  # no limit on the queue
    env.run()
    assert server.get_service_time_percentile(1) == 0.01


def test_figures_of_a_moment(env):
    server = Server(env, "api", concurrency=4, service_time=2)
    assert (server.utilization, server.has_capacity()) == (0.0, True)
    for _ in range(3):
        server.submit()
    assert (server.active_requests, server.available_capacity, server.utilization) == (3, 1, 0.75)
    assert server.has_capacity()
    server.submit()
    server.submit()
    assert (server.active_requests, server.available_capacity, server.utilization, server.depth) == (4, 0, 1.0, 1)
    assert not server.has_capacity()


def test_stats_are_a_frozen_snapshot_of_finished_requests(env):
    server = Server(env, "api", concurrency=1, service_time=2, queue_capacity=1)
    for _ in range(3):
        server.submit()
    before = server.stats
    env.run(until=2.5)
    assert before == ServerStats(requests_completed=0, requests_rejected=1, total_service_time=0.0)
    assert server.stats == ServerStats(1, 1, 2.0)
    env.run()
    assert server.stats == ServerStats(2, 1, 4.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.requests_completed = 5


def test_averages_count_finished_requests_and_are_0_without_any(env):
    times = iter([1.0, 3.0, 100.0])
    server = Server(env, "api", concurrency=1, service_time=lambda: next(times))
    assert (server.average_service_time, server.average_wait_time) == (0.0, 0.0)
    for _ in range(3):
        server.submit()
    env.run(until=50)
    assert (server.average_service_time, server.average_wait_time) == (2.0, 0.5)


@pytest.mark.parametrize("times", [[], [7.0], [1.0, 2.0], [5.0, 1.0, 4.0, 2.0, 3.0, 9.5]])
@pytest.mark.parametrize("percentile", [0, 0.25, 0.5, 0.9, 0.99, 1])
def test_percentiles_interpolate_linearly_as_numpys(env, times, percentile):
    import numpy as np

    draws = iter(times)
    server = Server(env, "api", service_time=lambda: next(draws))
    for _ in times:
        server.submit()
    env.run()
    expected = np.percentile(times, 100 * percentile) if times else 0.0
    assert server.get_service_time_percentile(percentile) == pytest.approx(expected, abs=1e-12)


def test_a_percentile_is_interpolated_at_p_times_n_minus_1(env):
    draws = iter([10, 20, 30, 40])
    server = Server(env, "api", service_time=lambda: next(draws))
    for _ in range(4):
        server.submit()
    env.run()
    assert server.get_service_time_percentile(0.5) == 25
    assert server.get_service_time_percentile(0.75) == 32.5
    assert server.get_service_time_percentile(0) == 10
    assert server.get_service_time_percentile(1) == 40


@pytest.mark.parametrize("percentile", [-0.1, 1.1, 99, float("nan")])
def test_a_percentile_outside_of_0_to_1_is_refused(env, percentile):
    with pytest.raises(ValueError, match=r"is not between 0 and 1. For p99 give 0.99"):
        Server(env, "api").get_service_time_percentile(percentile)


def test_percentiles_are_those_of_the_latest_requests_and_can_be_switched_off(env):
    for history, expected in ((2, 3.5), (0, 0.0), (None, 2.5)):
        draws = iter([1, 2, 3, 4])
        server = Server(env, "api", service_time=lambda draws=draws: next(draws), history=history)
        for _ in range(4):
            server.submit()
        env.run()
        assert server.get_service_time_percentile(0.5) == expected
        assert server.average_service_time == 2.5


@pytest.mark.parametrize("history", [-1, 1.5, True, "all"])
def test_a_history_that_is_no_number_is_refused(env, history):
    with pytest.raises(ValueError, match=r"Server 'api': history is"):
        Server(env, "api", history=history)


def test_a_request_reads_well(env):
    server = Server(env, "api", service_time=1, queue_capacity=1)
    first, second, third = (server.submit(label) for label in "abc")
    assert "Request('a' to 'api', in service)" in repr(first)
    assert "Request('b' to 'api', waiting)" in repr(second)
    assert "Request('c' to 'api', refused)" in repr(third)
    second.cancel()
    env.run()
    assert "done" in repr(first)
    assert "cancelled" in repr(second)
    assert "refused" in repr(third)
