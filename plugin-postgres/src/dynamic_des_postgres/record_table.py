"""One table of records: rows by ``COPY``, or by an upsert."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg

from dynamic_des.errors import told
from dynamic_des_postgres.identifiers import quoted
from dynamic_des_postgres.layout import COLUMNS
from dynamic_des_postgres.server import LOST, transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterator, Sequence

    from dynamic_des_postgres.rows import Row
    from dynamic_des_postgres.server import Connection

__all__ = ["REFUSED", "RecordTable"]

REFUSED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.PLPGSQLError,  # raised by a trigger of the table
    asyncpg.TriggeredDataChangeViolationError,
    asyncpg.WithCheckOptionViolationError,
)
_PIECE = 1 << 18  # bytes, of which the next is asked for when this one is on its way
_PART = 1 << 22  # bytes
_NO_LIMIT_S = 1e9
_TYPES = {"seq": "bigint", "sim_ts": "float8", "timestamp": "timestamptz", "value": "jsonb", "number": "float8"}


class RecordTable:
    """Writes rows into one table, in a transaction of the caller's.

    Args:
        name: The table, as it was given.
        keys: The columns by which a row replaces another; none to keep all.
        timeout_s: How long the server may take nothing, in wall seconds.
    """

    def __init__(self, name: str, keys: Sequence[str], timeout_s: float) -> None:
        self.quoted = quoted(name)
        self.keys = keys
        self._timeout_s = timeout_s
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
            async with transaction(connection):  # a savepoint
                await (self._upsert(connection, rows) if self.keys else self.copy(connection, _lines(rows)))
        except REFUSED as error:
            if len(rows) == 1:
                return [(rows[0].seq, told(error))]
            half = len(rows) // 2
            return [*await self.write(connection, rows[:half]), *await self.write(connection, rows[half:])]
        return []

    async def copy(self, connection: Connection, portions: AsyncIterable[bytes]) -> None:
        """Copy rows into the table: all of them, or it raises.

        Raises:
            TimeoutError: If the server takes nothing for too long, however much it has taken before.
        """
        loop, limit_s = asyncio.get_running_loop(), self._timeout_s
        try:
            async with asyncio.timeout(limit_s) as patience:
                # not a file: that would be read in another thread, at the price of hundreds of rows
                await connection.copy_to_table(
                    self._table,
                    source=_pieces(portions, connection, lambda: patience.reschedule(loop.time() + limit_s)),
                    columns=COLUMNS,
                    schema_name=self._schema or None,
                    format="text",
                    encoding="utf-8",
                    timeout=_NO_LIMIT_S,
                )
        except Exception:
            if not patience.expired():
                raise
            # the client waits for room to write, also on a connection that is lost: for ever
            connection.terminate()
            raise TimeoutError(f"PostgreSQL has taken nothing of a COPY for {limit_s:g} s") from None

    async def _upsert(self, connection: Connection, rows: Sequence[Row]) -> None:
        cells = [row.line[:-1].split(b"\t") for row in rows]
        latest = {tuple(row[place] for place in self._key_places): row for row in cells}
        arrays = ", ".join(f"${number}::text[]" for number in range(1, len(COLUMNS) + 1))
        cast = ", ".join(f"{name}::{_TYPES.get(name, 'text')}" for name in COLUMNS)
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS if name not in self.keys)
        for part in _parts(list(latest.values())):
            await connection.execute(
                f"INSERT INTO {self.quoted} ({', '.join(COLUMNS)}) SELECT {cast} "
                f"FROM unnest({arrays}) AS given({', '.join(COLUMNS)}) "
                f"ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {changed}",
                *zip(*[map(_text, row) for row in part], strict=True),
            )


async def _pieces(
    portions: AsyncIterable[bytes], connection: Connection, moved: Callable[[], None]
) -> AsyncIterable[bytes]:
    """Yield the portions in pieces, and tell ``moved`` each time that one is taken."""
    async for portion in portions:
        for first in range(0, len(portion), _PIECE):
            if connection.is_closed():  # the client would go on
                raise ConnectionError(LOST)
            yield portion[first : first + _PIECE]
            moved()


def _parts(rows: Sequence[list[bytes]]) -> Iterator[Sequence[list[bytes]]]:
    """Yield the rows in parts of which each is written within the time for one answer."""
    first, size = 0, 0
    for place, row in enumerate(rows):
        size += sum(map(len, row))
        if size > _PART:
            yield rows[first : place + 1]
            first, size = place + 1, 0
    if first < len(rows):
        yield rows[first:]


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
