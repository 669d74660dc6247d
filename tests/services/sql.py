"""A plain PostgreSQL client, beside what is tested."""

from __future__ import annotations

import asyncio
import json
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

__all__ = ["Sql"]

_PATIENCE_S = 60


class Sql:
    """A connection that is called like a function of today: it connects when needed, again after a restart.

    Args:
        dsn: The server.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="plain client", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __call__(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that a statement gives; JSON decoded."""
        return [tuple(row) for row in self.run(lambda connection: connection.fetch(sql, *values))]

    def value(self, sql: str, *values: Any) -> Any:
        """Return the first column of the first row."""
        return self(sql, *values)[0][0]

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each of the rows, in one transaction."""
        self.run(lambda connection: connection.executemany(sql, rows))

    def run(self, work: Any) -> Any:
        """Return what ``work(connection)`` returns."""
        return self._wait(self._with_connection(work))

    def close(self) -> None:
        """Disconnect, and end the thread."""
        if self._connection is not None:
            self._connection.terminate()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    async def _with_connection(self, work: Any) -> Any:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._dsn, timeout=10)
            await self._connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        return await work(self._connection)
