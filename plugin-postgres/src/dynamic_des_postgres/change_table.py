"""The table of changes: which of its rows are new, whatever the order in which they were committed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import PermanentError
from dynamic_des_postgres.identifiers import literal, quoted
from dynamic_des_postgres.layout import changes_sql, positions_sql, provide, ring_sql, sibling

if TYPE_CHECKING:
    from dynamic_des_postgres.server import Connection

__all__ = ["ChangeTable", "Position"]

log = logging.getLogger("dynamic_des.postgres")

_EVERYTHING = "1:1:"  # a snapshot that sees nothing: all rows are new


@dataclass(frozen=True, slots=True)
class Position:
    """How far a twin has come: a snapshot of PostgreSQL, whose rows are settled; perhaps part of a later one.

    Ids do not do for that: a row with a lower id may be committed after one with a higher.

    Attributes:
        seen: The snapshot (``pg_snapshot`` as text).
        upto: A later snapshot, of which the rows up to ``row`` are settled, too.
        row: The last of those.
    """

    seen: str
    upto: str = ""
    row: int = 0

    @classmethod
    def read(cls, text: str) -> Position:
        """Return the position that ``str(position)`` wrote."""
        seen, _, rest = text.partition("|")
        upto, _, row = rest.partition("|")
        return cls(seen, upto, int(row or 0))

    def __str__(self) -> str:
        return f"{self.seen}|{self.upto}|{self.row}" if self.upto else self.seen

    def after(self, upto: str, row: int) -> Position:
        """Return the position after a row of a later snapshot."""
        return Position(self.seen, upto, row)

    @property
    def horizon(self) -> int:
        """The first transaction that the newest snapshot in it knows nothing of."""
        return int((self.upto or self.seen).split(":")[1])


class ChangeTable:
    """Reads the rows of the table, and keeps how far a twin has come.

    Args:
        where: Who reads, for error texts.
        connection: The connection.
        table: The table, as it was given.
        twin: The twin's name.
    """

    def __init__(self, where: str, connection: Connection, table: str, twin: str) -> None:
        self._where = where
        self._connection = connection
        self._name = table
        self._table = quoted(table)
        self._positions = sibling(table, "dynamic_des_positions")
        self._twin = twin

    async def prepare(self, *, create: bool, again: bool, positions: bool) -> None:
        """See that the tables are there, and hold no rows of another server."""
        # the server plans a question once, when the table is small, and keeps to that when it is large
        await self._connection.execute("SET enable_seqscan = off")
        tables = [(self._table, changes_sql(self._name))]
        if positions:
            tables.append((self._positions, positions_sql(self._name)))
        for table, sql in tables:
            await provide(self._where, self._connection, table, sql, create=create, again=again)
        foreign = await self._connection.fetchval(
            f"SELECT id FROM {self._table} WHERE txid >= pg_snapshot_xmax(pg_current_snapshot()) LIMIT 1"
        )
        if foreign is not None:
            raise PermanentError(
                f"{self._where}: row {foreign} of {self._table} is from a transaction that this server has not had: it "
                f"was restored from a dump. Run: UPDATE {self._table} SET txid = DEFAULT (to apply the rows again) or "
                "SET txid = '3' (to count them as applied)."
            )

    async def exists(self) -> bool:
        """Return whether the table is there."""
        return await self._connection.fetchval("SELECT to_regclass($1)", self._table) is not None

    async def channel(self) -> str:
        """Return the channel that the trigger rings: another one when the table is made anew."""
        self._oid, rings = await self._connection.fetchrow(
            "SELECT $1::text::regclass::oid, EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::text::regclass "
            "AND tgname = 'dynamic_des_ring' AND tgenabled <> 'D')",
            self._table,
        )
        if not rings:
            log.warning(
                "table %s does not ring: it is looked at every poll_interval only. Run:\n%s;",
                self._table,
                ring_sql(self._name),
            )
        return f"dynamic_des_{self._oid}"

    async def look(self) -> str:
        """Return the current snapshot.

        Raises:
            ConnectionError: If the table is not the one any more whose channel was asked for.
        """
        now, oid = await self._connection.fetchrow(
            "SELECT pg_current_snapshot()::text, to_regclass($1)::oid", self._table
        )
        if oid != self._oid:
            raise ConnectionError(f"the table {self._table} is gone, or was made anew")
        return str(now)

    async def now(self) -> str:
        """Return the current snapshot."""
        text: str = await self._connection.fetchval("SELECT pg_current_snapshot()::text")
        return text

    async def first_position(self, start: str, *, trial: bool) -> str:
        """Return where a run begins; where positions are kept, note where a twin's first run does."""
        if start == "beginning":
            return _EVERYTHING
        now = await self.now()
        if start == "end" or trial:
            return now
        await self._connection.execute(
            f"INSERT INTO {self._positions} VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", self._twin, self._name, now
        )
        return await self._kept() or now

    async def valid(self, position: Position) -> Position:
        """Return the position, or the kept one when this one is of transactions that the server has not had."""
        horizon = Position(await self.now()).horizon
        if position.horizon <= horizon:
            return position
        kept = await self._connection.fetchval("SELECT to_regclass($1)", self._positions) and await self._kept()
        if not kept or Position.read(kept).horizon > horizon:
            raise PermanentError(
                f"{self._where}: the position {position} of {self._twin!r} is of another server, or of this one before "
                f"it was restored. Run: DELETE FROM {self._positions} WHERE (twin, source) = ({literal(self._twin)}, "
                f"{literal(self._name)}), to begin anew."
            )
        log.warning("%s: the server has lost transactions; changes since %s come again", self._where, kept)
        return Position.read(kept)

    async def page(self, position: Position, end: str, limit: int) -> list[Any]:
        """Return the next rows that are committed in the snapshot ``end`` and not before the position.

        A position that is part of a later snapshot is finished first: ``end`` is that one.
        """
        snapshot = "$1::text::pg_snapshot"
        # what it does not see is younger, or was open then: so asked, the index finds it, however long that stays open
        kinds = (f"txid >= pg_snapshot_xmax({snapshot})", f"txid = ANY(ARRAY(SELECT pg_snapshot_xip({snapshot})))")
        first = f"ORDER BY id LIMIT {limit}"
        # in the middle of a window most of what follows is new; else nearly nothing, and the order would mislead
        rest = f"AND id > {position.row} {first}" if position.upto else ""
        unseen = " UNION ALL ".join(
            f"(SELECT id, path, value, at, ref FROM {self._table} WHERE {kind} "
            f"AND pg_visible_in_snapshot(txid, $2::text::pg_snapshot) {rest})"
            for kind in kinds
        )
        rows: list[Any] = await self._connection.fetch(
            f"WITH unseen AS MATERIALIZED ({unseen}), page AS (SELECT * FROM unseen {first}) "
            "SELECT id, path::text, value::text, pg_typeof(value) = ANY('{json,jsonb}'::regtype[]) AS is_json, "
            "at::text, ref::text FROM page ORDER BY id",
            position.seen,
            end,
        )
        return rows

    async def keep(self, position: str) -> None:
        """Keep how far the twin has come."""
        await self._connection.execute(
            f"INSERT INTO {self._positions} VALUES ($1, $2, $3) "
            "ON CONFLICT (twin, source) DO UPDATE SET position = EXCLUDED.position",
            self._twin,
            self._name,
            position,
        )

    async def _kept(self) -> str | None:
        kept: str | None = await self._connection.fetchval(
            f"SELECT position FROM {self._positions} WHERE twin = $1 AND source = $2", self._twin, self._name
        )
        return kept
