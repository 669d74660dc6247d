"""The kinds of this plugin, held to the contract of every resource kind."""

from typing import ClassVar

from dynamic_des import CapacityConfig, DistributionConfig, SimParameter
from dynamic_des.testing import ResourceContract
from dynamic_des_servers import AsyncServer, Server, ThreadPool

SHOP = SimParameter(
    "Shop",
    service={"page": DistributionConfig("exponential", rate=2.0)},
    resources={"api": CapacityConfig(current_cap=2, max_cap=5)},
)


class TestServer(ResourceContract):
    resource_class = Server
    parameters = (SHOP,)
    options: ClassVar = {
        "concurrency": "Shop.resources.api.current_cap",
        "service_time": "Shop.service.page",
        "queue_policy": "priority",
        "queue_capacity": 1,
        "max_wait": 100.0,
    }

    def use(self, env, server):
        requests = [server.submit(number) for number in range(4)]
        yield requests[0] & requests[1]
        server.publish_telemetry()
        return [request.service_time for request in requests]


class TestThreadPool(ResourceContract):
    resource_class = ThreadPool
    options: ClassVar = {"num_workers": 2, "default_processing_time": {"dist": "uniform", "low": 1.0, "high": 2.0}}

    def use(self, env, pool):
        tasks = [pool.submit() for _ in range(3)]
        yield env.all_of(tasks)
        pool.publish_telemetry("pool")
        return pool.stats


class TestAsyncServer(ResourceContract):
    resource_class = AsyncServer
    options: ClassVar = {"max_connections": 3, "cpu_work_distribution": {"dist": "exponential", "rate": 10.0}}

    def use(self, env, server):
        requests = [server.submit(number) for number in range(4)]
        yield env.all_of(requests[:3])
        server.publish_telemetry("web")
        return server.stats, server.peak_connections
