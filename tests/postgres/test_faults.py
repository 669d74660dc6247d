"""A server that dies, freezes, or is not there yet: nothing is lost, nothing comes twice, and the end is said."""

import json
import math

import pytest

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des.testing.waiting import in_background, wait_until
from dynamic_des_postgres import PostgresEgress, PostgresIngress


def publish(env, count):
    def model():
        for number in range(1, count + 1):
            env.publish_event(f"part-{number}", {"number": number})
            if number % 500 == 0:
                yield env.timeout(1)

    env.process(model())
    env.run()


def assert_exactly_once(server, table, count):
    found = server.psql(f"SELECT count(*), count(DISTINCT seq), min(seq), max(seq) FROM {table}")
    assert found == f"{count}|{count}|1|{count}"


def killed_in_the_middle(server, table, count):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([PostgresEgress(server.dsn(), table, create_table=True, timeout_s=5)], outbox_size=2000)
        run = in_background(lambda: publish(env, count))
        assert wait_until(lambda: env.report().sinks[0].written > count / 10, 60)
        server.restart()
        run.result(120)
    assert_exactly_once(server, table, count)


def test_records_are_there_once_when_the_server_was_killed(own_postgres, name):
    killed_in_the_middle(own_postgres, name, 20_000)


@pytest.mark.full
def test_a_hundred_thousand_records_are_there_once_when_the_server_was_killed(own_postgres, name):
    killed_in_the_middle(own_postgres, name, 100_000)


def test_a_lost_answer_to_a_commit_does_not_write_twice(postgres, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        egress = PostgresEgress(postgres.dsn(postgres.proxy.port), name, create_table=True, timeout_s=0.5)
        env.setup_egress([egress])
        publish(env, 500)
        postgres.proxy.swallow()
        run = in_background(lambda: publish(env, 500))
        assert wait_until(lambda: env.report().sinks[0].retried, 20)
        postgres.proxy.restore()
        run.result(60)
    assert_exactly_once(postgres, name, 1000)


def test_a_server_that_is_absent_at_the_start_loses_nothing(own_postgres, name):
    own_postgres.kill()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([PostgresEgress(own_postgres.dsn(), name, create_table=True)])
        run = in_background(lambda: publish(env, 1000))
        assert wait_until(lambda: env.report().sinks[0].reason, 20)
        own_postgres.start()
        run.result(60)
    assert_exactly_once(own_postgres, name, 1000)


def test_a_server_that_is_frozen_at_the_end_is_said_with_the_number_of_records(own_postgres, name, caplog):
    with DynamicRealtimeEnvironment(factor=0) as env:
        egress = PostgresEgress(own_postgres.dsn(), name, create_table=True, timeout_s=0.5)
        env.setup_egress([egress], drain_timeout=1)
        publish(env, 500)
        own_postgres.pause()
        publish(env, 700)
    assert env.report().sinks[0].lost == 700
    assert "700 records are not written" in caplog.text
    own_postgres.resume()


def test_a_killed_server_misses_no_change(own_postgres, name):
    with DynamicRealtimeEnvironment(factor=1) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        seen = []
        env.registry.get("Line_A.variables.n").subscribe(seen.append)
        env.setup_ingress([PostgresIngress(own_postgres.dsn(), name, create_table=True, timeout_s=2)])
        done = env.event()
        env.registry.get("Line_A.variables.n").subscribe(lambda n: n == 2000 and done.succeed())
        run = in_background(lambda: env.run(until=done))
        assert wait_until(lambda: env.report().sources[0].state == "up", 20)
        for first in (1, 1001):
            own_postgres.psql(
                f"INSERT INTO {name} (path, value) "
                f"SELECT 'Line_A.variables.n', to_jsonb(n) FROM generate_series({first}, {first + 999}) n"
            )
            if first == 1:
                own_postgres.restart()
        run.result(60)
    assert seen == list(range(1, 2001))


def test_a_refused_row_does_not_hide_the_last_good_value_from_a_restart(postgres, name):
    def run():
        with DynamicRealtimeEnvironment(factor=0) as env:
            env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
            env.setup_ingress([PostgresIngress(postgres.dsn(), name, create_table=True, start="beginning")])
            env.run(until=1)
            return env.registry.get("Line_A.variables.n").value

    assert run() == 0
    postgres.psql(
        f"INSERT INTO {name} (path, value) VALUES ('Line_A.variables.n', '7'), ('Line_A.variables.n', '\"x\"')"
    )
    assert run() == 7


def test_the_current_state_of_a_table_is_where_a_run_begins(postgres, name):
    postgres.psql(f"CREATE TABLE {name}_now (path text PRIMARY KEY, value numeric)")
    postgres.psql(f"INSERT INTO {name}_now VALUES ('Line_A.variables.n', 4), ('Line_A.variables.gone', 1)")
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        env.setup_ingress([PostgresIngress(postgres.dsn(), name, create_table=True, parameter_table=f"{name}_now")])
        env.run(until=1)
        assert env.registry.get("Line_A.variables.n").value == 4


ODD = [
    1,
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    {"deep": [{"er": [[]]}]},
    "ü 漢 \U0001f600 \\ \t \n \r \\N",
    "a\0b",
    "x" * 5_000_000,
    "\ud800",
    2,
]


def test_each_odd_value_has_its_outcome_and_its_neighbours_are_written(postgres, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([PostgresEgress(postgres.dsn(), name, create_table=True, timeout_s=20)])
        for value in ODD:
            env.publish_telemetry("Line_A.odd", value)
    rows = postgres.psql(f"SELECT json_build_array(seq, value, number::text) FROM {name}").splitlines()
    held = {seq: (value, number) for seq, value, number in map(json.loads, rows)}
    assert sorted(set(range(1, 12)) - set(held)) == [8, 10]  # NUL and half a surrogate pair: no jsonb, no UTF-8
    assert (env.report().sinks[0].set_aside, env.report().sinks[0].written) == (2, 9)
    assert [held[seq] for seq in (1, 2, 3, 4)] == [(1, "1"), (None, "NaN"), (None, "Infinity"), (None, "-Infinity")]
    assert held[5] == (10**400, None)
    assert [held[seq][0] for seq in (6, 7, 9, 11)] == [ODD[5], ODD[6], ODD[8], 2]


def test_an_upsert_keeps_the_last_record_of_each_key(postgres, name):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([PostgresEgress(postgres.dsn(), name, mode="upsert", create_table=True)], batch_size=7)
        for number in range(100):
            env.publish_telemetry(f"Line_A.load-{number % 3}", number)
            env.publish_telemetry("odd\t\\name", "a\\b\tc\n\\N")
    rows = postgres.psql(f"SELECT name, value FROM {name} WHERE name LIKE 'Line%' ORDER BY name").splitlines()
    assert rows == ["Line_A.load-0|99", "Line_A.load-1|97", "Line_A.load-2|98"]
    found = json.loads(postgres.psql(f"SELECT json_build_array(name, value) FROM {name} WHERE name LIKE 'odd%'"))
    assert found == ["odd\t\\name", "a\\b\tc\n\\N"]


def test_a_router_fills_several_tables_and_a_name_injects_nothing(postgres, name):
    evil = f'{name}"; DROP TABLE {name}; --'
    with DynamicRealtimeEnvironment(factor=0) as env:
        egress = PostgresEgress(
            postgres.dsn(),
            name,
            create_table=True,
            router=lambda record: evil if record["key"] == "evil" else None if record["key"] == "no" else name,
        )
        env.setup_egress([egress])
        for key in ("good", "evil", "no", "'; DROP TABLE x; --"):
            env.publish_event(key, {})
    assert postgres.psql(f"SELECT string_agg(name, ',' ORDER BY seq) FROM {name}") == "good,'; DROP TABLE x; --"
    assert postgres.psql('SELECT name FROM "' + evil.replace('"', '""') + '"') == "evil"
    assert env.report().sinks[0].set_aside == 1


def test_two_egresses_of_one_run_to_one_table_are_told_apart_or_refused(postgres, name):
    def written(*sinks):
        with DynamicRealtimeEnvironment(factor=0) as env:
            env.setup_egress([PostgresEgress(postgres.dsn(), name, create_table=True, sink=sink) for sink in sinks])
            publish(env, 1000)
        return [sink.state for sink in env.report().sinks]

    assert written("a", "b") == ["closed", "closed"]
    assert postgres.psql(f"SELECT count(*) FROM {name}") == "2000"
    assert "failed" in written("c", "c")
