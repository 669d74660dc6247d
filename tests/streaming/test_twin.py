from __future__ import annotations

import logging

import pytest

from dynamic_des import DynamicRealtimeEnvironment, LocalIngress, SimParameter
from dynamic_des_streaming import RegistryFeed, StreamProcessor, TumblingWindow


@pytest.fixture
def twin():
    with DynamicRealtimeEnvironment(factor=0, seed=7) as env:
        env.registry.register_sim_parameter(
            SimParameter("Line_A", variables={"reading": 0.0, "message": {}, "average": 0.0})
        )
        yield env


def test_windows_over_a_live_input_write_their_result_to_the_registry(twin):
    processor = StreamProcessor(twin, "averages", TumblingWindow(10.0), "mean", "Line_A.variables.average")
    RegistryFeed(twin.registry, "Line_A.variables.reading", processor)
    changes = []

    def watch():
        while True:
            value = yield twin.registry.get("Line_A.variables.average").wait_for_change()
            changes.append((twin.now, value))

    twin.process(watch())
    schedule = [(1.0, 20.0), (4.0, 30.0), (9.0, 10.0), (12.0, 100.0), (25.0, 7.0)]
    twin.setup_ingress([LocalIngress([(at, "Line_A.variables.reading", value) for at, value in schedule])])
    twin.run(until=40)
    assert changes == [(10.0, 20.0), (20.0, 100.0), (30.0, 7.0)]


def test_the_initial_value_and_updates_without_a_change_are_no_events(twin):
    processor = StreamProcessor(twin, "counts", TumblingWindow(10.0), len, [].append)
    RegistryFeed(twin.registry, "Line_A.variables.reading", processor)
    for value in (5.0, 5.0, 6.0):
        twin.registry.update("Line_A.variables.reading", value)
    assert processor.stats.events_processed == 2


def test_messages_with_an_event_time_of_their_own(twin, caplog):
    results = []
    processor = StreamProcessor(
        twin, "sums", TumblingWindow(10.0), sum, results.append, watermark="event", watermark_interval_s=0
    )
    feed = RegistryFeed(
        twin.registry,
        "Line_A.variables.message",
        processor,
        key="sensor",
        event_time_s=lambda message: message["at"],
        value=lambda message: message["value"],
    )
    messages = [
        {"at": 3.0, "value": 1},
        {"at": 1.0, "value": 2},
        {"value": 9},
        {"at": "noon", "value": 9},
        {"at": float("nan"), "value": 9},
        {"at": 2.5},
        {"at": 11.0, "value": 4},
    ]
    with caplog.at_level(logging.WARNING, "dynamic_des.streaming"):
        for message in messages:
            assert twin.registry.update("Line_A.variables.message", message).status == "applied"
    assert [(result.key, result.window_start, result.result) for result in results] == [("sensor", 0.0, 3)]
    assert (feed.refused, processor.stats.events_processed) == (4, 3)
    assert "KeyError: 'at'" in caplog.records[0].getMessage()
    assert "the event time nan is not finite" in caplog.records[2].getMessage()


def test_there_must_be_such_a_path(twin):
    processor = StreamProcessor(twin, "counts", TumblingWindow(10.0), len, [].append)
    with pytest.raises(KeyError, match=r"Did you mean 'Line_A\.variables\.reading'"):
        RegistryFeed(twin.registry, "Line_A.variables.readings", processor)
