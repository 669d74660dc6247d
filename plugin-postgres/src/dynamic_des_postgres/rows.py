"""Records as rows in the text format of ``COPY``: many at once, or one by one where one of them is unusual."""

from __future__ import annotations

import asyncio
import math
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from dynamic_des.columns import BatchColumns
from dynamic_des.errors import told
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_des.egress import Batch

__all__ = ["Encoded", "Row", "Rows"]

# what COPY's text format gives a meaning
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NONE = "\\N"
_AT_ONCE = 500  # the server works on these while the next ones are made


class Row(NamedTuple):
    """A record on its way.

    Attributes:
        seq: Its number.
        line: Its columns, in COPY's text format.
    """

    seq: int
    line: bytes


class _Portion(NamedTuple):
    """Some records, by columns; the names as they were published."""

    seq: Sequence[int]
    stream_type: Sequence[str]
    sim_ts: Sequence[float]
    timestamp: Sequence[str]
    name: Sequence[Any]
    value: Sequence[Any]

    @classmethod
    def of(cls, records: Sequence[dict[str, Any]], number: str) -> _Portion:
        plain = (number, "stream_type", "sim_ts", "timestamp")
        seq, stream_type, sim_ts, timestamp = ([record[key] for record in records] for key in plain)
        names = [record["key"] if "key" in record else record["path_id"] for record in records]
        return cls(seq, stream_type, sim_ts, timestamp, names, [record["value"] for record in records])

    @classmethod
    def part_of(cls, columns: BatchColumns, part: slice) -> _Portion:
        import numpy as np  # which made the moments

        return cls(
            columns.seq[part],
            ["event" if is_event else "telemetry" for is_event in columns.is_event[part]],
            columns.sim_ts[part],
            [f"{stamp}+00:00" for stamp in np.datetime_as_string(columns.moment[part]).tolist()],
            columns.name[part],
            columns.value[part],
        )


class Rows:
    """Turns the records of one run into rows.

    Args:
        twin: The twin's name.
        run: The run's id.
        system: Whether they are the framework's own.

    Attributes:
        number: The key of a record's number.
        refused: ``(seq, reason)`` of the records that no row can be made of.
        nulled: ``seq`` → how many of a record's numbers are ``null`` in its JSON and nowhere else.
    """

    def __init__(self, twin: str, run: str, *, system: bool) -> None:
        self.number = "sys_seq" if system else "seq"
        self.refused: list[tuple[int, str]] = []
        self.nulled: dict[int, int] = {}
        self._head = f"{_escaped(twin)}\t{_escaped(run)}\t"
        self._json = JsonSerializer()

    def chunks(self, records: Sequence[dict[str, Any]] | BatchColumns) -> Iterator[bytes]:
        """Yield all rows in portions."""
        for portion in self._portions(records):
            text = self._many(portion)
            yield b"".join([row.line for row in self._singly(portion)]) if text is None else text

    def _portions(self, records: Sequence[dict[str, Any]] | BatchColumns) -> Iterator[_Portion]:
        if isinstance(records, BatchColumns):
            for first in range(0, len(records.seq), _AT_ONCE):
                yield _Portion.part_of(records, slice(first, first + _AT_ONCE))
        else:
            for first in range(0, len(records), _AT_ONCE):
                yield _Portion.of(records[first : first + _AT_ONCE], self.number)

    def one_by_one(self, records: Sequence[dict[str, Any]]) -> list[Row]:
        """Return a row for each record of which one can be made."""
        return self._singly(_Portion.of(records, self.number))

    def _singly(self, portion: _Portion) -> list[Row]:
        rows: list[Row] = []
        for seq, *where, name, value in zip(*portion, strict=True):
            try:
                text = self._json.serialize("", value)
                name = _escaped(name if type(name) is str else str(name))
                line = self._line(seq, *where, name, text.decode().replace("\\", "\\\\"), _number(value)).encode()
            except Exception as error:  # noqa: BLE001 - a value may be anything: counted, reported, set aside
                self.refused.append((seq, told(error)))
                continue
            self._note_nulled([seq], [value], [text])
            rows.append(Row(seq, line))
        return rows

    def _many(self, portion: _Portion) -> bytes | None:
        """Return all rows in one; None where one of the records needs a look of its own."""
        *before, names, values = portion
        texts = self._texts(values)
        if texts is None or not set(map(type, names)) <= {str}:
            return None
        joined = "".join(names)
        if "\\" in joined or "\t" in joined or "\n" in joined or "\r" in joined:
            names = [_escaped(name) for name in names]
        if b"null" in texts:
            self._note_nulled(portion.seq, values, texts.split(self._border))
        if b"\\" in texts:
            texts = texts.replace(b"\\", b"\\\\")
        numbers = [_NONE if type(value) is dict else _number(value) for value in values]
        columns = zip(*before, names, texts.decode().split(self._border.decode()), numbers, strict=True)
        try:
            return "".join([self._line(*row) for row in columns]).encode()
        except UnicodeEncodeError:  # half a surrogate pair in a name
            return None

    def _line(self, seq: int, kind: str, sim_ts: float, timestamp: str, *rest: str) -> str:
        name, text, number = rest
        return f"{self._head}{seq}\t{kind}\t{sim_ts!r}\t{timestamp}\t{name}\t{text}\t{number}\n"

    def _texts(self, values: Sequence[Any]) -> bytes | None:
        """Return the values as JSON with a border between them: one call costs a fraction of many."""
        mark = secrets.token_hex(16)  # no value holds it
        self._border = f',"{mark}",'.encode()
        mixed: list[Any] = [mark] * (2 * len(values) - 1)
        mixed[::2] = values
        try:
            document = self._json.serialize("", mixed)[1:-1]
        except Exception:  # noqa: BLE001 - whichever it is of them is found one by one
            return None
        return document if document.count(self._border) == len(values) - 1 else None

    def _note_nulled(self, seqs: Sequence[int], values: Sequence[Any], texts: Sequence[bytes]) -> None:
        for place, count in self._json.nulled(values, texts).items():
            if not isinstance(values[place], float):  # that one is in the column of numbers
                self.nulled[seqs[place]] = count


class Encoded:
    """A batch as rows, made when they are asked for, or before.

    Args:
        batch: The batch.
        rows: What makes rows of it.
        by_columns: Whether that spares a dictionary for each record.

    Attributes:
        batch: The batch.
        rows: What makes rows of it.
    """

    def __init__(self, batch: Batch, rows: Rows, *, by_columns: bool) -> None:
        self.batch = batch
        self.rows = rows
        self._columns = batch.columns() if by_columns else None
        self._rest = rows.chunks(self._columns or batch)
        self._made: list[bytes] = []

    @property
    def last(self) -> int:
        """The number of its last record."""
        return self.batch.numbers[-1]

    async def encode(self) -> None:
        """Make all rows; other connectors have their turn meanwhile."""
        for portion in self._rest:
            self._made.append(portion)
            await asyncio.sleep(0)

    def portions(self) -> Iterator[bytes]:
        """Yield all rows in portions, once."""
        yield from self._made
        yield from self._rest


def _escaped(text: str) -> str:
    """Return text for COPY."""
    special = "\\" in text or "\t" in text or "\n" in text or "\r" in text
    return text.translate(_ESCAPES) if special else text


def _number(value: Any) -> str:
    """Return a number as a double, NaN and infinities included; nothing for anything else."""
    kind = type(value)
    if kind is float or (kind is int and abs(value) < 2**1023):
        return repr(float(value))
    if kind in (dict, str, bool, int) or value is None or isinstance(value, (list, tuple)):
        return _NONE
    try:  # numpy's scalars
        number = float(value)
        return _NONE if isinstance(value, bool) or (math.isinf(number) and kind is int) else repr(number)
    except (TypeError, ValueError, OverflowError):
        return _NONE
