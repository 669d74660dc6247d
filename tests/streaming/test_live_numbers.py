from __future__ import annotations

import logging

import numpy as np
import pytest

from dynamic_des import DistributionConfig, DynamicRealtimeEnvironment, SimParameter
from dynamic_des_streaming import ConsumerGroup, EventLog, StreamProcessor, TumblingWindow


@pytest.fixture
def twin():
    with DynamicRealtimeEnvironment(factor=0, seed=7) as env:
        env.registry.register_sim_parameter(
            SimParameter(
                "Line_A",
                service={"append": DistributionConfig("exponential", rate=10.0)},
                variables={"latency": 1.0, "lateness": 5.0},
            )
        )
        yield env


def times(env, log, count=3):
    """Append one after the other; return how long each took."""
    taken = []

    def model():
        for number in range(count):
            before = env.now
            yield log.append("k", number)
            taken.append(env.now - before)

    env.run(until=env.process(model()))
    return taken


def test_a_function_is_asked_at_every_use(env):
    latencies = iter([1.0, 2.0, 4.0])
    assert times(env, EventLog(env, "orders", append_latency=lambda: next(latencies))) == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "1", None])
def test_a_function_that_returns_nonsense_is_named(env, value):
    log = EventLog(env, "orders", append_latency=lambda: value)
    with pytest.raises(ValueError, match=r"orders\.append_latency: .* is not a finite number, 0 or more"):
        log.append("k", 1)


def test_a_registry_value_is_read_at_every_use(twin):
    log = EventLog(twin, "orders", append_latency=twin.registry.get("Line_A.variables.latency"))
    assert times(twin, log, 2) == [1.0, 1.0]
    twin.registry.update("Line_A.variables.latency", 0.25)
    assert times(twin, log, 2) == [0.25, 0.25]


def test_a_path_names_a_registry_value_or_a_distribution(twin):
    assert times(twin, EventLog(twin, "a", append_latency="Line_A.variables.latency"), 1) == [1.0]
    drawn = times(twin, EventLog(twin, "b", append_latency="Line_A.service.append"), 3)
    assert len(set(drawn)) == 3
    with pytest.raises(KeyError, match="latencie"):
        EventLog(twin, "c", append_latency="Line_A.variables.latencie")


def test_a_registry_value_that_makes_no_sense_leaves_the_last_good_one_in_force(twin, caplog):
    log = EventLog(twin, "orders", append_latency=twin.registry.get("Line_A.variables.latency"))
    twin.registry.update("Line_A.variables.latency", -3.0)
    with caplog.at_level(logging.WARNING, "dynamic_des.streaming"):
        assert times(twin, log, 2) == [1.0, 1.0]
    [record] = caplog.records
    assert record.getMessage() == (
        "orders.append_latency: -3.0 is not a finite number, 0 or more. Give one, in simulated seconds. "
        "The value stays 1.0."
    )


def test_a_distribution_is_drawn_from_the_stream_of_the_component(twin):
    config = DistributionConfig("exponential", rate=10.0)
    drawn = times(twin, EventLog(twin, "orders", append_latency=config), 4)
    with DynamicRealtimeEnvironment(factor=0, seed=7) as again:
        again.sampler("something else").sample(config)
        assert times(again, EventLog(again, "orders", append_latency=config), 4) == drawn
    with DynamicRealtimeEnvironment(factor=0, seed=8) as other:
        assert times(other, EventLog(other, "orders", append_latency=config), 4) != drawn


def test_a_live_distribution_is_drawn_with_the_parameters_of_the_moment(twin):
    log = EventLog(twin, "orders", append_latency=twin.registry.get_config("Line_A.service.append"))
    slow = np.mean(times(twin, log, 200))
    twin.registry.update("Line_A.service.append.rate", 1000.0)
    assert np.mean(times(twin, log, 200)) < slow / 20


def test_a_table_is_a_distribution(twin, env):
    assert all(
        time > 0 for time in times(env, EventLog(env, "orders", append_latency={"dist": "exponential", "rate": 2}))
    )
    with pytest.raises(
        ValueError, match=r"orders\.append_latency: 'rat' is no field of a distribution\. Did you mean 'rate'"
    ):
        EventLog(env, "orders", append_latency={"dist": "exponential", "rat": 2})
    with pytest.raises(ValueError, match="has no dist"):
        EventLog(env, "orders", append_latency={"rate": 2})


def test_text_that_is_a_number_is_that_number(env):
    assert times(env, EventLog(env, "orders", append_latency="0.25"), 2) == [0.25, 0.25]
    with pytest.raises(ValueError, match=r"orders\.append_latency: -1 is not a finite number"):
        EventLog(env, "orders", append_latency="-1")


def test_a_path_needs_a_registry(env):
    with pytest.raises(
        ValueError, match=r"orders\.append_latency: 'Line_A\.x' names a live parameter, but Environment"
    ):
        EventLog(env, "orders", append_latency="Line_A.x")


def test_the_rebalance_delay_may_be_live(twin):
    log = EventLog(twin, "orders")
    group = ConsumerGroup(twin, "billing", log, rebalance_delay="Line_A.variables.latency", poll_latency=lambda: 2.0)

    def model():
        yield group.join("c1")
        joined = twin.now
        yield group.poll("c1")
        polled = twin.now
        twin.registry.update("Line_A.variables.latency", 7.0)
        yield group.leave("c1")
        return joined, polled, twin.now

    assert twin.run(until=twin.process(model())) == (1.0, 3.0, 10.0)


def test_the_allowed_lateness_may_be_live(twin):
    results = []
    processor = StreamProcessor(twin, "sums", TumblingWindow(10.0), sum, results.append, "Line_A.variables.lateness")

    def model():
        processor.process("a", 1)
        yield twin.timeout(12.0)
        processor.process("a", 2, 5.0)
        twin.registry.update("Line_A.variables.lateness", 2.0)
        processor.process("a", 4, 5.0)

    twin.process(model())
    twin.run()
    assert [result.result for result in results] == [1, 3]
    assert (processor.stats.late_events_dropped, twin.now) == (
        1,
        15.0,
    )  # freed when it was planned to be, at the latest


def test_a_rebalance_that_is_on_ends_when_it_was_to_end_though_the_delay_has_become_shorter(twin):
    twin.registry.update("Line_A.variables.latency", 5.0)
    group = ConsumerGroup(twin, "billing", EventLog(twin, "orders"), rebalance_delay="Line_A.variables.latency")

    def member(name, start):
        yield twin.timeout(start)
        yield group.join(name)
        return twin.now

    first, second = (twin.process(member(name, start)) for name, start in (("c1", 0), ("c2", 2)))
    twin.run(until=1)
    twin.registry.update("Line_A.variables.latency", 1.0)
    twin.run()
    assert (first.value, second.value, group.generation) == (5.0, 5.0, 1)
