"""Where records go in PostgreSQL: tables by a router, rows by a key."""

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
