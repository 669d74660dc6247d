"""Records as rows: of ``COPY``, or of an upsert."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from dynamic_des_postgres.identifiers import quoted
from dynamic_des_postgres.layout import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_des_postgres.server import Connection

__all__ = ["RecordTable", "Row", "escaped", "row_of"]

# what COPY's text format gives a meaning
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NONE = b"\\N"
_TYPES = {"seq": "bigint", "sim_ts": "float8", "timestamp": "timestamptz", "value": "jsonb", "number": "float8"}


class Row(NamedTuple):
    """A record on its way.

    Attributes:
        seq: Its number.
        table: Where it goes.
        line: Its columns, in COPY's text format.
    """

    seq: int
    table: str
    line: bytes


def row_of(record: dict[str, Any], table: str, value: bytes, run: bytes) -> Row:
    """Return a record as a row.

    Args:
        record: The record.
        table: Where it goes.
        value: Its value as JSON.
        run: The twin's name and the run's id, escaped, with a tab between them.
    """
    seq = record["seq"] if "seq" in record else record["sys_seq"]
    is_event = record["stream_type"] == "event"
    name = record["key"] if is_event else record["path_id"]
    plain = record["value"]
    # one line, not nine cells: bytes are nothing that the garbage collector has to look at
    return Row(seq, table, b"%b\t%d\t%b\t%b\t%b\t%b\t%b\t%b\n" % (
        run,
        seq,
        b"event" if is_event else b"telemetry",
        repr(record["sim_ts"]).encode(),
        record["timestamp"].encode(),
        escaped(name if type(name) is str else str(name)),
        value.replace(b"\\", b"\\\\") if b"\\" in value else value,
        _NONE if type(plain) is dict else _number(plain),
    ))  # fmt: skip


def escaped(text: str) -> bytes:
    """Return text for COPY."""
    special = "\\" in text or "\t" in text or "\n" in text or "\r" in text
    return (text.translate(_ESCAPES) if special else text).encode()


def _number(value: Any) -> bytes:
    """Return a number as a double, NaN and infinities included; nothing for anything else."""
    kind = type(value)
    if kind is float or (kind is int and abs(value) < 2**1023):
        return repr(float(value)).encode()
    if kind in (dict, str, bool, int) or value is None or isinstance(value, (list, tuple)):
        return _NONE
    try:  # numpy's scalars
        number = float(value)
        return _NONE if isinstance(value, bool) or (math.isinf(number) and kind is int) else repr(number).encode()
    except (TypeError, ValueError, OverflowError):
        return _NONE


class RecordTable:
    """Writes rows into one table.

    Args:
        name: The table, as it was given.
        keys: The columns by which a row replaces another; none to keep all.
    """

    def __init__(self, name: str, keys: Sequence[str]) -> None:
        self.quoted = quoted(name)
        self._keys = keys
        self._schema, _, self._table = name.rpartition(".")
        self._key_places = [COLUMNS.index(key) for key in keys]

    async def write(self, connection: Connection, rows: Sequence[Row]) -> list[tuple[int, str]]:
        """Write the rows, in a transaction of the caller's.

        Returns:
            The rows that the table does not take, each with the reason: found by halving, the others are written.
        """
        try:
            async with connection.transaction():  # a savepoint
                await (self._upsert(connection, rows) if self._keys else self._copy(connection, rows))
        except (
            asyncpg.DataError,
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.ProgramLimitExceededError,
        ) as error:
            if len(rows) == 1:
                return [(rows[0].seq, f"{type(error).__name__}: {error}")]
            half = len(rows) // 2
            return [*await self.write(connection, rows[:half]), *await self.write(connection, rows[half:])]
        return []

    async def _copy(self, connection: Connection, rows: Sequence[Row]) -> None:
        source = BytesIO(b"".join([row.line for row in rows]))
        await connection.copy_to_table(
            self._table,
            source=source,
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
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS if name not in self._keys)
        await connection.execute(
            f"INSERT INTO {self.quoted} ({', '.join(COLUMNS)}) SELECT {cast} "
            f"FROM unnest({arrays}) AS given({', '.join(COLUMNS)}) "
            f"ON CONFLICT ({', '.join(self._keys)}) DO UPDATE SET {changed}",
            *columns,
        )


_PLAIN = ((b"\\t", b"\t"), (b"\\n", b"\n"), (b"\\r", b"\r"))


def _text(cell: bytes) -> str | None:
    """Return what a cell of COPY's text format says."""
    if cell == _NONE:
        return None
    if b"\\" not in cell:
        return cell.decode()
    parts = cell.split(b"\\\\")
    for sign, plain in _PLAIN:
        parts = [part.replace(sign, plain) for part in parts]
    return b"\\".join(parts).decode()
