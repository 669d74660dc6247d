"""Where records go in Redis, and under which ids."""

from tests.services.redis import Redis
from tests.stores.redis_store import RedisStore
from tests.stores.runs import publish

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des_redis import RedisEgress


def test_ids_are_the_start_of_the_run_and_the_number(redis_store, client, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([redis_store.egress(name)])
        publish(env, 3)
    start = int(env.start_datetime.timestamp() * 1000)
    assert [entry.decode() for entry, _ in client.xrange(name)] == [f"{start}-1", f"{start}-2", f"{start}-3"]


def test_two_twins_on_one_stream_hide_nothing_from_each_other(redis_store, client, name):
    client.xadd(name, {"data": '{"seq": 0}'}, id="99999999999999-7")  # ids of somebody whose clock is ahead
    for twin in ("one", "two"):
        with DynamicRealtimeEnvironment(factor=0, name=twin) as env:
            env.setup_egress([redis_store.egress(name)])
            publish(env, 600)
    assert redis_store.seqs(name)[1:] == [*range(1, 601), *range(1, 601)]


def test_a_router_fills_several_streams_and_what_it_cannot_place_is_set_aside(redis_store, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        router = {"a": f"{name}-a", "b": name}
        env.setup_egress([redis_store.egress(name, router=lambda record: router[record["key"]])])
        for key in "abcab":
            env.publish_event(key, {})
    assert redis_store.seqs(name) == [2, 5]
    assert redis_store.seqs(f"{name}-a") == [1, 4]
    assert env.report().sinks[0].set_aside == 1


def test_what_a_router_sends_to_no_stream_is_set_aside_and_the_rest_is_written(redis_store, client, name):
    client.set(f"{name}-text", "text")
    client.xadd(f"{name}-full", {"a": 1}, id="18446744073709551615-18446744073709551615")
    places = [name, f"{name}-text", "\ud800", name, f"{name}-full", "", name]
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([redis_store.egress(name, router=lambda record: places[record["value"]["number"] % 7])])
        publish(env, 700)
    assert redis_store.seqs(name) == [seq for seq in range(1, 701) if seq % 7 in (0, 3, 6)]
    assert (env.report().sinks[0].set_aside, env.report().sinks[0].retried) == (400, 0)


def test_system_records_that_have_no_stream_take_nothing_else_along(redis_store, client, name):
    client.set(f"{name}:system", "text")
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([redis_store.egress(name)])
        publish(env, 3)
        env.post("Line_A.gone", 1)
        env.run(until=env.now + 1)
        publish(env, 3)
    assert redis_store.seqs(name) == [1, 2, 3, 4, 5, 6]


def test_a_user_who_may_not_keep_the_mark_writes_nothing(redis_store, client, name):
    client.acl_setuser(name, enabled=True, nopass=True, keys=["*"], commands=["+@all", "-hset"])
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([redis_store.egress(name, username=name)])
        publish(env, 3)
    client.acl_deluser(name)
    assert "Redis refuses" in env.report().sinks[0].reason
    assert not client.exists(name)


def test_a_key_that_is_no_stream_is_final_and_a_password_is_in_no_text(tmp_path, redis_store, client, name, caplog):
    client.set(name, "text")
    guarded = Redis(tmp_path / "guarded", "--requirepass", "rightpass").start()
    try:
        for store, options, said in (
            (redis_store, {}, "WRONGTYPE"),
            (RedisStore.of(guarded), {"password": "wrongpass"}, "Redis refuses"),
        ):
            with DynamicRealtimeEnvironment(factor=0) as env:
                env.setup_egress([store.egress(name, **options)])
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
