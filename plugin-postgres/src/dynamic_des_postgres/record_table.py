"""One table of records: rows by ``COPY``, or by an upsert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from dynamic_des.errors import told
from dynamic_des_postgres.identifiers import quoted
from dynamic_des_postgres.layout import COLUMNS

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Sequence

    from dynamic_des_postgres.rows import Row
    from dynamic_des_postgres.server import Connection

__all__ = ["REFUSED", "RecordTable"]

REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
_TYPES = {"seq": "bigint", "sim_ts": "float8", "timestamp": "timestamptz", "value": "jsonb", "number": "float8"}


class RecordTable:
    """Writes rows into one table, in a transaction of the caller's.

    Args:
        name: The table, as it was given.
        keys: The columns by which a row replaces another; none to keep all.
    """

    def __init__(self, name: str, keys: Sequence[str]) -> None:
        self.quoted = quoted(name)
        self.keys = keys
        self._schema, _, self._table = name.rpartition(".")
        self._key_places = [COLUMNS.index(key) for key in keys]

    async def write(self, connection: Connection, rows: Sequence[Row]) -> list[tuple[int, str]]:
        """Write the rows that the table takes.

        Returns:
            Those that it does not, each with the reason: found by halving, the others are written.
        """
        if not rows:
            return []
        try:
            async with connection.transaction():  # a savepoint
                await (self._upsert(connection, rows) if self.keys else self.copy(connection, _lines(rows)))
        except REFUSED as error:
            if len(rows) == 1:
                return [(rows[0].seq, told(error))]
            half = len(rows) // 2
            return [*await self.write(connection, rows[:half]), *await self.write(connection, rows[half:])]
        return []

    async def copy(self, connection: Connection, portions: AsyncIterable[bytes]) -> None:
        """Copy rows into the table: all of them, or it raises."""
        # not a file: that would be read in another thread, at the price of hundreds of rows
        await connection.copy_to_table(
            self._table,
            source=portions,
            columns=COLUMNS,
            schema_name=self._schema or None,
            format="text",
            encoding="utf-8",
        )

    async def _upsert(self, connection: Connection, rows: Sequence[Row]) -> None:
        cells = [row.line[:-1].split(b"\t") for row in rows]
        latest = {tuple(row[place] for place in self._key_places): row for row in cells}
        columns = list(zip(*[map(_text, row) for row in latest.values()], strict=True))
        arrays = ", ".join(f"${number}::text[]" for number in range(1, len(COLUMNS) + 1))
        cast = ", ".join(f"{name}::{_TYPES.get(name, 'text')}" for name in COLUMNS)
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS if name not in self.keys)
        await connection.execute(
            f"INSERT INTO {self.quoted} ({', '.join(COLUMNS)}) SELECT {cast} "
            f"FROM unnest({arrays}) AS given({', '.join(COLUMNS)}) "
            f"ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {changed}",
            *columns,
        )


async def _lines(rows: Sequence[Row]) -> AsyncIterable[bytes]:
    yield b"".join([row.line for row in rows])


_PLAIN = ((b"\\t", b"\t"), (b"\\n", b"\n"), (b"\\r", b"\r"))


def _text(cell: bytes) -> str | None:
    """Return what a cell of COPY's text format says."""
    if cell == b"\\N":
        return None
    if b"\\" not in cell:
        return cell.decode()
    parts = cell.split(b"\\\\")
    for sign, plain in _PLAIN:
        parts = [part.replace(sign, plain) for part in parts]
    return b"\\".join(parts).decode()
