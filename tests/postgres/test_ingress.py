"""What a twin of PostgreSQL begins with, and where it goes on."""

import asyncio
import json
from dataclasses import replace

import pytest
from tests.stores.runs import PATH, steered

from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress, PermanentError, SimParameter
from dynamic_des.testing import make_run
from dynamic_des.testing.waiting import wait_until
from dynamic_des_postgres.layout import changes_sql


def test_the_current_state_of_a_table_is_where_a_run_begins(postgres_store, name):
    postgres_store.sql(f"CREATE TABLE {name}_now (path text PRIMARY KEY, value numeric)")
    postgres_store.sql(f"INSERT INTO {name}_now VALUES ('{PATH}', 4), ('Line_A.variables.gone', 1)")
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        env.setup_ingress([postgres_store.ingress(name, parameter_table=f"{name}_now")])
        env.run(until=1)
        assert env.registry.get(PATH).value == 4


def test_a_row_may_say_when_it_applies_and_who_asks(postgres_store, name, caplog):
    kept = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        applied = []
        env.registry.get(PATH).subscribe(lambda n: applied.append((env.now, n)))
        env.setup_egress([kept])
        env.setup_ingress([postgres_store.ingress(name, start="beginning", poll_interval=0.05)])
        env.run(until=1)
        insert = f"INSERT INTO {name} (path, value, at, ref) VALUES ($1, $2, $3, $4)"
        for row in ((PATH, 4, 7.5, 'the "night" shift'), (PATH, 5, float("inf"), "never"), (PATH, 6, None, None)):
            postgres_store.sql(insert, *row)
        env.run(until=env.registry.get(PATH).wait_for_change())
        assert wait_until(lambda: env.report().sources[0].received == 3, 20)
        env.run(until=10)
    assert [one for one in applied if one[1] == 4] == [(7.5, 4)]
    assert 6 in [n for _, n in applied]
    outcomes = {change["id"]: change["status"] for change in kept.system_values("system.changes")}
    assert outcomes['the "night" shift'] == "applied"
    assert env.report().sources[0].refused == 1
    assert "is not a finite number of simulated seconds" in caplog.text


@pytest.mark.parametrize("create", [True, False])
def test_a_table_that_is_made_anew_while_the_twin_runs_steers_it_again_by_its_bell(postgres_store, name, create):
    def run(statement):
        postgres_store.sql.run(lambda client: client.execute(statement))

    postgres_store.sql.run(lambda client: client.execute(changes_sql(name)))
    with steered(postgres_store.ingress(name, create_table=create, start="end"), last=4) as twin:
        twin.wait_until_connected()
        source = lambda: twin.env.report().sources[0]  # noqa: E731
        postgres_store.change(name, [1])
        run(f"BEGIN; DROP TABLE {name}; {changes_sql(name)}; COMMIT")
        assert wait_until(lambda: source().reopened == 1 and source().state == "up", 20)
        postgres_store.change(name, [2])
        run(f"TRUNCATE {name} RESTART IDENTITY")
        postgres_store.change(name, [3])
        assert wait_until(lambda: 3 in twin.seen, 20)
        run(f"DROP TABLE {name}")
        assert wait_until(lambda: source().reopened > 1, 20)
        if not create:
            run(changes_sql(name))
        twin.wait_until_connected()
        postgres_store.change(name, [4])
        assert twin.finish()[-2:] == [3, 4]


def test_a_backlog_that_is_too_long_for_one_answer_comes_in_smaller_ones(postgres_store, name):
    with steered(postgres_store.ingress(name), last=1) as twin:
        twin.wait_until_connected()
        postgres_store.change(name, [1])
        twin.finish()
    long = f"INSERT INTO {name} (value) SELECT to_jsonb(repeat('x', 3000000)) FROM generate_series(1, 100)"
    postgres_store.sql(long)
    postgres_store.change(name, [2])
    with steered(postgres_store.ingress(name, timeout_s=0.3), last=2) as twin:
        assert twin.finish() == [2]
        assert twin.env.report().sources[0].refused == 100


def test_the_columns_may_have_other_types(postgres_store, name):
    postgres_store.sql.run(lambda client: client.execute(changes_sql(name)))
    kinds = {"path": "varchar", "value": "numeric USING value::numeric", "at": "numeric", "ref": "uuid USING ref::uuid"}
    for column, kind in kinds.items():
        postgres_store.sql(f"ALTER TABLE {name} ALTER COLUMN {column} TYPE {kind}")
    kept = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        applied = []
        env.registry.get(PATH).subscribe(lambda n: applied.append((env.now, n)))
        env.setup_egress([kept])
        env.setup_ingress([postgres_store.ingress(name, start="beginning")])
        postgres_store.sql(f"INSERT INTO {name} VALUES (DEFAULT, '{PATH}', 4, 7.5, '{'0' * 32}')")
        postgres_store.sql(f"INSERT INTO {name} VALUES (DEFAULT, '{PATH}', 5, 1e400)")
        env.run(until=10)
    assert applied == [(7.5, 4)]
    assert [change["id"] for change in kept.system_values("system.changes")][
        -1
    ] == "00000000-0000-0000-0000-000000000000"


def test_a_column_of_text_holds_json_or_text_and_injects_nothing(postgres_store, name):
    postgres_store.sql.run(lambda client: client.execute(changes_sql(name)))
    postgres_store.sql(f"ALTER TABLE {name} ALTER COLUMN value TYPE text")
    for path, value in (
        (PATH, "4"),
        ("Line_A.variables.text", "night"),
        (PATH, '5, "path": "Line_A.variables.m"'),
    ):
        postgres_store.sql(f"INSERT INTO {name} (path, value) VALUES ($1, $2)", path, value)
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0, "m": 0, "text": ""}))
        env.setup_ingress([postgres_store.ingress(name, start="beginning")])
        env.run(until=1)
        assert [env.registry.get(f"Line_A.variables.{one}").value for one in ("n", "m", "text")] == [4, 0, "night"]
    assert env.report().sources[0].refused == 1


def test_a_row_of_the_current_state_that_is_no_change_is_refused_alone(postgres_store, name):
    postgres_store.sql(f"CREATE TABLE {name}_now (path text, value numeric)")
    rows = (PATH, "4"), (None, "1"), ("Line_A.variables.m", "9" * 5000), ("Line_A.variables.k", "NaN")
    for path, value in rows:
        postgres_store.sql(f"INSERT INTO {name}_now VALUES ($1, $2::text::numeric)", path, value)
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0, "m": 0, "k": 0}))
        env.setup_ingress([postgres_store.ingress(name, parameter_table=f"{name}_now")])
        env.run(until=1)
        assert [env.registry.get(f"Line_A.variables.{one}").value for one in "nmk"] == [4, 0, 0]
    assert (env.report().sources[0].refused, env.report().sources[0].reopened) == (3, 0)


def test_a_trial_makes_nothing_and_finds_nothing_missing_that_a_run_would_make(postgres_store, name):
    async def work():
        ingress = postgres_store.ingress(name)
        await ingress.open(replace(make_run("twin"), trial=True))
        await ingress.close()

    asyncio.run(work())
    assert postgres_store.sql.value("SELECT to_regclass($1)", name) is None


def position_of_another_server(name):
    return {name: "999999999999:999999999999:"}


async def opened(ingress, positions=None):
    await ingress.open(make_run("twin", positions))
    return ingress


async def take(ingress, count):
    taken, messages = [], ingress.messages()
    async with asyncio.timeout(20):
        while len(taken) < count:
            taken.append(await anext(messages))
    await messages.aclose()
    return taken


def test_after_a_server_has_lost_transactions_what_the_table_of_positions_says_counts(postgres_store, name, caplog):
    async def work():
        ingress = await opened(postgres_store.ingress(name))
        postgres_store.change(name, [1, 2, 3])
        messages = await take(ingress, 3)
        await ingress.applied(messages[1].position)
        await ingress.close()
        ingress = await opened(postgres_store.ingress(name), position_of_another_server(name))
        messages = await take(ingress, 1)
        await ingress.close()
        return [json.loads(message.payload)["value"] for message in messages]

    assert asyncio.run(work()) == [3]
    assert "the server has lost transactions; changes since" in caplog.text


def test_a_position_of_another_server_is_refused_where_none_is_kept(postgres_store, name):
    async def work():
        ingress = postgres_store.ingress(name, start="end")
        try:
            await opened(ingress, position_of_another_server(name))
        finally:
            await ingress.close()

    with pytest.raises(PermanentError, match="is of another server, or of this one before it was restored"):
        asyncio.run(work())


def test_a_kept_position_of_another_server_is_refused_with_the_remedy(postgres_store, name):
    async def work():
        ingress = await opened(postgres_store.ingress(name))
        await ingress.applied(position_of_another_server(name))
        await ingress.close()
        ingress = postgres_store.ingress(name)
        try:
            await opened(ingress)
        finally:
            await ingress.close()

    with pytest.raises(PermanentError, match="is of another server, .* Run: DELETE FROM") as refused:
        asyncio.run(work())
    postgres_store.sql(str(refused.value).partition("Run: ")[2].partition(", to begin")[0])
    asyncio.run(opened_and_closed(postgres_store.ingress(name)))


async def opened_and_closed(ingress):
    await (await opened(ingress)).close()
