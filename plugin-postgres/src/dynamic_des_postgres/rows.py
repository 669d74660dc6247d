"""Records as rows in the text format of ``COPY``: many at once, or one by one where one of them is unusual."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Row", "Rows"]

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

    def chunks(self, records: Sequence[dict[str, Any]]) -> Iterator[bytes]:
        """Yield all rows in portions."""
        for first in range(0, len(records), _AT_ONCE):
            portion = records[first : first + _AT_ONCE]
            text = self._many(portion)
            yield b"".join([row.line for row in self.one_by_one(portion)]) if text is None else text

    def one_by_one(self, records: Sequence[dict[str, Any]]) -> list[Row]:
        """Return a row for each record of which one can be made."""
        rows: list[Row] = []
        for record in records:
            seq, value = record[self.number], record["value"]
            try:
                text = self._json.serialize("", value)
                name = _name(record)
                name = _escaped(name if type(name) is str else str(name))
                line = self._line(record, name, text.decode().replace("\\", "\\\\"), _number(value)).encode()
            except Exception as error:  # noqa: BLE001 - a value may be anything: counted, reported, set aside
                self.refused.append((seq, f"{type(error).__name__}: {error}"))
                continue
            self._note_nulled([record], [text])
            rows.append(Row(seq, line))
        return rows

    def _many(self, records: Sequence[dict[str, Any]]) -> bytes | None:
        """Return all rows in one; None where one of the records needs a look of its own."""
        values = [record["value"] for record in records]
        texts = self._texts(values)
        names = [_name(record) for record in records]
        if texts is None or not set(map(type, names)) <= {str}:
            return None
        joined = "".join(names)
        if "\\" in joined or "\t" in joined or "\n" in joined or "\r" in joined:
            names = [_escaped(name) for name in names]
        if b"null" in texts:
            self._note_nulled(records, texts.split(self._border))
        if b"\\" in texts:
            texts = texts.replace(b"\\", b"\\\\")
        numbers = [_NONE if type(value) is dict else _number(value) for value in values]
        columns = zip(records, names, texts.decode().split(self._border.decode()), numbers, strict=True)
        try:
            return "".join([self._line(*row) for row in columns]).encode()
        except UnicodeEncodeError:  # half a surrogate pair in a name
            return None

    def _line(self, record: dict[str, Any], name: str, text: str, number: str) -> str:
        return (
            f"{self._head}{record[self.number]}\t{record['stream_type']}\t{record['sim_ts']!r}\t{record['timestamp']}"
            f"\t{name}\t{text}\t{number}\n"
        )

    def _texts(self, values: list[Any]) -> bytes | None:
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

    def _note_nulled(self, records: Sequence[dict[str, Any]], texts: Sequence[bytes]) -> None:
        values = [record["value"] for record in records]
        for place, count in self._json.nulled(values, texts).items():
            if not isinstance(values[place], float):  # that one is in the column of numbers
                self.nulled[records[place][self.number]] = count


def _name(record: dict[str, Any]) -> Any:
    return record["key"] if "key" in record else record["path_id"]


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
