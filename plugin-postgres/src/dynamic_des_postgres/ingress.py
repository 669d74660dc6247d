"""Changes from a table of PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from dynamic_des.errors import ConfigError, show
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Message
from dynamic_des.portion import Portion
from dynamic_des_postgres.change import document_of
from dynamic_des_postgres.change_table import ChangeTable, Position
from dynamic_des_postgres.identifiers import quoted
from dynamic_des_postgres.server import LOST, Connection, Server
from dynamic_des_postgres.state import current_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dynamic_des.messages import RunInfo

__all__ = ["PostgresIngress"]

_AT_ONCE = 1000


class PostgresIngress(BaseIngress):
    """Steers a twin by the rows of a table.

    ::

        INSERT INTO simulation_changes (path, value) VALUES ('Line_A.resources.lathe.current_cap', '3');

    A row has a ``path`` and a JSON ``value``, and perhaps ``at`` (simulation time) and ``ref`` (the sender's
    reference); without a path the value is a whole document: ``{"changes": […]}``. ``NOTIFY`` rings, the table is the
    truth; without its trigger the table is looked at every ``poll_interval``.

    **Promised**: every committed row is applied once, also one that commits after others with higher ids; each twin
    keeps its own position, so that several twins on one table all get everything. Rows that commit together come in
    order of their ids. **Not promised**: the order of ids among transactions that overlap.

    Args:
        connection_dsn: ``postgresql://user:password@host:port/database``.
        table_name: The table of changes, ``table`` or ``schema.table``.
        start: Where a run begins that does not go on from another: ``"remembered"``, after what the twin's last run
            settled, and at the end for its first run; ``"beginning"``, with all rows there are, applied in order before
            time starts, so that a row that is refused leaves the last good value; ``"end"``.
        parameter_table: A table or view of the current state, ``path`` and ``value``, to start from.
        create_table: Make the tables and the trigger where they are missing. The error says the SQL otherwise.
        poll_interval: Wall seconds after which the table is looked at although nothing rang.
        timeout_s: How long one answer may take, in wall seconds.
        **kwargs: Further arguments of `asyncpg.connect`, such as ``ssl``.
    """

    client = ("asyncpg:create_pool", "asyncpg:connect")

    def __init__(
        self,
        connection_dsn: str,
        table_name: str = "simulation_changes",
        *,
        start: Literal["remembered", "beginning", "end"] = "remembered",
        parameter_table: str | None = None,
        create_table: bool = False,
        poll_interval: float = 1.0,
        timeout_s: float = 5.0,
        **kwargs: Any,
    ) -> None:
        if start not in ("remembered", "beginning", "end"):
            raise ConfigError(f"PostgresIngress: start is {show(start)}. Give 'remembered', 'beginning' or 'end'.")
        if isinstance(poll_interval, bool) or not isinstance(poll_interval, (int, float)) or not poll_interval > 0:
            raise ConfigError(f"PostgresIngress: poll_interval is {show(poll_interval)}. Give seconds, above 0.")
        quoted(table_name)
        self.table_name = table_name
        self._start = start
        self._parameters = None if parameter_table is None else quoted(parameter_table)
        self._create = create_table
        self._poll_interval_s = poll_interval
        self._server = Server("PostgresIngress", connection_dsn, timeout_s, kwargs)
        self._connection: Connection = None
        self._portion = Portion(_AT_ONCE)
        self._run = ""
        self._begin = ""

    async def open(self, run: RunInfo) -> None:
        """Connect, listen, and find out where to go on.

        Raises:
            PermanentError: If the server refuses, or a table is missing.
        """
        self._connection = connection = await self._server.connect()
        self._rung = asyncio.Event()
        self._turn = asyncio.Lock()  # a connection does one thing at a time, and `applied` comes in between
        connection.add_termination_listener(lambda _: self._rung.set())
        with self._server.explaining():
            remembers = self._start == "remembered"
            self._table = ChangeTable(self._server.where, connection, self.table_name, run.name)
            would_make = self._create and run.trial
            if would_make and not await self._table.exists():
                return
            again, create = self._run == run.run_id, self._create and not would_make
            await self._table.prepare(create=create, again=again, positions=remembers and not would_make)
            await connection.add_listener(await self._table.channel(), lambda *_: self._rung.set())
            known = run.positions.get(self.table_name)
            self._goes_on = known is not None
            if known is None and self._run != run.run_id:
                self._begin = await self._table.first_position(self._start, trial=run.trial)
            self._run = run.run_id
            self._position = await self._table.valid(Position.read(known or self._begin))

    async def snapshot(self) -> list[Message]:
        """Return the current state, where one is kept, and the table's history, where it is asked for."""
        with self._server.explaining():
            messages = []
            if self._parameters is not None:
                messages = await current_state(self._connection, self._parameters)
            if self._start == "beginning" and not self._goes_on:
                end = await self._table.now()
                more = True
                while more:
                    page, more = await self._page(end)
                    messages += page
        return messages

    async def messages(self) -> AsyncIterator[Message]:
        """Yield the rows as they are committed."""
        with self._server.explaining(at_work=True):
            while True:
                self._rung.clear()
                if self._connection.is_closed():
                    raise ConnectionError(LOST)
                async with self._turn:
                    end = await self._table.look()
                more = True
                while more:
                    async with self._turn:
                        page, more = await self._page(end)
                    for message in page:
                        yield message
                try:
                    async with asyncio.timeout(self._poll_interval_s):
                        await self._rung.wait()
                except TimeoutError:
                    pass

    async def applied(self, position: Mapping[str, Any]) -> None:
        """Keep the position for the twin's next run."""
        if self._start == "remembered":
            async with self._turn:
                await self._table.keep(position[self.table_name])

    async def close(self) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        await self._server.disconnect(connection)

    async def _page(self, end: str) -> tuple[list[Message], bool]:
        """Return the next rows of those that were committed when ``end`` was taken, and whether more may follow."""
        window = self._position.upto or end  # what a position is in the middle of is finished first
        with self._portion.asked() as limit:
            rows = await self._table.page(self._position, window, limit)
        full = len(rows) == limit
        messages = []
        for number, row in enumerate(rows, 1):
            last = number == len(rows) and not full
            position = Position(window) if last else self._position.after(window, row["id"])
            info = {"table": self.table_name, "row": row["id"]}
            messages.append(Message(document_of(row), {self.table_name: str(position)}, info))
        self._position = self._position.after(window, rows[-1]["id"]) if full else Position(window)
        return messages, full or window != end
