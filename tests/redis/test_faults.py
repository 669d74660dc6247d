"""A server that dies, freezes, or is not there yet: nothing is lost, nothing comes twice, and the end is said."""

import json
import math

import pytest
import redis

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des.testing.waiting import in_background, wait_until
from dynamic_des_redis import RedisEgress, RedisIngress


def publish(env, count):
    def model():
        for number in range(1, count + 1):
            env.publish_event(f"part-{number}", {"number": number})
            if number % 500 == 0:
                yield env.timeout(1)

    env.process(model())
    env.run()


def records(server, stream):
    with redis.Redis(port=server.port) as client:
        return [json.loads(fields[b"data"]) for _, fields in client.xrange(stream)]


def assert_exactly_once(server, stream, count):
    assert [record["seq"] for record in records(server, stream)] == list(range(1, count + 1))


def egress_of(server, stream, port=None, **options):
    return RedisEgress("127.0.0.1", port or server.port, stream, **options)


def killed_in_the_middle(server, stream, count):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress_of(server, stream)], outbox_size=2000)
        run = in_background(lambda: publish(env, count))
        assert wait_until(lambda: env.report().sinks[0].written > count / 10, 60)
        server.restart()
        run.result(120)
    assert_exactly_once(server, stream, count)


def test_records_are_there_once_and_in_order_when_the_server_was_killed(own_redis, name):
    killed_in_the_middle(own_redis, name, 20_000)


@pytest.mark.full
def test_a_hundred_thousand_records_are_there_once_and_in_order_when_the_server_was_killed(own_redis, name):
    killed_in_the_middle(own_redis, name, 100_000)


def test_a_lost_answer_does_not_write_twice(own_redis, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress_of(own_redis, name, own_redis.proxy.port, timeout_s=0.5)])
        publish(env, 500)
        own_redis.proxy.swallow()
        run = in_background(lambda: publish(env, 500))
        assert wait_until(lambda: env.report().sinks[0].retried, 20)
        own_redis.proxy.restore()
        run.result(60)
    assert_exactly_once(own_redis, name, 1000)


def test_a_server_that_is_absent_at_the_start_loses_nothing(own_redis, name):
    own_redis.kill()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress_of(own_redis, name)])
        run = in_background(lambda: publish(env, 1000))
        assert wait_until(lambda: env.report().sinks[0].reason, 20)
        own_redis.start()
        run.result(60)
    assert_exactly_once(own_redis, name, 1000)


def test_a_server_that_is_frozen_at_the_end_is_said_with_the_number_of_records(own_redis, name, caplog):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress_of(own_redis, name, timeout_s=0.5)], drain_timeout=1)
        publish(env, 500)
        own_redis.pause()
        publish(env, 700)
    assert env.report().sinks[0].lost == 700
    assert "700 records are not written" in caplog.text
    own_redis.resume()


def test_a_killed_server_misses_no_change(own_redis, name):
    with DynamicRealtimeEnvironment(factor=1) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        seen, done = [], env.event()
        env.registry.get("Line_A.variables.n").subscribe(seen.append)
        env.registry.get("Line_A.variables.n").subscribe(lambda n: n == 2000 and done.succeed())
        env.setup_ingress([RedisIngress("127.0.0.1", own_redis.port, name, timeout_s=2)])
        run = in_background(lambda: env.run(until=done))
        assert wait_until(lambda: env.report().sources[0].state == "up", 20)
        for first in (1, 1001):
            with redis.Redis(port=own_redis.port) as client, client.pipeline() as pipeline:
                for number in range(first, first + 1000):
                    pipeline.xadd(name, {"path": "Line_A.variables.n", "value": number})
                pipeline.execute()
            if first == 1:
                own_redis.restart()
        run.result(60)
    assert seen == list(range(1, 2001))


def test_pubsub_subscribes_again_after_the_connection_was_lost(own_redis, name):
    with DynamicRealtimeEnvironment(factor=1) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        done = env.registry.get("Line_A.variables.n").wait_for_change()
        env.setup_ingress([RedisIngress("127.0.0.1", own_redis.port, name, mode="pubsub", timeout_s=2)])
        run = in_background(lambda: env.run(until=done))
        assert wait_until(lambda: env.report().sources[0].state == "up", 20)
        own_redis.restart()
        with redis.Redis(port=own_redis.port) as client:
            change = '{"path": "Line_A.variables.n", "value": 3}'
            assert wait_until(lambda: client.publish(name, change), 20)
        run.result(20)


def test_entries_of_a_dead_member_go_to_a_living_one(redis_server, client, name):
    client.xgroup_create(name, "twins", "$", mkstream=True)
    client.xadd(name, {"path": "Line_A.variables.n", "value": 5})
    assert client.xreadgroup("twins", "dead", {name: ">"})
    with DynamicRealtimeEnvironment(factor=1, name="living") as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        changed = env.registry.get("Line_A.variables.n").wait_for_change()
        ingress = RedisIngress("127.0.0.1", redis_server.port, name, group="twins", claim_after_s=0.2)
        env.setup_ingress([ingress])
        assert in_background(lambda: env.run(until=changed)).result(20) == 5
    assert client.xpending(name, "twins")["pending"] == 0


def test_the_current_state_is_where_a_run_begins(redis_server, client, name):
    client.hset(f"{name}:state", mapping={"Line_A.variables.n": 4, "Line_A.variables.gone": 1})
    client.set(f"{name}[now]:Line_A.variables.m", '"late"')
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0, "m": "early"}))
        env.setup_ingress(
            [
                RedisIngress(
                    "127.0.0.1",
                    redis_server.port,
                    name,
                    snapshot_hash=f"{name}:state",
                    snapshot_prefix=f"{name}[now]:",
                )
            ]
        )
        env.run(until=1)
        assert (env.registry.get("Line_A.variables.n").value, env.registry.get("Line_A.variables.m").value) == (
            4,
            "late",
        )


ODD = [
    1,
    math.nan,
    math.inf,
    10**400,
    {"deep": [{"er": [[]]}]},
    "ü 漢 \U0001f600",
    "a\0b",
    "x" * 5_000_000,
    "\ud800",
    2,
]


@pytest.mark.parametrize("protocol", [2, 3])
def test_each_odd_value_has_its_outcome_and_its_neighbours_are_written(redis_server, name, protocol):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress_of(redis_server, name, timeout_s=20, protocol=protocol)])
        for value in ODD:
            env.publish_telemetry("Line_A.odd", value)
    held = {record["seq"]: record["value"] for record in records(redis_server, name)}
    expected = {seq: value for seq, value in enumerate(ODD, 1) if seq != 9} | {2: None, 3: None}
    assert held == expected  # half a surrogate pair has no UTF-8
    assert env.report().sinks[0].set_aside == 1


def test_ids_are_the_start_of_the_run_and_the_number(redis_server, client, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress_of(redis_server, name)])
        publish(env, 3)
    start = int(env.start_datetime.timestamp() * 1000)
    assert [entry.decode() for entry, _ in client.xrange(name)] == [f"{start}-1", f"{start}-2", f"{start}-3"]


def test_two_twins_on_one_stream_hide_nothing_from_each_other(redis_server, client, name):
    client.xadd(name, {"data": "0"}, id="99999999999999-7")  # ids of somebody whose clock is ahead
    for twin in ("one", "two"):
        with DynamicRealtimeEnvironment(factor=0, name=twin) as env:
            env.setup_egress([egress_of(redis_server, name)])
            publish(env, 600)
    assert [record["seq"] for record in records(redis_server, name)[1:]] == [*range(1, 601), *range(1, 601)]


def test_two_egresses_of_one_run_to_one_stream_are_told_apart_or_refused(redis_server, client, name):
    def written(stream, *sinks):
        with DynamicRealtimeEnvironment(factor=0) as env:
            env.setup_egress([egress_of(redis_server, stream, sink=sink) for sink in sinks])
            publish(env, 1000)
        return [sink.state for sink in env.report().sinks]

    assert written(name, "a", "b") == ["closed", "closed"]
    assert client.xlen(name) == 2000
    assert "failed" in written(f"{name}-2", "c", "c")


def test_a_router_fills_several_streams_and_what_it_cannot_place_is_set_aside(redis_server, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress(
            [egress_of(redis_server, name, router=lambda record: {"a": f"{name}-a", "b": name}[record["key"]])]
        )
        for key in "abcab":
            env.publish_event(key, {})
    assert [record["seq"] for record in records(redis_server, name)] == [2, 5]
    assert [record["seq"] for record in records(redis_server, f"{name}-a")] == [1, 4]
    assert env.report().sinks[0].set_aside == 1


def test_a_key_that_is_no_stream_is_final_and_a_password_is_in_no_text(tmp_path, redis_server, client, name, caplog):
    from tests.services.redis import Redis

    client.set(name, "text")
    guarded = Redis(tmp_path / "guarded", "--requirepass", "rightpass").start()
    try:
        for server, options, said in (
            (redis_server, {}, "WRONGTYPE"),
            (guarded, {"password": "wrongpass"}, "Redis refuses"),
        ):
            with DynamicRealtimeEnvironment(factor=0) as env:
                env.setup_egress([egress_of(server, name, **options)])
                publish(env, 1)
            assert said in env.report().sinks[0].reason
        with DynamicRealtimeEnvironment(factor=0) as env:
            env.setup_egress([RedisEgress(url=f"redis://:rightpass@127.0.0.1:{guarded.port}/0", channel=name)])
            publish(env, 3)
        assert env.report().sinks[0].written == 3
    finally:
        guarded.close()
    assert "pass" not in caplog.text.replace("username-password", "").replace("username, password", "").replace(
        "username and password", ""
    )
