"""How far a run is written: kept in the same transaction as the records."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from dynamic_des.errors import PermanentError
from dynamic_des_postgres.layout import sibling

if TYPE_CHECKING:
    from dynamic_des.messages import RunInfo
    from dynamic_des_postgres.server import Connection

__all__ = ["Written"]


class Written:
    """The last number of one numbering that the tables hold.

    Args:
        where: Who writes, for error texts.
        table: The main table, as it was given.
        sink: Tells the numberings apart that one twin writes with.
    """

    def __init__(self, where: str, table: str, sink: str) -> None:
        self._where = where
        self._table = sibling(table, "dynamic_des_written")
        self._select = (
            f"SELECT run, owner, seq FROM {self._table} WHERE (twin, started, sink) = ($1, $2, $3) FOR UPDATE"
        )
        self._sink = sink
        self._owner = secrets.token_hex(8)  # tells a batch that comes again from another egress of the run
        self._going_on = False
        self._known: int | None = None  # what the tables hold, as long as nobody else can have written

    def open(self, run: RunInfo) -> None:
        """Keep the account of this run from now on."""
        self._key = (run.name, run.started, self._sink)
        self._run = run.run_id
        self._known = None

    async def held(self, connection: Connection) -> int | None:
        """Return the last number that is held; what is written from now on follows it."""
        self._going_on = True
        last: int | None = await connection.fetchval(
            f"SELECT seq FROM {self._table} WHERE (twin, started, sink) = ($1, $2, $3)", *self._key
        )
        return last

    async def last(self, connection: Connection) -> int:
        """Return the last number that this run has written, and keep others from writing it until the transaction ends.

        Raises:
            PermanentError: If another egress of the run keeps the same account.
        """
        row = await connection.fetchrow(self._select, *self._key)
        if row is None:  # of two that begin at once, one waits here for the other
            await connection.execute(
                f"INSERT INTO {self._table} (twin, started, sink, run, owner, seq) VALUES ($1, $2, $3, $4, $5, 0) "
                "ON CONFLICT DO NOTHING",
                *self._key,
                self._run,
                self._owner,
            )
            row = await connection.fetchrow(self._select, *self._key)
        if self._going_on or (row["run"], row["owner"]) == (self._run, self._owner):
            return int(row["seq"])
        if row["run"] == self._run:
            raise PermanentError(
                f"{self._where}: another egress of this run writes to {self._sink}, too, and each would take the "
                "other's records for its own. Give them different names: sink = …"
            )
        return 0  # another run that started at the same time, which is over

    async def advance(self, connection: Connection, seq: int) -> bool:
        """Keep the last number, at the price of one question, and return whether all above the known one is new.

        False, and nothing is kept, where that is not known: ask for the `last` one then, and `keep` the new one.
        """
        known, self._known = self._known, None
        if known is None or self._going_on:
            return False
        advanced = await connection.fetchval(
            f"UPDATE {self._table} SET seq = $6 "
            "WHERE (twin, started, sink, run, owner, seq) = ($1, $2, $3, $4, $5, $7) RETURNING true",
            *self._key,
            self._run,
            self._owner,
            seq,
            known,
        )
        return advanced is True

    async def keep(self, connection: Connection, seq: int) -> None:
        """Keep the last number."""
        await connection.execute(
            f"INSERT INTO {self._table} (twin, started, sink, run, owner, seq) VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (twin, started, sink) DO UPDATE "
            "SET run = EXCLUDED.run, owner = EXCLUDED.owner, seq = EXCLUDED.seq",
            *self._key,
            self._run,
            self._owner,
            seq,
        )

    def kept(self, seq: int) -> None:
        """Note that the transaction is over: from now on this egress knows its own rows by its name."""
        self._going_on = False
        self._known = seq
