"""A server that is a replica for a while, as in a failover: it refuses to write, and later does not."""

from tests.stores.redis_store import RedisStore
from tests.stores.runs import assert_exactly_once, publish, steered

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des.testing.waiting import in_background, wait_until


def become_replica(client):
    client.execute_command("REPLICAOF", "127.0.0.1", "1")  # of a master that is not to be reached


def become_master(client):
    client.execute_command("REPLICAOF", "NO", "ONE")


def test_every_record_is_there_once(own_redis, name):
    store = RedisStore.of(own_redis)
    with store.client() as client, DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([store.egress(name)])
        publish(env, 500)
        become_replica(client)
        run = in_background(lambda: publish(env, 500))
        assert wait_until(lambda: env.report().sinks[0].retried, 20)
        assert "read only replica" in env.report().sinks[0].reason
        become_master(client)
        run.result(60)
    assert_exactly_once(store, name, 1000)


def test_every_change_is_applied_once_and_where_the_twin_is_gets_remembered(own_redis, name):
    store = RedisStore.of(own_redis)
    with store.client() as client:
        with steered(store.ingress(name), last=20) as twin:
            twin.wait_until_connected()
            store.change(name, range(1, 11))
            become_replica(client)
            assert wait_until(lambda: twin.seen == list(range(1, 11)), 20)
            become_master(client)
            store.change(name, range(11, 21))
            assert twin.finish() == list(range(1, 21))
        store.change(name, [21])
        with steered(store.ingress(name), last=21) as twin:
            assert twin.finish() == [21]
