import pytest

from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress
from dynamic_des_servers import AsyncServer, Server, ThreadPool, publish_telemetry


def test_one_call_publishes_the_figures_of_the_moment():
    egress = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress])
        server = Server(env, "Shop.api", concurrency=2, service_time=5, queue_capacity=1)
        for _ in range(4):
            server.submit()

        def monitor():
            yield env.timeout(1)
            server.publish_telemetry()
            yield env.timeout(5)
            server.publish_telemetry("other.path")

        env.process(monitor())
        env.run()
    records = [(one["sim_ts"], one["path_id"], one["value"]) for one in egress.records if "seq" in one]
    assert records == [
        (1, "Shop.api.depth", 1),
        (1, "Shop.api.active", 2),
        (1, "Shop.api.limit", 2),
        (1, "Shop.api.utilization", 1.0),
        (1, "Shop.api.completed", 0),
        (1, "Shop.api.rejected", 1),
        (6, "other.path.depth", 0),
        (6, "other.path.active", 1),
        (6, "other.path.limit", 2),
        (6, "other.path.utilization", 0.5),
        (6, "other.path.completed", 2),
        (6, "other.path.rejected", 1),
    ]


def test_the_figures_can_be_read_in_any_environment(env):
    pool = ThreadPool(env, "pool", 4)
    pool.submit()
    assert pool.telemetry() == {
        "depth": 0,
        "active": 1,
        "limit": 4,
        "utilization": 0.25,
        "completed": 0,
        "rejected": 0,
    }


def test_the_figures_of_an_event_loop_are_those_of_its_connections(env):
    server = AsyncServer(env, "web", max_connections=8, cpu_work_distribution=1)
    for _ in range(4):
        server.submit()
    assert server.telemetry() == {
        "depth": 3,
        "active": 4,
        "limit": 8,
        "utilization": 0.5,
        "completed": 0,
        "rejected": 0,
    }


def test_an_environment_that_publishes_nothing_says_so(env):
    with pytest.raises(ValueError, match=r"api: Environment publishes no telemetry. Use a DynamicRealtimeEnvironment"):
        Server(env, "api").publish_telemetry()


def test_figures_are_published_at_whole_multiples_of_an_interval_until_stopped():
    egress = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress])
        server = Server(env, "api", service_time=3)
        publication = publish_telemetry(env, server, "Shop.api", interval=2.0)
        for _ in range(2):
            server.submit()
        env.run(until=5)
        publication.stop()
        env.run()
    depths = [(one["sim_ts"], one["value"]) for one in egress.records if one["path_id"] == "Shop.api.depth"]
    assert depths == [(0, 1), (2, 1), (4, 0)]
