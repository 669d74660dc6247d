"""Rows become visible in the order of their commits, not of their ids: none is missed, none comes twice."""

import asyncio
import json
import re
from contextlib import asynccontextmanager

import asyncpg
import pytest

from dynamic_des import PermanentError
from dynamic_des.testing import make_run
from dynamic_des_postgres.change_table import ChangeTable, Position


@asynccontextmanager
async def opened(postgres, table, twin, **options):
    """An ingress as core opens it."""
    ingress = postgres.ingress(table, timeout_s=5, **options)
    try:
        await ingress.open(make_run(twin))
        yield ingress
    finally:
        await ingress.close()


async def take(ingress, count, patience_s=10):
    taken, messages = [], ingress.messages()
    async with asyncio.timeout(patience_s):
        while len(taken) < count:
            taken.append(await anext(messages))
    await messages.aclose()
    return taken


def values(messages):
    return [json.loads(message.payload)["value"] for message in messages]


async def nothing_comes(ingress):
    with pytest.raises(TimeoutError):
        await take(ingress, 1, 0.3)


async def insert(connection, table, *numbers):
    for number in numbers:
        await connection.execute(f"INSERT INTO {table} (path, value) VALUES ('a.b', $1)", str(number))


@pytest.fixture
def postgres(postgres_store):
    return postgres_store


@pytest.fixture
def connect(postgres):
    return lambda: asyncpg.connect(postgres.url)


def test_a_lower_id_that_commits_after_a_restart_is_applied_exactly_once(postgres, connect, name):
    async def work():
        async with opened(postgres, name, "twin"):
            pass
        first, second = await connect(), await connect()
        slow = first.transaction()
        await slow.start()
        await insert(first, name, 1)
        await insert(second, name, 2)
        async with opened(postgres, name, "twin") as ingress:
            [two] = await take(ingress, 1)
            await ingress.applied(two.position)
        async with opened(postgres, name, "twin") as ingress:
            await slow.commit()
            [one] = await take(ingress, 1)
            await ingress.applied(one.position)
        async with opened(postgres, name, "twin") as ingress:
            await nothing_comes(ingress)
        await first.close()
        await second.close()
        return values([two, one])

    assert asyncio.run(work()) == [2, 1]


def test_a_transaction_that_stays_open_holds_up_nobody(postgres, connect, name):
    async def work():
        async with opened(postgres, name, "twin") as ingress:
            first, second = await connect(), await connect()
            await first.execute("BEGIN")
            await insert(first, name, 1)
            await insert(second, name, 2, 3)
            seen = values(await take(ingress, 2))
            await first.execute("COMMIT")
            seen += values(await take(ingress, 1))
            await first.close()
            await second.close()
        return seen

    assert asyncio.run(work()) == [2, 3, 1]


def test_a_position_in_the_middle_of_a_page_goes_on_with_the_rest_of_it_and_then_what_committed_late(
    postgres, connect, name
):
    async def work():
        async with opened(postgres, name, "twin"):
            pass
        first, second = await connect(), await connect()
        await first.execute("BEGIN")
        await insert(first, name, 1)
        await second.execute(f"INSERT INTO {name} (path, value) SELECT 'a.b', to_jsonb(n) FROM generate_series(2, 4) n")
        async with opened(postgres, name, "twin") as ingress:
            seen = await take(ingress, 2)
            await ingress.applied(seen[1].position)
        await first.execute("COMMIT")
        await insert(second, name, 5)
        async with opened(postgres, name, "twin") as ingress:
            seen += await take(ingress, 3)
            await nothing_comes(ingress)
        await first.close()
        await second.close()
        return values(seen)

    assert asyncio.run(work()) == [2, 3, 4, 1, 5]


def test_a_row_that_was_rolled_back_never_comes(postgres, connect, name):
    async def work():
        async with opened(postgres, name, "twin") as ingress:
            connection = await connect()
            await connection.execute("BEGIN")
            await insert(connection, name, 1)
            await connection.execute("ROLLBACK")
            await insert(connection, name, 2)
            await connection.close()
            return values(await take(ingress, 1))

    assert asyncio.run(work()) == [2]


def test_two_twins_on_one_table_both_get_everything(postgres, connect, name):
    async def work():
        async with opened(postgres, name, "one") as one, opened(postgres, name, "two") as two:
            connection = await connect()
            await insert(connection, name, 1, 2, 3)
            await connection.close()
            return values(await take(one, 3)), values(await take(two, 3))

    assert asyncio.run(work()) == ([1, 2, 3], [1, 2, 3])


def test_what_came_while_a_twin_was_down_is_for_its_next_run(postgres, connect, name):
    async def work():
        async with opened(postgres, name, "twin"):
            pass
        connection = await connect()
        await insert(connection, name, 7)
        await connection.close()
        async with opened(postgres, name, "twin") as ingress:
            return values(await take(ingress, 1))

    assert asyncio.run(work()) == [7]


def test_a_table_of_more_than_a_page_comes_whole_from_its_beginning(postgres, connect, name):
    async def work():
        async with opened(postgres, name, "twin", start="beginning") as ingress:
            connection = await connect()
            await connection.execute(
                f"INSERT INTO {name} (path, value) SELECT 'a.b', to_jsonb(n) FROM generate_series(1, 3500) n"
            )
            history = values(await ingress.snapshot())
            await insert(connection, name, 3501)
            await connection.close()
            return history + values(await take(ingress, 1))

    assert asyncio.run(work()) == list(range(1, 3502))


def test_rows_of_another_server_are_named_with_the_remedy(postgres, connect, name):
    async def work():
        async with opened(postgres, name, "twin"):
            pass
        connection = await connect()
        await connection.execute(f"INSERT INTO {name} (path, value, txid) VALUES ('a.b', '1', '99999999999')")
        await connection.close()
        async with opened(postgres, name, "twin"):
            pass

    with pytest.raises(PermanentError, match=rf'row 1 of "{name}" is from .* restored from a dump. Run: UPDATE'):
        asyncio.run(work())


def test_without_its_trigger_the_table_is_looked_at_and_that_is_said_with_the_remedy(postgres, connect, name, caplog):
    async def work():
        async with opened(postgres, name, "twin", poll_interval=0.05) as ingress:
            connection = await connect()
            await connection.execute(f"DROP TRIGGER dynamic_des_ring ON {name}")
            await insert(connection, name, 1)
            taken = values(await take(ingress, 1))
        async with opened(postgres, name, "twin"):
            await connection.execute(caplog.text.partition("Run:\n")[2])
        caplog.clear()
        async with opened(postgres, name, "twin"):
            await connection.close()
        return taken

    assert asyncio.run(work()) == [1]
    assert "does not ring" not in caplog.text


def test_a_table_that_is_missing_is_shown_as_sql(postgres, name):
    async def work():
        ingress = postgres.ingress(name, create_table=False)
        try:
            await ingress.open(make_run(name))
        finally:
            await ingress.close()

    with pytest.raises(PermanentError, match="there is no table") as refused:
        asyncio.run(work())
    sql = str(refused.value).partition("run:\n")[2]
    postgres.sql.run(lambda client: client.execute(sql))
    assert postgres.sql(f"SELECT count(*) FROM {name}") == [(0,)]


class Explained:
    """A connection that gives how the server found the rows, in the place of them."""

    def __init__(self, connection):
        self._connection = connection

    async def fetch(self, question, *values):
        return await self._connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {question}", *values)


def test_rows_that_were_taken_are_not_looked_at_again_however_long_a_transaction_stays_open(postgres, connect, name):
    async def work():
        async with opened(postgres, name, "twin"):
            pass
        first, second = await connect(), await connect()
        await first.execute("BEGIN")
        await insert(first, name, 1)
        await second.execute(f"INSERT INTO {name} (path) SELECT 'a.b' FROM generate_series(1, 5000)")
        table = ChangeTable("a test", second, name, "twin")
        await table.prepare(create=False, again=False, positions=False)
        taken = Position(await table.now())
        await insert(second, name, 2)
        await first.execute("COMMIT")
        values = [row["value"] for row in await table.page(taken, await table.now(), 1000)]
        plan = await ChangeTable("a test", Explained(second), name, "twin").page(taken, await table.now(), 1000)
        await first.close()
        await second.close()
        return values, plan

    values, plan = asyncio.run(work())
    assert values == ["1", "2"]
    assert "Seq Scan" not in plan
    assert [int(number) for number in re.findall(r'"Rows Removed by [^"]*": (\d+)', plan) if int(number) > 10] == []
