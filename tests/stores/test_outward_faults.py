"""A server that dies, freezes, or is not there yet: no record is lost, none comes twice, and the end is said."""

import pytest
from tests.stores.runs import assert_exactly_once, publish

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des.testing.waiting import in_background, wait_until


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.full)])
def test_records_are_there_once_and_in_order_when_the_server_was_killed(own_store, name, count):
    own_store.note_order(name)
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([own_store.egress(name)], outbox_size=2000)
        run = in_background(lambda: publish(env, count))
        assert wait_until(lambda: env.report().sinks[0].written > count / 10, 60)
        own_store.server.restart()
        run.result(120)
    assert_exactly_once(own_store, name, count)


@pytest.mark.parametrize("fault", ["answers are lost", "frozen for a while"])
def test_a_write_that_is_repeated_is_written_once(own_store, name, fault):
    faults = {
        "answers are lost": (own_store.proxy.swallow, own_store.proxy.restore),
        "frozen for a while": (own_store.server.pause, own_store.server.resume),
    }
    begin, end = faults[fault]
    own_store.note_order(name)
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([own_store.egress(name, proxied=True, timeout_s=0.5)])
        publish(env, 500)
        begin()
        run = in_background(lambda: publish(env, 500))
        assert wait_until(lambda: env.report().sinks[0].retried, 20)
        end()
        run.result(60)
    assert_exactly_once(own_store, name, 1000)


def test_a_server_that_is_absent_at_the_start_loses_nothing(own_store, name):
    own_store.note_order(name)
    own_store.server.kill()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([own_store.egress(name)])
        run = in_background(lambda: publish(env, 1000))
        assert wait_until(lambda: env.report().sinks[0].reason, 20)
        own_store.server.start()
        run.result(60)
    assert_exactly_once(own_store, name, 1000)


def test_a_server_that_is_frozen_at_the_end_is_said_with_the_number_of_records(own_store, name, caplog):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([own_store.egress(name, timeout_s=0.5)], drain_timeout=1)
        publish(env, 500)
        own_store.server.pause()
        publish(env, 700)
    assert env.report().sinks[0].lost == 700
    assert "700 records are not written" in caplog.text
    own_store.server.resume()


def test_two_egresses_of_one_run_to_one_place_are_told_apart_or_refused(store, name):
    def written(place, *sinks):
        with DynamicRealtimeEnvironment(factor=0) as env:
            env.setup_egress([store.egress(place, sink=sink) for sink in sinks])
            publish(env, 1000)
        return [sink.state for sink in env.report().sinks]

    assert written(name, "a", "b") == ["closed", "closed"]
    assert len(store.records(name)) == 2000
    assert "failed" in written(f"{name}_2", "c", "c")
