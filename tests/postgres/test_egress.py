"""Where records go in PostgreSQL: tables by a router, rows by a key."""

import pytest
from tests.stores.runs import publish

from dynamic_des import ConfigError, DynamicRealtimeEnvironment
from dynamic_des.testing.waiting import in_background, wait_until
from dynamic_des_postgres.layout import records_sql, written_sql


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


def test_what_a_router_sends_to_no_fitting_table_is_set_aside_and_the_rest_is_written(postgres_store, name):
    postgres_store.sql(records_sql(name))
    postgres_store.sql(records_sql(f"{name}_system"))
    postgres_store.sql(f"CREATE VIEW {name}_view AS SELECT 1 AS seq")
    places = [name, f"{name}_gone", f"{name}_view", name, f"{name}.gone", "\ud800", "x" * 64]
    with DynamicRealtimeEnvironment(factor=0) as env:
        router = lambda record: places[record["value"]["number"] % 7]  # noqa: E731
        env.setup_egress([postgres_store.egress(name, router=router, create_table=False)])
        publish(env, 700)
    assert [record["seq"] for record in postgres_store.records(name)] == [n for n in range(1, 701) if n % 7 in (0, 3)]
    assert (env.report().sinks[0].set_aside, env.report().sinks[0].retried) == (500, 0)


def test_a_row_that_a_trigger_refuses_is_set_aside_alone(postgres_store, name):
    postgres_store.note_order(name)
    refuse = "BEGIN IF NEW.seq = 7 THEN RAISE EXCEPTION 'not seven'; END IF; RETURN NEW; END"
    postgres_store.sql(f"CREATE FUNCTION {name}_no() RETURNS trigger LANGUAGE plpgsql AS $${refuse}$$")
    postgres_store.sql(f"CREATE TRIGGER no BEFORE INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION {name}_no()")
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([postgres_store.egress(name)])
        publish(env, 10)
    assert postgres_store.seqs(name) == [1, 2, 3, 4, 5, 6, 8, 9, 10]
    assert env.report().sinks[0].set_aside == 1


def count_calls(connector, method):
    calls, plain = [], getattr(connector, method)

    async def counted(*arguments):
        calls.append(arguments)
        return await plain(*arguments)

    setattr(connector, method, counted)
    return calls


def test_a_table_that_was_dropped_is_made_anew_on_request_and_else_waited_for(postgres_store, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([postgres_store.egress(name)])
        publish(env, 10)
        postgres_store.sql(f"DROP TABLE {name}")
        publish(env, 10)
    assert [record["seq"] for record in postgres_store.records(name)] == list(range(11, 21))
    patient = postgres_store.egress(name, create_table=False)
    opened = count_calls(patient, "open")
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([patient])
        publish(env, 10)
        postgres_store.sql(f"DROP TABLE {name}")
        run = in_background(lambda: publish(env, 10))
        assert wait_until(lambda: len(opened) > 3, 20)
        assert "there is no table" in env.report().sinks[0].reason
        postgres_store.sql(records_sql(name))
        run.result(30)
    assert [record["seq"] for record in postgres_store.records(name)] == list(range(11, 21))


def test_a_table_without_the_keys_of_an_upsert_is_final(postgres_store, name):
    postgres_store.sql(records_sql(name))
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([postgres_store.egress(name, mode="upsert")])
        publish(env, 10)
    assert "no unique or exclusion constraint" in env.report().sinks[0].reason
    assert env.report().sinks[0].state == "failed"


def test_a_table_that_takes_no_copy_is_final(postgres_store, name):
    def run(statements):
        postgres_store.sql.run(lambda client: client.execute(statements))

    tables = f"{name}, {name}_system, dynamic_des_written"
    run(f"{records_sql(name)}; {records_sql(f'{name}_system')}; {written_sql(name)}; CREATE ROLE {name} LOGIN")
    run(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; GRANT ALL ON {tables} TO {name}")
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([postgres_store.egress(name, server_settings={"role": name})])
        publish(env, 10)
    run(f"DROP OWNED BY {name}; DROP ROLE {name}")
    assert env.report().sinks[0].state == "failed"
    assert "COPY FROM not supported with row-level security" in env.report().sinks[0].reason


def test_a_name_that_leaves_no_room_for_the_system_table_is_refused_at_once(postgres_store):
    with pytest.raises(ConfigError, match=r"system_table: 'x{57}_system' cannot be the name of a table"):
        postgres_store.egress("x" * 57)
    postgres_store.egress("x" * 63, system_table="")
