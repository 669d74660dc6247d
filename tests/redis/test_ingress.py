"""What steers a twin from Redis: a channel, a group, a state to begin with."""

from tests.stores.redis_store import RedisStore
from tests.stores.runs import PATH, steered

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
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
