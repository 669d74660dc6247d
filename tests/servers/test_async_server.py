import pytest
import simpy

from dynamic_des_servers import AsyncServer, AsyncServerStats, RequestRejected, Server


def test_the_cpu_phase_is_serial_and_the_io_phase_overlaps(env, log):
    def read(_):
        yield 10

    server = AsyncServer(env, "web", cpu_work_distribution=2, io_handler=read)
    for label in "abc":
        log.watch(server.submit(label))
    assert (server.active_connections, server.cpu_queue_depth, server.is_cpu_busy) == (3, 2, True)
    env.run(until=7)
    assert (server.active_connections, server.cpu_queue_depth, server.is_cpu_busy) == (3, 0, False)
    env.run()
    assert log == [("a", 12, "ok"), ("b", 14, "ok"), ("c", 16, "ok")]
    assert server.stats == AsyncServerStats(
        requests_completed=3, requests_rejected=0, total_cpu_time=6.0, total_io_time=30.0
    )
    assert (server.active_connections, server.peak_connections, server.average_cpu_time) == (0, 3, 2.0)


def test_without_a_handler_there_is_no_io_phase(env, log):
    server = AsyncServer(env, "web", cpu_work_distribution=2)
    for label in "ab":
        log.watch(server.submit(label))
    env.run()
    assert log == [("a", 2, "ok"), ("b", 4, "ok")]
    assert server.stats == AsyncServerStats(2, 0, 4.0, 0.0)


def test_without_cpu_work_everything_is_io(env, log):
    def read(_):
        yield env.timeout(3)

    server = AsyncServer(env, "web", io_handler=read)
    for label in "abcd":
        log.watch(server.submit(label))
    env.run()
    assert log == [("a", 3, "ok"), ("b", 3, "ok"), ("c", 3, "ok"), ("d", 3, "ok")]


def test_a_burst_of_thousands_is_served_without_a_deadlock(env):
    served = []

    def read(number):
        yield 1
        served.append(number)

    server = AsyncServer(env, "web", max_connections=5000, io_handler=read)
    for number in range(5000):
        server.submit(number)
    env.run()
    assert served == list(range(5000))
    assert (env.now, server.active_connections, server.is_cpu_busy, server.cpu_queue_depth) == (1, 0, False, 0)


def test_connections_beyond_the_maximum_are_refused_and_those_in_io_count(env, log):
    server = AsyncServer(env, "web", max_connections=2, io_handler=lambda _: env.timeout(5))

    def clients():
        for label in "abc":
            log.watch(server.submit(label))
        yield env.timeout(1)
        assert (server.utilization, server.has_capacity()) == (1.0, False)
        log.watch(server.submit("d"))
        yield env.timeout(5)
        assert (server.utilization, server.has_capacity()) == (0.0, True)
        log.watch(server.submit("e"))

    env.process(clients())
    env.run()
    assert log == [
        ("c", 0, "RequestRejected"),
        ("d", 1, "RequestRejected"),
        ("a", 5, "ok"),
        ("b", 5, "ok"),
        ("e", 11, "ok"),
    ]
    assert server.stats.requests_rejected == 2
    assert server.peak_connections == 2


def test_a_connection_is_free_again_before_who_waited_goes_on(env):
    server = AsyncServer(env, "web", max_connections=1, cpu_work_distribution=1)

    def client():
        for _ in range(3):
            yield server.submit()
        return env.now

    assert env.run(env.process(client())) == 3
    assert server.stats.requests_rejected == 0


# -- what a handler may be -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "response"),
    [(lambda _: None, "request"), (lambda _: 200, 200), (lambda _: [], []), (lambda _: "text", "text")],
)
def test_a_plain_handler_answers_at_once(env, handler, response):
    server = AsyncServer(env, "web", cpu_work_distribution=1, io_handler=handler)
    assert env.run(until=server.submit("request")) == response
    assert env.now == 1


def test_a_plain_handler_may_return_an_event_to_wait_for(env):
    server = AsyncServer(env, "web", io_handler=lambda request: env.timeout(4, value=f"answer to {request}"))
    assert env.run(until=server.submit("a")) == "answer to a"
    assert (env.now, server.stats.total_io_time) == (4, 4)


def test_a_plain_handler_may_return_several_events(env):
    server = AsyncServer(env, "web", io_handler=lambda _: [env.timeout(4, "x"), env.timeout(2, "y")])
    assert sorted(env.run(until=server.submit()).values()) == ["x", "y"]
    assert env.now == 4


def test_an_event_that_has_happened_already_is_not_waited_for(env):
    happened = env.timeout(0, "old")
    env.run()
    plain = AsyncServer(env, "plain", io_handler=lambda _: happened)
    assert env.run(until=plain.submit()) == "old"

    def read(_):
        return (yield happened)

    assert env.run(until=AsyncServer(env, "generator", io_handler=read).submit()) == "old"
    assert env.now == 0


def test_a_generator_may_yield_delays_events_and_lists_of_events(env):
    seen = []

    def read(request):
        seen.append((yield 1))
        seen.append((yield env.timeout(2, "timeout")))
        both = yield [env.timeout(3, "x"), env.timeout(1, "y")]
        seen.append(sorted(both.values()))
        yield 0
        return f"answer to {request}"

    server = AsyncServer(env, "web", io_handler=read)
    assert env.run(until=server.submit("a")) == "answer to a"
    assert (env.now, seen) == (6, [None, "timeout", ["x", "y"]])


def test_a_generator_may_use_resources_and_other_servers(env, log):
    disk = simpy.Resource(env)
    database = Server(env, "db", service_time=5)

    def read(request):
        with disk.request() as turn:
            yield turn
            yield 1
        return (yield database.submit(request.upper()))

    server = AsyncServer(env, "web", io_handler=read)
    for label in "ab":
        log.watch(server.submit(label))
    env.run()
    assert log == [("a", 6, "ok"), ("b", 11, "ok")]


def test_what_a_generator_returns_is_waited_for_when_it_is_an_event(env):
    def read(_):
        yield 1
        return env.timeout(2, "late")

    assert env.run(until=AsyncServer(env, "web", io_handler=read).submit()) == "late"
    assert env.now == 3


def test_a_handler_may_submit_to_its_own_server(env):
    def read(depth):
        if depth:
            server.submit(depth - 1)
        yield 1

    server = AsyncServer(env, "web", cpu_work_distribution=1, io_handler=read)
    server.submit(1000)
    env.run()
    assert (env.now, server.stats.requests_completed, server.active_connections) == (1002, 1001, 0)


# -- what can go wrong ---------------------------------------------------------------------------------------


def broken_plain(_):
    raise OSError("disk")


def broken_generator(_):
    yield 1
    raise OSError("disk")


@pytest.mark.parametrize("handler", [broken_plain, broken_generator])
def test_what_a_handler_raises_fails_its_request_and_the_server_goes_on(env, handler):
    working = iter([False, True])
    server = AsyncServer(env, "web", 10, 1, io_handler=lambda request: None if request == "good" else handler(request))

    def client():
        with pytest.raises(OSError, match=r"disk"):
            yield server.submit("bad")
        yield server.submit("good")

    env.run(env.process(client()))
    assert next(working) is False
    assert (server.stats.requests_completed, server.requests_failed, server.active_connections) == (1, 1, 0)
    assert server.stats.total_cpu_time == 1  # of the completed one
    assert not server.is_cpu_busy


def test_an_error_that_nobody_waits_for_ends_the_run(env):
    server = AsyncServer(env, "web", io_handler=broken_plain)
    server.submit()
    with pytest.raises(OSError, match=r"disk"):
        env.run()


def test_an_event_that_fails_is_thrown_into_the_generator(env):
    database = Server(env, "db", service_time=100, queue_capacity=0)
    database.submit()

    def read(_):
        try:
            yield database.submit()
        except RequestRejected as refusal:
            return f"503 {refusal.reason}"

    assert env.run(until=AsyncServer(env, "web", io_handler=read).submit()) == "503 the queue is full"


def test_an_event_that_fails_fails_the_request_of_a_plain_handler(env):
    database = Server(env, "db", service_time=100, queue_capacity=0)
    database.submit()
    server = AsyncServer(env, "web", io_handler=lambda _: database.submit())

    def client():
        with pytest.raises(RequestRejected, match=r"db: the queue is full"):
            yield server.submit()

    env.run(env.process(client()))
    assert (server.requests_failed, server.stats.requests_rejected, server.active_connections) == (1, 0, 0)


@pytest.mark.parametrize("nonsense", [-1, "soon", None, float("nan"), [1, 2]])
def test_a_generator_that_yields_nonsense_is_told_so(env, nonsense):
    def read(_):
        with pytest.raises(ValueError, match=r"AsyncServer 'web': io_handler yielded") as caught:
            yield nonsense
        yield 1
        return str(caught.value)

    answer = env.run(until=AsyncServer(env, "web", io_handler=read).submit())
    assert "is not a finite number, 0 or more" in answer
    assert env.now == 1


def test_cpu_work_that_makes_no_sense_fails_its_request_and_frees_the_cpu(env):
    work = iter([-1, 1])
    server = AsyncServer(env, "web", cpu_work_distribution=lambda: next(work))
    failed, good = server.submit(), server.submit()
    failed.defused = True
    env.run()
    assert isinstance(failed.value, ValueError)
    assert good.ok
    assert (server.active_connections, server.requests_failed, server.is_cpu_busy) == (0, 1, False)


def test_a_request_that_waits_for_the_cpu_can_be_cancelled_or_time_out(env, log):
    server = AsyncServer(env, "web", max_connections=4, cpu_work_distribution=10)
    log.watch(server.submit("a"))
    log.watch(server.submit("b", max_wait=3))
    cancelled = log.watch(server.submit("c"))
    log.watch(server.submit("d"))
    env.run(until=1)
    assert cancelled.cancel()
    assert server.active_connections == 3
    env.run()
    assert log == [("b", 3, "RequestTimedOut"), ("a", 10, "ok"), ("d", 20, "ok")]
    assert (server.stats.requests_rejected, server.active_connections) == (1, 0)


def test_a_bad_argument_takes_no_connection(env):
    server = AsyncServer(env, "web")
    with pytest.raises(ValueError, match=r"max_wait"):
        server.submit(max_wait=-1)
    assert server.active_connections == 0


@pytest.mark.parametrize("connections", [0, -1, 1.5, True, float("nan")])
def test_less_than_one_connection_is_refused(env, connections):
    with pytest.raises(ValueError, match=r"AsyncServer 'web': max_connections: .* is not a whole number, 1 or more"):
        AsyncServer(env, "web", connections)


# -- figures -------------------------------------------------------------------------------------------------


def test_the_documented_defaults(env):
    server = AsyncServer(env, "web")
    assert (server.name, server.max_connections) == ("web", 10_000)
    assert (server.average_cpu_time, server.get_cpu_time_percentile(0.5), server.utilization) == (0.0, 0.0, 0.0)
    assert env.run(until=server.handle_event("a")) == "a"
    assert env.now == 0


def test_percentiles_of_cpu_times_count_finished_requests(env):
    work = iter([1, 3, 2, 100])
    server = AsyncServer(env, "web", cpu_work_distribution=lambda: next(work))
    for _ in range(4):
        server.submit()
    env.run(until=50)
    assert [server.get_cpu_time_percentile(p) for p in (0, 0.5, 0.75, 1)] == [1, 2, 2.5, 3]
    assert server.average_cpu_time == 2.0


def test_a_request_knows_its_times(env):
    server = AsyncServer(env, "web", cpu_work_distribution=2, io_handler=lambda _: env.timeout(3))
    server.submit()
    request = server.submit()
    assert "waiting" in repr(request)
    env.run(until=3)
    assert "in service" in repr(request)
    env.run()
    assert (request.wait_time, request.service_time, request.io_time) == (2, 2, 3)


def test_a_cut_of_connections_keeps_those_that_are_open(env):
    limit = [3]
    server = AsyncServer(env, "web", lambda: limit[0], io_handler=lambda _: env.timeout(5))
    for _ in range(3):
        server.submit()
    limit[0] = 1
    server.submit()
    assert (server.active_connections, server.utilization, server.stats.requests_rejected) == (3, 1.0, 1)
    env.run()
    assert server.stats.requests_completed == 3


def test_an_event_that_nobody_else_waits_for_and_that_fails_ends_no_run_when_the_handler_deals_with_it(env):
    def read(_):
        broken = env.event()
        env.timeout(1).callbacks.append(lambda _: broken.fail(OSError("cut")))
        try:
            yield broken
        except OSError as error:
            return f"gone at {env.now}: {error}"

    assert env.run(until=AsyncServer(env, "web", io_handler=read).submit()) == "gone at 1.0: cut"
    env.run()
