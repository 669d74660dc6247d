from __future__ import annotations

import pytest
import simpy

from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress
from dynamic_des_streaming import ConsumerGroup, EventLog, StreamProcessor, TumblingWindow, publish_telemetry


class Publishing(simpy.Environment):
    """An environment that notes what is published."""

    def __init__(self):
        super().__init__()
        self.published = []

    def publish_telemetry(self, path_id, value):
        self.published.append((self.now, path_id, value))

    def of(self, path):
        return [(time, value) for time, path_id, value in self.published if path_id == path]


@pytest.fixture
def env():
    return Publishing()


def test_one_call_publishes_the_figures_of_a_log(env):
    log = EventLog(env, "orders", append_latency=0)
    for number in range(3):
        log.append(None, number)
    env.run()
    assert publish_telemetry(env, log, "Line_A.orders") is None
    assert env.published == [
        (0, "Line_A.orders.depth", 3),
        (0, "Line_A.orders.records_appended", 3),
        (0, "Line_A.orders.records_read", 0),
        (0, "Line_A.orders.records_expired", 0),
    ]


def test_a_component_publishes_its_own_figures_under_its_name(env):
    log = EventLog(env, "orders")
    group = ConsumerGroup(env, "billing", log)
    processor = StreamProcessor(env, "counts", TumblingWindow(10), len, [].append)
    for component in (log, group, processor):
        component.publish_telemetry()
    log.publish_telemetry("Line_A.log")
    paths = [path for _, path, _ in env.published]
    assert {"orders.depth", "billing.lag", "counts.active", "counts.watermark_delay", "Line_A.log.depth"} <= set(paths)


def test_the_figures_of_a_group(env):
    log = EventLog(env, "orders", append_latency=0)
    group = ConsumerGroup(env, "billing", log)
    for number in range(3):
        log.append(None, number)
    env.run(until=group.join("c1"))
    publish_telemetry(env, group, "g")
    assert {path: value for _, path, value in env.published} == {
        "g.lag": 3,
        "g.active": 1,
        "g.joins": 1,
        "g.leaves": 0,
        "g.rebalances": 1,
        "g.polls": 0,
        "g.commits": 0,
        "g.records_polled": 0,
        "g.commits_failed": 0,
        "g.members_lost": 0,
    }


def test_the_figures_of_a_processor(env):
    processor = StreamProcessor(env, "p", TumblingWindow(10), len, [].append, watermark="event")
    publish_telemetry(env, processor, "p")
    assert env.of("p.watermark_delay") == []  # there is no watermark yet
    processor.process("a", 1, 3.0)
    env.run(until=5.0)
    publish_telemetry(env, processor, "p")
    assert env.of("p.watermark_delay") == [(5.0, 2.0)]
    assert env.of("p.active") == [(0, 0), (5.0, 1)]
    assert env.of("p.events_processed") == [(0, 0), (5.0, 1)]


def test_figures_are_published_at_whole_multiples_of_an_interval_until_stopped(env):
    log = EventLog(env, "orders", append_latency=0)
    publication = publish_telemetry(env, log, "orders", interval=2.0)

    def model():
        for number in range(5):
            log.append("k", number)
            yield env.timeout(1.0)
        publication.stop()

    env.process(model())
    env.run()
    assert env.of("orders.depth") == [(0, 1), (2.0, 3), (4.0, 5)]  # after what else happens at that instant
    assert env.now == 6.0 or env.now == 5.0


def test_a_plain_environment_publishes_nothing():
    env = simpy.Environment()
    with pytest.raises(
        ValueError, match=r"orders: Environment publishes no telemetry\. Use a DynamicRealtimeEnvironment"
    ):
        publish_telemetry(env, EventLog(env, "orders"), "orders")


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_an_interval_is_above_0(env, interval):
    with pytest.raises(ValueError, match="orders: interval"):
        publish_telemetry(env, EventLog(env, "orders"), "orders", interval)


def test_a_twin_publishes_it_like_any_other_telemetry():
    egress = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0, seed=7) as env:
        env.setup_egress([egress])
        publish_telemetry(env, EventLog(env, "orders"), "Line_A.orders")
        env.run()
    assert [(record["path_id"], record["value"]) for record in egress.records if "seq" in record] == [
        ("Line_A.orders.depth", 0),
        ("Line_A.orders.records_appended", 0),
        ("Line_A.orders.records_read", 0),
        ("Line_A.orders.records_expired", 0),
    ]
