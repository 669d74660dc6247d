"""Limits and times that are steered while the simulation runs."""

import logging
from random import Random

import pytest

from dynamic_des import CapacityConfig, DistributionConfig, DynamicRealtimeEnvironment, LocalIngress, SimParameter
from dynamic_des_servers import AsyncServer, DynamicConcurrency, Server, ThreadPool

CAP = "Shop.resources.api.current_cap"
MAX = "Shop.resources.api.max_cap"


def shop():
    return SimParameter(
        "Shop",
        service={"api": DistributionConfig("exponential", rate=4.0)},
        resources={"api": CapacityConfig(current_cap=1, max_cap=4)},
        variables={"seconds": 2.0, "places": 5, "anything": None},
    )


@pytest.fixture
def twin():
    with DynamicRealtimeEnvironment(factor=0, seed=1) as env:
        env.registry.register_sim_parameter(shop())
        yield env


def test_a_limit_follows_the_registry_inside_the_update(twin):
    model = DynamicConcurrency.from_registry(twin.registry, CAP)
    server = Server(twin, "api", model, service_time=10)
    for _ in range(5):
        server.submit()
    assert server.active_requests == 1
    twin.registry.update(CAP, 3)
    assert (model.limit, server.active_requests, server.depth) == (3, 3, 2)
    twin.registry.update(CAP, "9")  # clamped by the registry to max_cap
    assert (model.limit, server.active_requests) == (4, 4)
    twin.registry.update(CAP, 0)
    assert (model.limit, server.active_requests) == (0, 4)
    twin.run()
    assert server.stats.requests_completed == 4
    twin.registry.update(CAP, 1)
    twin.run()
    assert (server.stats.requests_completed, twin.now) == (5, 20)


def test_a_limit_changed_from_a_live_stream_takes_effect_at_that_instant(twin):
    twin.setup_ingress([LocalIngress([(3, CAP, 3), (4, CAP, 1)])])
    server = Server(twin, "api", CAP, service_time=10)
    requests = [server.submit() for _ in range(5)]
    twin.run()
    assert [request.started_at for request in requests] == [0, 3, 3, 13, 23]


def test_raising_the_maximum_gives_a_clamped_wish_back_and_wakes_who_waits(twin):
    server = Server(twin, "api", CAP, service_time=10)
    twin.registry.update(CAP, 6)
    for _ in range(6):
        server.submit()
    assert server.active_requests == 4
    twin.registry.update(MAX, 6)
    assert server.active_requests == 6


def test_bounds_of_ones_own_clamp_what_the_registry_says(twin):
    model = DynamicConcurrency.from_registry(twin.registry, CAP, min_limit=2, max_limit=3)
    assert model.limit == 2
    twin.registry.update(CAP, 4)
    assert model.limit == 3


def test_a_live_parameter_itself_or_its_path_are_limits_too(twin):
    by_entry = Server(twin, "a", twin.registry.get(CAP))
    by_path = ThreadPool(twin, "b", CAP)
    open_connections = AsyncServer(twin, "c", CAP)
    twin.registry.update(CAP, 3)
    assert (by_entry.concurrency, by_path.num_workers, open_connections.max_connections) == (3, 3, 3)


def test_a_live_value_that_is_no_limit_leaves_the_last_one_in_force_and_is_logged(twin, caplog):
    path = "Shop.variables.anything"
    twin.registry.update(path, 2)
    server = Server(twin, "api", path)
    with caplog.at_level(logging.WARNING):
        twin.registry.update(path, "many")
    assert server.concurrency == 2
    assert (
        "Shop.variables.anything: 'many' is not a whole number, 0 or more. Give one. The limit stays 2." in caplog.text
    )
    twin.registry.update(path, 5)
    assert server.concurrency == 5


def test_an_unknown_path_names_the_nearest(twin):
    with pytest.raises(KeyError, match=r"Shop.resources.api.current_cap"):
        DynamicConcurrency.from_registry(twin.registry, "Shop.resources.api.curent_cap")


def test_a_parameter_that_is_no_number_is_no_limit(twin):
    with pytest.raises(ValueError, match=r"Shop.variables.anything: None is not a whole number, 0 or more"):
        DynamicConcurrency.from_registry(twin.registry, "Shop.variables.anything")


def test_a_path_needs_an_environment_with_a_registry(env):
    with pytest.raises(ValueError, match=r"Server 'api': concurrency: .* but Environment has no registry"):
        Server(env, "api", CAP)
    with pytest.raises(ValueError, match=r"Server 'api': service_time: .* but Environment has no registry"):
        Server(env, "api", service_time="Shop.variables.seconds")


def test_the_same_model_gives_the_same_times_in_a_plain_environment_and_in_ours(env):
    def trace(env):
        rng, seen = Random(3), []
        server = Server(env, "api", 2, lambda: rng.expovariate(1.0), "priority", 4, max_wait=3.0)

        def arrivals():
            for number in range(2000):
                yield env.timeout(rng.expovariate(2.5))
                request = server.submit(number, priority=number % 3)
                request.callbacks.append(lambda event: seen.append((env.now, event.payload, event.ok)))

        env.process(arrivals())
        env.run()
        return seen

    assert trace(env) == trace(DynamicRealtimeEnvironment(factor=0))


# -- times ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_path", [True, False])
def test_a_service_time_in_the_registry_is_read_when_a_service_starts(twin, as_path):
    path = "Shop.variables.seconds"
    server = Server(twin, "api", service_time=path if as_path else twin.registry.get(path))
    requests = [server.submit() for _ in range(3)]
    twin.run(until=1)
    twin.registry.update(path, 5.0)
    twin.run()
    assert [request.service_time for request in requests] == [2, 5, 5]


def test_a_live_service_time_that_makes_no_sense_leaves_the_last_one_in_force_and_is_logged_once(twin, caplog):
    path = "Shop.variables.seconds"
    server = Server(twin, "api", service_time=path)
    twin.registry.update(path, -1.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            server.submit()
        twin.run()
    assert twin.now == 6
    assert caplog.text.count("-1.0 is not a finite number, 0 or more") == 1
    assert "The value stays 2.0." in caplog.text


def test_a_live_distribution_is_drawn_from_as_it_is_at_that_moment(twin):
    server = Server(twin, "api", service_time="Shop.service.api")
    for _ in range(2000):
        server.submit()
    twin.run()
    before = server.average_service_time
    twin.registry.update("Shop.service.api.rate", 0.04)
    for _ in range(2000):
        server.submit()
    twin.run()
    assert before == pytest.approx(0.25, rel=0.1)
    assert server.average_service_time == pytest.approx((0.25 + 25) / 2, rel=0.1)


def test_the_same_seed_draws_the_same_times_whatever_other_servers_there_are():
    def times(others):
        env = DynamicRealtimeEnvironment(factor=0, seed=5)
        for name in others:
            Server(env, name, service_time=DistributionConfig("exponential", rate=1.0)).submit()
        server = Server(env, "api", service_time=DistributionConfig("exponential", rate=1.0))
        requests = [server.submit() for _ in range(5)]
        env.run()
        return [request.service_time for request in requests]

    assert times([]) == times(["other", "another"])
    assert len(set(times([]))) == 5


def test_a_plain_environment_draws_from_distributions_too(env):
    server = Server(env, "api", service_time={"dist": "exponential", "rate": 4.0})
    for _ in range(4000):
        server.submit()
    env.run()
    assert 0.2 < server.average_service_time < 0.3


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (-1, "-1 is not a finite number, 0 or more"),
        (float("nan"), "nan is not a finite number"),
        (float("inf"), "inf is not a finite number"),
        (True, "True is not a finite number"),
        (object(), "is not a finite number"),
        ({"rate": 3}, "the table has no dist"),
        ({"dist": "exponential", "rat": 3}, "'rat' is no field of a distribution. Did you mean 'rate'?"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_at_once(env, source, what):
    with pytest.raises(ValueError, match=r"Server 'api': service_time: ") as caught:
        Server(env, "api", service_time=source)
    assert what in str(caught.value)


def test_the_capacity_of_a_queue_and_the_longest_wait_can_be_live(twin):
    twin.registry.update("Shop.variables.places", 1)
    server = Server(
        twin,
        "api",
        service_time=100,
        queue_capacity="Shop.variables.places",
        max_wait="Shop.variables.seconds",
    )
    for _ in range(3):
        server.submit()
    assert (server.depth, server.stats.requests_rejected) == (1, 1)
    twin.registry.update("Shop.variables.places", 4)
    twin.registry.update("Shop.variables.seconds", 7.0)
    server.submit()
    assert server.depth == 2
    twin.run(until=2.5)
    assert (server.depth, server.requests_timed_out) == (1, 1)
    twin.run(until=7.5)
    assert (server.depth, server.requests_timed_out) == (0, 2)


def test_a_limit_may_even_be_drawn(twin):
    server = Server(twin, "api", concurrency=DistributionConfig("exponential", rate=0.1), service_time=1)
    for _ in range(200):
        server.submit()
    twin.run()
    assert server.stats.requests_completed == 200 or server.depth > 0
