"""The tables that this plugin reads and writes, as SQL: made on request, shown otherwise, never altered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.errors import PermanentError
from dynamic_des_postgres.identifiers import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_des_postgres.server import Connection

__all__ = ["COLUMNS", "changes_sql", "positions_sql", "provide", "records_sql", "ring_sql", "sibling", "written_sql"]

COLUMNS = ("twin", "run", "seq", "stream_type", "sim_ts", "timestamp", "name", "value", "number")


def sibling(table: str, name: str) -> str:
    """Return the quoted name of a table in the schema of another."""
    schema, dot, _ = table.rpartition(".")
    return quoted(f"{schema}{dot}{name}")


def records_sql(table: str, keys: Sequence[str] = ()) -> str:
    """Return what makes a table of records."""
    key = f",\n    PRIMARY KEY ({', '.join(keys)})" if keys else ""
    return f"""CREATE TABLE IF NOT EXISTS {quoted(table)} (
    twin text NOT NULL,
    run text NOT NULL,
    seq bigint NOT NULL,
    stream_type text NOT NULL,
    sim_ts double precision NOT NULL,
    timestamp timestamptz NOT NULL,
    name text NOT NULL,
    value jsonb,
    number double precision{key}
)"""


def written_sql(table: str) -> str:
    """Return what makes the table that says how far each run is written."""
    return f"""CREATE TABLE IF NOT EXISTS {sibling(table, "dynamic_des_written")} (
    twin text NOT NULL,
    started timestamptz NOT NULL,
    sink text NOT NULL,
    run text NOT NULL,
    owner text NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (twin, started, sink)
)"""


def changes_sql(table: str) -> str:
    """Return what makes a table of changes, and the trigger that rings when rows have come."""
    name = quoted(table)
    return f"""CREATE TABLE IF NOT EXISTS {name} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path text,
    value jsonb,
    at double precision,
    ref text,
    txid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX ON {name} (txid);
{ring_sql(table)}"""


def ring_sql(table: str) -> str:
    """Return what makes the trigger of a table of changes."""
    name, function = quoted(table), sibling(table, "dynamic_des_ring")
    return f"""CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN PERFORM pg_notify('dynamic_des_' || TG_RELID, ''); RETURN NULL; END$$;
DROP TRIGGER IF EXISTS dynamic_des_ring ON {name};
CREATE TRIGGER dynamic_des_ring AFTER INSERT ON {name}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}()"""


def positions_sql(table: str) -> str:
    """Return what makes the table that says how far each twin has come."""
    return f"""CREATE TABLE IF NOT EXISTS {sibling(table, "dynamic_des_positions")} (
    twin text NOT NULL,
    source text NOT NULL,
    position text NOT NULL,
    PRIMARY KEY (twin, source)
)"""


async def provide(
    where: str, connection: Connection, table: str, sql: str, *, create: bool, again: bool = False
) -> None:
    """Make a table that is missing, where that was asked for; else say how to make it.

    Args:
        where: Who asks, for error texts.
        connection: The connection.
        table: The quoted name.
        sql: What makes it.
        create: Whether it is asked for.
        again: Whether it was there before: then it is being made anew, perhaps.

    Raises:
        PermanentError: With the SQL, if it is missing; a ConnectionError if it was there before.
    """
    if await connection.fetchval("SELECT to_regclass($1)", table) is not None:
        return
    if not create:
        text = f"{where}: there is no table {table}. Set create_table = true, or run:\n{sql};"
        raise ConnectionError(text) if again else PermanentError(text)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(7305819)")  # of two that make it, one after the other
        if await connection.fetchval("SELECT to_regclass($1)", table) is None:
            await connection.execute(sql)
