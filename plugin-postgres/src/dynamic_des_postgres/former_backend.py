"""The server's end of a connection that was lost: it may hold what the next connection waits for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynamic_des_postgres.server import Connection

__all__ = ["FormerBackend"]

log = logging.getLogger("dynamic_des.postgres")


class FormerBackend:
    """Ends the transaction that a lost connection has left open.

    Where the network has swallowed the connection the server waits for the rest of a ``COPY``, for hours, and everybody
    waits for it who wants to know how far the run is written.

    Args:
        table: The quoted name of the table that each transaction locks a row of.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._former: Any = None

    async def end(self, connection: Connection) -> None:
        """End what is left of the connection before this one, if it is in the middle of a transaction.

        One that belongs to somebody else now (a pooler's) is not: it has no lock on the table.
        """
        if self._former is not None:
            ended = await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_locks USING (pid) "
                "WHERE (pid, backend_start) = ($1, $2) AND pid <> pg_backend_pid() "
                "AND relation = to_regclass($3) AND mode = 'RowExclusiveLock' AND granted",
                *self._former,
                self._table,
            )
            if ended:
                log.warning("the server still held a transaction of the connection that was lost: ended")
        self._former = await connection.fetchrow(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
