"""What steers a twin from Redis: a channel, a group, a state to begin with."""

import math

import pytest
from pydantic import SecretStr
from tests.stores.redis_store import RedisStore
from tests.stores.runs import PATH, Steered, steered

from dynamic_des import ConfigError, DynamicRealtimeEnvironment, SimParameter
from dynamic_des.testing.waiting import in_background, wait_until


def test_pubsub_subscribes_again_after_the_connection_was_lost(own_redis, name):
    own_store = RedisStore.of(own_redis)
    with steered(own_store.ingress(name, mode="pubsub", timeout_s=2), last=3) as twin:
        twin.wait_until_connected()
        own_redis.restart()
        with own_store.client() as client:
            change = '{"path": "Line_A.variables.n", "value": 3}'
            assert wait_until(lambda: client.publish(name, change), 20)
        twin.finish(20)


def test_entries_of_a_dead_member_go_to_a_living_one(redis_store, client, name):
    client.xgroup_create(name, "twins", "$", mkstream=True)
    client.xadd(name, {"path": PATH, "value": 5})
    assert client.xreadgroup("twins", "dead", {name: ">"})
    with DynamicRealtimeEnvironment(factor=1, name="living") as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        changed = env.registry.get(PATH).wait_for_change()
        env.setup_ingress([redis_store.ingress(name, group="twins", claim_after_s=0.2)])
        assert in_background(lambda: env.run(until=changed)).result(20) == 5
    assert client.xpending(name, "twins")["pending"] == 0


def test_the_current_state_is_where_a_run_begins(redis_store, client, name):
    client.hset(f"{name}:state", mapping={PATH: 4, "Line_A.variables.gone": 1})
    client.set(f"{name}[now]:Line_A.variables.m", '"late"')
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0, "m": "early"}))
        ingress = redis_store.ingress(name, snapshot_hash=f"{name}:state", snapshot_prefix=f"{name}[now]:")
        env.setup_ingress([ingress])
        env.run(until=1)
        assert env.registry.get(PATH).value == 4
        assert env.registry.get("Line_A.variables.m").value == "late"


def test_a_current_state_that_is_not_there_or_of_another_kind_is_said(redis_store, client, name, caplog):
    def run(**options):
        with DynamicRealtimeEnvironment(factor=0) as env:
            env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
            env.setup_ingress([redis_store.ingress(name, **options)])
            env.run(until=1)
            return env.registry.get(PATH).value, env.report().sources[0]

    client.set(f"{name}:text", "x")
    assert f"snapshot_hash: {name}:text holds a string" in run(snapshot_hash=f"{name}:text")[1].reason
    assert run(snapshot_hash=f"{name}:gone")[1].state != "failed"
    assert f"there is no hash {name}:gone" in caplog.text
    client.set(f"{name}:now:{PATH}", "4")
    client.hset(f"{name}:now:Line_A.variables.m", "a", "b")
    assert run(snapshot_prefix=f"{name}:now:")[0] == 4
    assert f"1 keys hold no text and are passed over, first {name}:now:Line_A.variables.m" in caplog.text


@pytest.mark.parametrize("options", [{}, {"group": "twins"}, {"start": "beginning"}])
def test_a_backlog_that_is_too_long_for_one_answer_comes_in_smaller_ones(redis_store, client, name, options):
    if "group" in options:
        client.xgroup_create(name, "twins", "0", mkstream=True)
    else:
        client.hset(f"{name}:positions", name, "0-0")
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(60):
            pipeline.xadd(name, {"data": "x" * 2_000_000})
        pipeline.execute()
    redis_store.change(name, [1])
    with DynamicRealtimeEnvironment(factor=1, name=name) as env:
        twin = Steered(env, last=1)
        env.setup_ingress([redis_store.ingress(name, timeout_s=0.1, **options)], snapshot_timeout=3)
        twin.start()
        assert twin.finish() == [1]
        assert env.report().sources[0].refused == 60


def test_a_change_of_fields_meets_the_bound_of_a_message_too(redis_store, client, name):
    with steered(redis_store.ingress(name), last=1) as twin:
        twin.wait_until_connected()
        client.xadd(name, {"path": "Line_A.variables.text", "value": "x" * 5_000_000})
        redis_store.change(name, [1])
        twin.finish()
        assert twin.env.report().sources[0].refused == 1
        assert twin.env.registry.get("Line_A.variables.text").value == ""


def test_a_time_out_of_the_client_bounds_how_long_a_question_waits(redis_store, client, name):
    asked = lambda: client.info("commandstats").get("cmdstat_xread", {"calls": 0})["calls"]  # noqa: E731
    with steered(redis_store.ingress(name, socket_timeout=0.2), last=1) as twin:
        twin.wait_until_connected()
        before = asked()
        assert wait_until(lambda: asked() > before + 5, 20)
        assert twin.env.report().sources[0].reopened == 0
        redis_store.change(name, [1])
        twin.finish()


def test_a_member_may_leave_alone_for_ever_what_others_hold(redis_store, client, name):
    client.xgroup_create(name, "twins", "$", mkstream=True)
    redis_store.change(name, [5])
    assert client.xreadgroup("twins", "dead", {name: ">"})
    with steered(redis_store.ingress(name, group="twins", claim_after_s=math.inf), last=1) as twin:
        twin.wait_until_connected()
        redis_store.change(name, [1])
        assert twin.finish() == [1]


@pytest.mark.parametrize(
    "wrong", [{"claim_after_s": "60"}, {"claim_after_s": math.nan}, {"channel": None}, {"channel": ""}]
)
def test_what_can_never_work_is_refused_at_once(redis_store, name, wrong):
    [(option, value)] = wrong.items()
    with pytest.raises(ConfigError, match=f"RedisIngress: {option} is {value!r}"):
        redis_store.ingress(**{"place": name, **wrong})


def test_an_address_may_be_a_secret(redis_store, name):
    with steered(redis_store.ingress_class(url=SecretStr(redis_store.url), channel=name), last=1) as twin:
        twin.wait_until_connected()
        redis_store.change(name, [1])
        assert twin.finish() == [1]
