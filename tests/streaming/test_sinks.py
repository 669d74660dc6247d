from __future__ import annotations

import logging

import pytest
import simpy

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des_streaming import EventLog, RegistrySink, StreamProcessor, TumblingWindow


def processed(env, sink, values=(1, 2)):
    """Sum some values and give the result to a sink."""
    processor = StreamProcessor(env, "sums", TumblingWindow(1.0), sum, sink)
    for value in values:
        processor.process("k", value)
    env.run()


def test_a_function(env):
    results = []
    processed(env, results.append)
    assert [result.result for result in results] == [3]


def test_a_generator_function_becomes_a_process(env):
    seen = []

    def slowly(result):
        yield env.timeout(5.0)
        seen.append((env.now, result.result))

    processed(env, slowly)
    assert seen == [(6.0, 3)]


def test_anything_with_put(env):
    store = simpy.Store(env)
    processed(env, store)
    assert [result.result for result in store.items] == [3]


def test_anything_with_submit(env):
    class Server:
        def __init__(self):
            self.requests = []

        def submit(self, request):
            self.requests.append(request)

    server = Server()
    processed(env, server)
    assert [request.result for request in server.requests] == [3]


def test_a_log(env):
    log = EventLog(env, "sums", 1)
    processed(env, log)
    [record] = log.partitions[0].records
    assert (record.key, record.value.result, record.timestamp) == ("k", 3, 1.001)


@pytest.fixture
def twin():
    with DynamicRealtimeEnvironment(factor=0, seed=7) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"demand": 0, "limit": 10}))
        yield env


def test_a_live_parameter(twin):
    processed(twin, RegistrySink(twin.registry, "Line_A.variables.demand"))
    assert twin.registry.get("Line_A.variables.demand").value == 3


def test_a_live_parameter_by_its_path(twin):
    processed(twin, "Line_A.variables.demand")
    assert twin.registry.get("Line_A.variables.demand").value == 3


def test_a_resource_by_its_name(twin):
    twin.resources = {"results": simpy.Store(twin), "others": simpy.Store(twin)}
    processed(twin, "results")
    assert [result.result for result in twin.resources["results"].items] == [3]
    with pytest.raises(
        ValueError, match=r"sums: downstream: the environment has no resource 'result'\. Did you mean 'results'"
    ):
        processed(twin, "result")


def test_what_the_registry_refuses_is_counted_and_logged_once(twin, caplog):
    twin.registry.set_bounds("Line_A.variables.demand", max=10)
    sink = RegistrySink(twin.registry, "Line_A.variables.demand")
    with caplog.at_level(logging.WARNING, "dynamic_des.streaming"):
        for value in (5, 50, 60, 6, 70):
            sink(value)
    assert (sink.refused, twin.registry.get("Line_A.variables.demand").value) == (3, 6)
    assert len(caplog.records) == 2
    assert "50 is above the allowed maximum 10" in caplog.records[0].getMessage()


def test_a_live_parameter_must_exist(twin):
    with pytest.raises(KeyError, match=r"Did you mean 'Line_A\.variables\.demand'"):
        RegistrySink(twin.registry, "Line_A.variables.demands")
