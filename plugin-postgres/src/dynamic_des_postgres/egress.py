"""Records into tables of PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

import asyncpg

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import ConfigError, PermanentError, show, told
from dynamic_des_postgres.former_backend import FormerBackend
from dynamic_des_postgres.identifiers import quoted
from dynamic_des_postgres.layout import COLUMNS, provide, records_sql, sibling, written_sql
from dynamic_des_postgres.record_table import REFUSED, RecordTable
from dynamic_des_postgres.rows import Encoded, Row, Rows
from dynamic_des_postgres.server import Connection, Server, transaction
from dynamic_des_postgres.written import Written

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from dynamic_des.messages import RunInfo

    Places = dict[str, Sequence[dict[str, Any]]]  # table → records

__all__ = ["PostgresEgress"]

_UNFIT = (asyncpg.SyntaxOrAccessError, asyncpg.FeatureNotSupportedError)  # it is no such table


class PostgresEgress(BaseEgress):
    """Writes every record to a table, with ``COPY``, a batch in a transaction.

    **Promised**: every record once and in order, through retries, restarts of the server and a run that goes on from
    another: the last ``seq`` is kept in the same transaction, in the table ``dynamic_des_written``. A record that the
    table does not take (NUL in JSON, say) is set aside alone. No table is ever altered. **Not promised**: that a server
    with ``synchronous_commit = off`` has after a crash what it acknowledged before.

    Columns: ``twin``, ``run``, ``seq``, ``stream_type``, ``sim_ts``, ``timestamp``, ``name`` (the key of an event, the
    path of telemetry), ``value`` (``jsonb``) and ``number`` (the value as a double where it is a number: NaN and
    infinities too, which are ``null`` in JSON).

    Args:
        connection_dsn: ``postgresql://user:password@host:port/database``.
        table_name: The table, ``table`` or ``schema.table``.
        mode: ``"append"`` keeps all records; ``"upsert"`` keeps the last one of each of the ``keys``.
        keys: For ``"upsert"``: columns, of which the table needs a unique index.
        router: Chooses the table of each of the model's records: record → name.
        system_table: Where the framework's own ``system.*`` records go; the table's name and ``_system`` when None,
            nowhere when empty.
        create_table: Make the tables where they are missing. The error says the SQL otherwise.
        sink: Tells two egresses apart that write from one twin to one table.
        timeout_s: How long one answer may take, in wall seconds.
        **kwargs: Further arguments of `asyncpg.connect`, such as ``ssl``.
    """

    client = ("asyncpg:create_pool", "asyncpg:connect")

    def __init__(
        self,
        connection_dsn: str,
        table_name: str = "simulation_data",
        *,
        mode: Literal["append", "upsert"] = "append",
        keys: Sequence[str] = ("twin", "name"),
        router: Callable[[dict[str, Any]], str] | None = None,
        system_table: str | None = None,
        create_table: bool = False,
        sink: str = "",
        timeout_s: float = 5.0,
        **kwargs: Any,
    ) -> None:
        if mode not in ("append", "upsert"):
            raise ConfigError(f"PostgresEgress: mode is {show(mode)}. Give 'append' or 'upsert'.")
        if not keys or not set(keys) <= set(COLUMNS):
            raise ConfigError(f"PostgresEgress: keys are {show(keys)}. Give some of {', '.join(COLUMNS)}.")
        quoted(table_name)
        self.table_name = table_name
        self._system_table = f"{table_name}_system" if system_table is None else system_table
        try:
            quoted(self._system_table or table_name)
        except ConfigError as error:
            raise ConfigError(f"PostgresEgress: system_table: {error}") from None
        self._keys = tuple(keys) if mode == "upsert" else ()
        self._router = router
        self._create = create_table
        self._server = Server("PostgresEgress", connection_dsn, timeout_s, kwargs)
        self._connection: Connection = None
        self._ahead: Encoded | None = None
        self._sent = asyncio.Event()
        self._opened = ""
        self._tables: dict[str, RecordTable] = {}
        self._written = sibling(table_name, "dynamic_des_written")
        self._former = FormerBackend(self._written)
        self._model = Written("PostgresEgress", table_name, f"{table_name}{sink and f'/{sink}'}")
        self._system = Written("PostgresEgress", table_name, f"{table_name}{sink and f'/{sink}'}/system")

    async def open(self, run: RunInfo) -> None:
        """Connect, and see that the tables are there.

        Raises:
            PermanentError: If the server refuses, or a table is missing.
        """
        self._connection = connection = await self._server.connect()
        self._sent = asyncio.Event()  # of this loop
        self._sent.set()
        again = self._opened == run.run_id
        self._tables = {}
        self._names = (run.name, run.run_id)
        create = self._create and not run.trial
        with self._server.explaining():
            for table in filter(None, (self.table_name, self._system_table)):
                if not (run.trial and self._create):
                    await self._provide(table, create=create, again=again)
            if not (run.trial and self._create):
                sql = written_sql(self.table_name)
                await provide(self._server.where, connection, self._written, sql, create=create, again=again)
            await self._former.end(connection)
        self._model.open(run)
        self._system.open(run)
        self._opened = run.run_id

    async def prepare(self, batch: Batch) -> None:
        """Encode a batch while the server is busy with the one before."""
        if batch and self._router is None and not batch.system and not self._keys:
            await self._sent.wait()  # so that the server has something to do first
            self._ahead = ahead = self._encoded(batch)
            await ahead.encode()

    async def write(self, batch: Batch) -> list[tuple[int, str]] | None:
        """Write the batch; return when it is committed."""
        if not batch or (batch.system and not self._system_table):
            return None
        ahead, self._ahead = self._ahead, None
        encoded = ahead if ahead is not None and ahead.batch is batch else self._encoded(batch)
        self._sent.clear()
        try:
            return await self._write(batch, encoded)
        finally:
            self._sent.set()

    async def _write(self, batch: Batch, encoded: Encoded) -> list[tuple[int, str]]:
        rows = encoded.rows
        places, aside = self._places(batch)
        with self._server.explaining(at_work=True):
            aside += await self._provide_all(places)
            account = self._system if batch.system else self._model
            upto = encoded.last
            if self._router is None:
                portions = {table: encoded.portions() for table in places}
            else:
                portions = {table: rows.chunks(records) for table, records in places.items()}
            if not await self._write_at_once(portions, account, upto):
                rows = self._rows(batch)
                aside += await self._write_with_care(places, rows, account, upto)
            account.kept(upto)
        batch.nulled.update(rows.nulled)
        return aside + rows.refused

    async def _write_at_once(self, portions: Mapping[str, Iterator[bytes]], account: Written, upto: int) -> bool:
        """Write everything with the fewest questions to the server; False, and nothing, where it takes a closer look.

        That is: after a start or a retry, of which some may be written already, and where a table refuses a row.
        """
        connection = self._connection
        if any(self._tables[table].keys for table in portions):
            return False
        try:
            async with transaction(connection):
                if not await account.advance(connection, upto):
                    return False
                for table, lines in portions.items():
                    await self._tables[table].copy(connection, _in_turns(lines, self._sent))
        except (*REFUSED, *_UNFIT):
            return False
        return True

    async def _write_with_care(self, places: Places, rows: Rows, account: Written, upto: int) -> list[tuple[int, str]]:
        """Write what is not written yet; return what the tables refuse."""
        connection, aside = self._connection, []
        async with transaction(connection):
            last = await account.last(connection)
            for table, records in places.items():
                new = [record for record in records if record[rows.number] > last]
                aside += await self._write_to(table, rows.one_by_one(new))
            await account.keep(connection, max(upto, last))
        return aside

    async def _write_to(self, table: str, rows: Sequence[Row]) -> list[tuple[int, str]]:
        """Write to one table; return what it refuses: everything, where a router has named what is no such table."""
        try:
            return await self._tables[table].write(self._connection, rows)
        except _UNFIT as error:
            if not self._routed(table) or isinstance(error, asyncpg.UndefinedTableError):
                raise
            return [(row.seq, f"{quoted(table)}: {told(error)}") for row in rows]

    async def written(self) -> int | None:
        """Return the last ``seq`` of this run's model records that the tables hold."""
        with self._server.explaining():
            return await self._model.held(self._connection)

    async def close(self) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        await self._server.disconnect(connection)

    async def _provide_all(self, places: Places) -> list[tuple[int, str]]:
        """See that the tables are there; take those out that a router names and that cannot be had."""
        aside: list[tuple[int, str]] = []
        for table in [table for table in places if table not in self._tables]:
            try:
                with self._server.explaining():
                    await self._provide(table, create=self._create)
            except PermanentError as error:
                if not self._routed(table):
                    raise
                aside += [(record["seq"], str(error)) for record in places.pop(table)]
        return aside

    def _encoded(self, batch: Batch) -> Encoded:
        return Encoded(batch, self._rows(batch), by_columns=self._router is None)

    def _rows(self, batch: Batch) -> Rows:
        return Rows(*self._names, system=batch.system)

    def _routed(self, table: str) -> bool:
        """Return whether what becomes of the table is no matter of all the model's records."""
        return table != self.table_name

    async def _provide(self, table: str, *, create: bool, again: bool = False) -> None:
        keys = () if table == self._system_table else self._keys
        sql = records_sql(table, keys)
        await provide(self._server.where, self._connection, quoted(table), sql, create=create, again=again)
        self._tables[table] = RecordTable(table, keys, self._server.timeout_s)

    def _places(self, batch: Batch) -> tuple[Places, list[tuple[int, str]]]:
        """Return which records go where, and which go nowhere."""
        if batch.system or self._router is None:
            return {self._system_table if batch.system else self.table_name: batch}, []
        found: dict[str, list[dict[str, Any]]] = {}
        aside: list[tuple[int, str]] = []
        for record in batch:
            try:
                table = self._router(record)
                if table not in found:
                    quoted(table)  # says so if it cannot be one
                found.setdefault(table, []).append(record)
            except Exception as error:  # noqa: BLE001 - a router is a plugin: counted, reported, set aside
                aside.append((record["seq"], told(error)))
        return dict(found), aside


async def _in_turns(portions: Iterator[bytes], sent: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield the portions, and say when all are on their way; other connectors have their turn between them."""
    for portion in portions:
        yield portion
        await asyncio.sleep(0)
    sent.set()
