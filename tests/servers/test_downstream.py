import pytest
import simpy

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des_servers import AsyncServer, Server, ThreadPool, WeightedConcurrency


def test_served_requests_go_on_to_the_next_server(env):
    second = Server(env, "second", service_time=3)
    first = Server(env, "first", service_time=2, downstream=second)
    first.submit("a")
    first.submit("b")
    env.run()
    assert first.stats.requests_completed == second.stats.requests_completed == 2
    assert env.now == 8  # a: 2, 5; b: 4, then from 5 to 8
    assert second.average_wait_time == 0.5


def test_a_function_gets_what_was_submitted(env):
    seen = []
    Server(env, "api", service_time=2, downstream=lambda job: seen.append((env.now, job))).submit("a")
    env.run()
    assert seen == [(2, "a")]


def test_a_store_gets_what_was_submitted(env):
    store = simpy.Store(env)
    pool = ThreadPool(env, "pool", 1, downstream=store)
    pool.submit("a")
    pool.submit("b")
    env.run()
    assert store.items == ["a", "b"]


def test_a_generator_function_becomes_a_process(env):
    seen = []

    def delivery(job):
        yield env.timeout(5)
        seen.append((env.now, job))

    Server(env, "api", service_time=2, downstream=delivery).submit("a")
    env.run()
    assert seen == [(7, "a")]


def test_anything_with_submit_will_do(env):
    class Executor:
        def __init__(self):
            self.jobs = []

        def submit(self, job):
            self.jobs.append(job)

    executor = Executor()
    Server(env, "api", downstream=executor).submit("a")
    env.run()
    assert executor.jobs == ["a"]


def test_the_context_and_the_priority_go_along(env):
    order = []
    pool = ThreadPool(env, "pool", 1, "priority", downstream=order.append)
    server = Server(env, "api", concurrency=3, service_time=1, downstream=pool)
    server.submit("busy", context={"metadata": {"processing_time": 10}})
    server.submit("later", context={"metadata": {"processing_time": 2}}, priority=5)
    server.submit("sooner", context={"metadata": {"processing_time": 3}}, priority=1)
    env.run()
    assert order == ["busy", "sooner", "later"]
    assert env.now == 16


def test_the_weight_in_the_context_goes_along(env):
    database = Server(env, "db", WeightedConcurrency(10), service_time=5)
    Server(env, "api", service_time=1, downstream=database).submit(context={"metadata": {"weight": 7}})
    env.run(until=2)
    assert database.active_requests == 7


def test_refused_and_cancelled_requests_do_not_go_on(env):
    seen = []
    server = Server(env, "api", service_time=1, queue_capacity=1, downstream=seen.append)
    server.submit("a")
    server.submit("b").cancel()
    server.submit("c", max_wait=0.5)
    server.submit("d")
    env.run()
    assert seen == ["a"]


def test_a_refusal_downstream_is_counted_there_and_ends_nothing(env):
    second = Server(env, "second", service_time=100, queue_capacity=0)
    first = Server(env, "first", concurrency=5, service_time=1, downstream=second)
    for _ in range(5):
        first.submit()
    env.run()
    assert (first.stats.requests_completed, first.stats.requests_rejected) == (5, 0)
    assert (second.stats.requests_completed, second.stats.requests_rejected) == (1, 4)


def test_the_downstream_can_be_changed_while_the_simulation_runs(env):
    one, other = [], []
    server = Server(env, "api", service_time=1, downstream=one.append)
    for label in "abc":
        server.submit(label)
    env.run(until=1.5)
    server.downstream = other.append
    env.run(until=2.5)
    server.downstream = None
    env.run()
    assert (one, other, server.downstream) == (["a"], ["b"], None)


def test_servers_may_form_a_cycle(env):
    laps = []
    first = Server(env, "first", service_time=1)
    second = Server(env, "second", service_time=1, downstream=lambda job: laps.append(env.now) or first.submit(job))
    first.downstream = second
    first.submit("runner")
    env.run(until=7)
    assert laps == [2, 4, 6]


def test_an_async_server_sends_on_what_was_submitted(env):
    seen = []
    server = AsyncServer(env, "web", io_handler=lambda _: env.timeout(1, "response"), downstream=seen.append)
    assert env.run(until=server.submit("request")) == "response"
    assert seen == ["request"]


@pytest.mark.parametrize("target", [3, object(), [1]])
def test_what_takes_nothing_is_refused(env, target):
    with pytest.raises(ValueError, match=r"Server 'api': downstream: .* takes nothing. Give a function"):
        Server(env, "api", downstream=target)


def test_a_resource_can_be_named_before_it_is_made():
    env = DynamicRealtimeEnvironment(factor=0)
    first = Server(env, "first", service_time=1, downstream="second")
    env.resources["second"] = Server(env, "second", service_time=2)
    first.submit()
    env.run()
    assert (env.now, env.resources["second"].stats.requests_completed) == (3, 1)


def test_a_resource_that_is_not_there_is_named_with_the_nearest():
    env = DynamicRealtimeEnvironment(factor=0)
    env.resources["database"] = Server(env, "database")
    Server(env, "api", downstream="databse").submit()
    with pytest.raises(ValueError, match=r"no resource 'databse'. Did you mean 'database'\?"):
        env.run()


def test_in_a_plain_environment_there_are_no_named_resources(env):
    Server(env, "api", downstream="db").submit()
    with pytest.raises(ValueError, match=r"Server 'api': downstream: the environment has no resource 'db'. There are"):
        env.run()


def test_a_live_parameter_can_be_named_and_what_it_refuses_is_logged_once(caplog):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Shop", variables={"last": 0}))
        server = Server(env, "api", service_time=1, downstream="Shop.variables.last")
        server.submit(7)
        env.run()
        assert env.registry.get("Shop.variables.last").value == 7
        for nonsense in ("many", "more"):
            server.submit(nonsense)
        env.run()
        assert env.registry.get("Shop.variables.last").value == 7
    assert [record.getMessage().startswith("Shop.variables.last: 'many'") for record in caplog.records] == [True]
