"""Where records go in PostgreSQL: tables by a router, rows by a key."""

from tests.stores.runs import publish

from dynamic_des import DynamicRealtimeEnvironment


def test_an_upsert_keeps_the_last_record_of_each_key(postgres_store, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([postgres_store.egress(name, mode="upsert")], batch_size=7)
        for number in range(100):
            env.publish_telemetry(f"Line_A.load-{number % 3}", number)
            env.publish_telemetry("odd\t\\name", "a\\b\tc\n\\N")
    rows = postgres_store.sql(f'SELECT name, value FROM {name} ORDER BY name COLLATE "C"')
    assert rows == [
        ("Line_A.load-0", 99),
        ("Line_A.load-1", 97),
        ("Line_A.load-2", 98),
        ("odd\t\\name", "a\\b\tc\n\\N"),
    ]


def test_a_router_fills_several_tables_and_a_name_injects_nothing(postgres_store, name):
    evil = f'{name}"; DROP TABLE {name}; --'
    with DynamicRealtimeEnvironment(factor=0) as env:
        router = {"evil": evil, "no": None}
        env.setup_egress([postgres_store.egress(name, router=lambda record: router.get(record["key"], name))])
        for key in ("good", "evil", "no", "'; DROP TABLE x; --"):
            env.publish_event(key, {})
    assert [record["name"] for record in postgres_store.records(name)] == ["good", "'; DROP TABLE x; --"]
    assert postgres_store.sql('SELECT name FROM "' + evil.replace('"', '""') + '"') == [("evil",)]
    assert env.report().sinks[0].set_aside == 1


def test_rows_that_the_table_refuses_are_set_aside_alone_in_every_batch(postgres_store, name):
    postgres_store.note_order(name)
    postgres_store.sql(f"ALTER TABLE {name} ADD CHECK (seq % 10 <> 3)")
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([postgres_store.egress(name)], batch_size=100)
        for number in range(1, 501):
            env.publish_event("NUL\0" if number % 10 == 7 else "part", {"number": number})
    assert postgres_store.seqs(name) == [seq for seq in range(1, 501) if seq % 10 not in (3, 7)]
    assert (env.report().sinks[0].set_aside, env.report().sinks[0].retried) == (100, 0)


def test_nested_nan_is_counted_and_one_in_the_column_of_numbers_is_not(postgres_store, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([postgres_store.egress(name)])
        env.publish_telemetry("Line_A.load", float("nan"))
        env.publish_event("part", {"took_s": [float("nan"), float("inf")]})
    assert env.report().sinks[0].nulled == 2


def test_what_somebody_else_notes_as_written_is_not_written_again(postgres_store, name):
    postgres_store.note_order(name)
    with DynamicRealtimeEnvironment(factor=0, name=name) as env:
        env.setup_egress([postgres_store.egress(name)], batch_size=10)
        publish(env, 100)
        postgres_store.sql("UPDATE dynamic_des_written SET seq = 150 WHERE twin = $1 AND sink = $2", name, name)
        publish(env, 100)
    assert postgres_store.seqs(name) == [*range(1, 101), *range(151, 201)]
