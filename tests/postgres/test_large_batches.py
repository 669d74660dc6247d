"""Batches that take a while to copy: a server that is slow, dies or is cut off meanwhile loses and doubles nothing."""

import pytest
from tests.services.sql import Sql
from tests.stores.postgres_store import PostgresStore
from tests.stores.runs import assert_exactly_once

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des.testing.waiting import in_background, wait_until

COPYING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active' AND wait_event = $1"


@pytest.fixture
def store(own_postgres):
    one = PostgresStore.of(own_postgres)
    yield one
    one.close()


def publish_large(env, count, megabytes):
    for number in range(1, count + 1):
        env.publish_event(f"part-{number}", {"scan": "x" * megabytes * 1_000_000})
    env.run(until=env.now + 1)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_batch_may_take_longer_than_one_answer(store, name, mode):
    store.note_order(name)
    store.sql(f"ALTER TABLE {name} ADD UNIQUE (twin, name)")
    store.sql.run(
        lambda client: client.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END';"
            f"CREATE TRIGGER slow BEFORE INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION slow()"
        )
    )
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([store.egress(name, timeout_s=1, mode=mode)])
        publish_large(env, 12, 4)
    assert_exactly_once(store, name, 12)


@pytest.mark.parametrize("fault", ["killed", "cut off"])
def test_a_server_that_is_lost_in_the_middle_of_a_copy_gets_it_again(store, name, fault):
    """The client waits for room to write, and no error wakes it; the server waits for the rest, and holds its locks."""
    store.note_order(name)
    with (
        DynamicRealtimeEnvironment(factor=0) as env,
        Sql(store.url) as other,
    ):
        env.setup_egress([store.egress(name, proxied=True, timeout_s=1)])
        publish_large(env, 1, 1)
        other.run(lambda client: client.execute(f"BEGIN; LOCK TABLE {name}"))
        run = in_background(lambda: publish_large(env, 5, 4))
        assert wait_until(lambda: store.sql.value(COPYING, "relation"), 20)
        if fault == "killed":
            store.server.restart()
        else:
            store.proxy.abandon()
            other.run(lambda client: client.execute("COMMIT"))
            assert wait_until(lambda: store.sql.value(COPYING, "ClientRead"), 20)
        run.result(60)
    assert_exactly_once(store, name, 6)
