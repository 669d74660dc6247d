"""Both plugins on a twin in real time, steered by a live stream while it runs."""

from __future__ import annotations

import json
import os
from threading import Thread

import pytest

from dynamic_des import (
    CapacityConfig,
    DynamicRealtimeEnvironment,
    LinesIngress,
    MemoryEgress,
    MemoryIngress,
    SimParameter,
)
from dynamic_des_servers import Server
from dynamic_des_streaming import ConsumerGroup, EventLog, RegistryFeed, StreamProcessor, TumblingWindow

CAP, DEMAND, READING, AVERAGE = (
    "Shop.resources.api.current_cap",
    "Shop.variables.demand",
    "Shop.variables.reading",
    "Shop.variables.average",
)
SHOP = SimParameter(
    "Shop",
    resources={"api": CapacityConfig(current_cap=1, max_cap=8)},
    variables={"reading": 0.0, "average": 0.0, "demand": 0},
)


@pytest.fixture
def twin():
    """A twin a hundred times as fast as the wall clock."""
    with DynamicRealtimeEnvironment(factor=0.01, seed=1, lag_monitor_interval=0) as env:
        env.registry.register_sim_parameter(SHOP)
        yield env


def test_a_limit_changed_from_a_live_stream_starts_who_waits_at_the_instant_of_the_change(twin):
    stream = MemoryIngress()
    twin.setup_ingress([stream])
    changes = []
    twin.registry.get(CAP).subscribe(lambda value: changes.append((twin.now, value)))
    server = Server(twin, "api", CAP, service_time=1000)
    requests = [server.submit(number) for number in range(6)]

    def operator():
        yield twin.timeout(1)
        stream.send((CAP, 4))  # from outside: it comes in through the I/O thread, while nothing happens in the model

    twin.process(operator())
    twin.run(until=requests[0] | _started(twin, 4, requests))
    assert changes == [(twin.now, 4)]
    assert [request.started_at for request in requests[:4]] == [0, twin.now, twin.now, twin.now]
    assert [request.started_at for request in requests[4:]] == [None, None]
    assert 1 <= twin.now < 1000


def _started(env, count, requests):
    """Return an event that happens at the change after which so many have started."""
    event = env.event()

    def look(_):
        if not event.triggered and sum(request.started_at is not None for request in requests) >= count:
            event.succeed()

    env.registry.get(CAP).subscribe(look)
    return event


def test_a_cut_from_a_live_stream_lets_running_work_finish(twin):
    stream = MemoryIngress()
    twin.setup_ingress([stream])
    twin.registry.update(CAP, 3)
    server = Server(twin, "api", CAP, service_time=5)
    requests = [server.submit() for _ in range(5)]
    stream.send((CAP, 1))
    twin.run(until=twin.all_of(requests))
    assert [request.started_at for request in requests] == [0, 0, 0, 5, 10]


def test_windows_over_a_live_stream_write_their_result_to_the_registry_in_real_time(twin):
    stream = MemoryIngress()
    twin.setup_ingress([stream])
    averages = StreamProcessor(twin, "averages", TumblingWindow(20.0), "mean", AVERAGE)
    RegistryFeed(twin.registry, READING, averages)
    arrived, written = [], []
    twin.registry.get(READING).subscribe(lambda value: arrived.append((twin.now, value)))
    twin.registry.get(AVERAGE).subscribe(lambda value: written.append((twin.now, value)))

    def sensor():
        for value in (20.0, 30.0, 10.0, 100.0, 50.0):
            yield twin.timeout(7)
            stream.send(json.dumps({"path": READING, "value": value}))

    twin.process(sensor())
    twin.run(until=twin.registry.get(AVERAGE).wait_for_change() & twin.timeout(61))
    expected = []
    for end in (20.0, 40.0, 60.0):
        values = [value for at, value in arrived if end - 20 <= at < end]
        if values:
            expected.append((end, sum(values) / len(values)))
    assert len(arrived) == 5
    assert written == expected
    assert all(end == at for (at, _), (end, _) in zip(written, expected, strict=True))


def test_one_live_input_feeds_windows_whose_result_sets_the_limit_of_a_server(twin):
    """The whole loop: what comes in is summed over a window, the sum is a limit, who waits starts in that instant."""
    stream = MemoryIngress()
    twin.setup_ingress([stream])
    totals = StreamProcessor(twin, "totals", TumblingWindow(10.0), "sum", CAP)
    RegistryFeed(twin.registry, DEMAND, totals)
    server = Server(twin, "api", CAP, service_time=1000)
    requests = [server.submit() for _ in range(6)]
    for demand in (1, 3):
        stream.send((DEMAND, demand))
    twin.run(until=25)
    assert [request.started_at for request in requests] == [0, 10, 10, 10, None, None]


def test_lines_on_a_pipe_steer_a_server_while_it_waits_for_nothing_else(tmp_path):
    path = tmp_path / "changes.jsonl"
    path.touch()
    with DynamicRealtimeEnvironment(factor=0.01, seed=1, lag_monitor_interval=0) as env:
        env.registry.register_sim_parameter(SHOP)
        env.setup_ingress([LinesIngress(str(path))])
        server = Server(env, "api", CAP, service_time=0.5)
        env.registry.update(CAP, 0)
        request = server.submit()
        changed = env.registry.get(CAP).wait_for_change()

        def operator():
            with path.open("a") as file:
                file.write(json.dumps({"path": CAP, "value": 2}) + "\n")
                file.flush()
                os.fsync(file.fileno())

        writer = Thread(target=operator)
        writer.start()
        env.run(until=changed)
        at = env.now
        env.run(until=request)
        writer.join()
    assert request.started_at == at
    assert env.now == at + 0.5


def test_the_same_changes_at_factor_0_give_the_same_times_as_in_real_time():
    def run(factor):
        egress = MemoryEgress()
        with DynamicRealtimeEnvironment(factor=factor, seed=1, lag_monitor_interval=0) as env:
            env.registry.register_sim_parameter(SHOP)
            env.setup_egress([egress])
            log = EventLog(env, "orders", 2)
            group = ConsumerGroup(env, "billing", log, "sticky", session_timeout=5)
            server = Server(env, "api", CAP, service_time=0.75, downstream=log)

            def consumer():
                yield group.join("c1")
                for _ in range(8):
                    yield env.timeout(1)
                    records = yield group.poll("c1")
                    env.publish_event("c1", {"values": [record.value for record in records]})
                    yield group.commit("c1")

            def operator():
                for number in range(6):
                    server.submit(number)
                    yield env.timeout(0.5)
                    env.registry.update(CAP, 1 + number % 3)
                    server.publish_telemetry("Shop.api")
                    group.publish_telemetry("Shop.billing")

            env.process(consumer())
            env.process(operator())
            env.run(until=12)
        return [{key: record[key] for key in record if key != "timestamp"} for record in egress.records]

    assert run(0.01) == run(0)
