"""Files of changes or of arrivals, replayed into a twin."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping  # noqa: TC003 - as below
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from dynamic_des import BaseIngress, Message, PermanentError
from dynamic_des.errors import suggest, told
from dynamic_des_storage.inference import is_json
from dynamic_des_storage.packing import lines, parsed
from dynamic_des_storage.places import Place
from dynamic_des_storage.stores import filesystem_and_path
from dynamic_des_storage.times import is_time, times_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dynamic_des.messages import RunInfo

__all__ = ["JsonlIngress", "ParquetIngress"]


Row: TypeAlias = tuple[int, Any]  # number, what stands there


class _Replay(BaseIngress):
    """Reads a file before time starts, and applies each row at its time."""

    needs_snapshot = True

    def __init__(
        self,
        path: str | Path,
        *,
        filesystem: fs.FileSystem | Mapping[str, Any] | None = None,
        time: str = "at",
        variable: str | None = None,
    ) -> None:
        self.path = str(path)
        self._filesystem = filesystem
        self._time = time
        self._variable = variable
        self._start = 0.0
        self._done = 0

    async def open(self, run: RunInfo) -> None:
        """Take the position to go on from.

        Raises:
            PermanentError: If there is no such file.
        """
        self._start = run.sim_time
        self._done = int(run.positions.get(self.path, 0))
        place = await asyncio.to_thread(self._find)
        if place.size("") is None:
            raise PermanentError(f"{type(self).__name__}: there is no file {self.path}. Give the path of one.")

    async def snapshot(self) -> Iterable[Message]:
        """Return the whole file: it is known before time starts."""
        return await asyncio.to_thread(self._messages)

    def _find(self) -> Place:
        return Place(*filesystem_and_path(self.path, self._filesystem))

    def _rows(self, content: bytes) -> list[Row]:
        raise NotImplementedError

    def _messages(self) -> list[Message]:
        content = self._find().read("")
        try:
            rows = self._rows(content)
        except (ValueError, OSError, NotImplementedError) as error:  # of Arrow's: the file is read already
            raise PermanentError(
                f"{type(self).__name__}: {self.path} is damaged ({told(error)}). Replace it."
            ) from error
        self._look_for_times(rows)
        times = times_of([self._time_in(row) for _, row in rows], self._start)
        if self._variable is None:
            return [self._change(place, rows[place], times[place]) for place in range(self._done, len(rows))]
        return self._arrivals(self._variable, rows, times)

    def _look_for_times(self, rows: list[Row]) -> None:
        """Raise an error when it is a name that no row has: all of them would come before time starts."""
        there = [row for _, row in rows if isinstance(row, dict)]
        if self._time == "at" or not there or any(self._time in row for row in there):
            return
        hint = suggest(self._time, list(dict.fromkeys(name for row in there for name in row)))
        raise PermanentError(f"{type(self).__name__}: {self.path}: no row has the time {self._time!r}.{hint}")

    def _time_in(self, row: Any) -> Any:
        """Return the time of a row; of a list of changes, the one that they have in common."""
        if isinstance(row, dict):
            if row.get(self._time) is not None or not isinstance(row.get("changes"), list):
                return row.get(self._time)
            row = row["changes"]
        if not isinstance(row, list):
            return None
        found = [item[self._time] for item in row if isinstance(item, dict) and item.get(self._time) is not None]
        return found[0] if found and found.count(found[0]) == len(found) else None

    def _change(self, place: int, row: Row, time: Any) -> Message:
        number, payload = row
        if time is not None and isinstance(payload, list):
            payload = {"changes": payload}
        if isinstance(payload, dict):
            payload = {name: value for name, value in payload.items() if name != self._time and value is not None}
            if time is not None:
                payload["at"] = time
                if isinstance(payload.get("changes"), list):
                    payload["changes"] = [self._without_time(item) for item in payload["changes"]]
        return Message(payload, {self.path: place + 1}, {"row": number})

    def _without_time(self, item: Any) -> Any:
        return {name: value for name, value in item.items() if name != self._time} if isinstance(item, dict) else item

    def _arrivals(self, variable: str, rows: list[Row], times: list[Any]) -> list[Message]:
        """Return a change for each instant, in the order of time: so do their positions count."""

        def instant(place: int) -> float:
            time = times[place]
            return max(time, self._start) if is_time(time) else self._start

        ordered = sorted(range(len(rows)), key=instant)
        messages, done = [], self._done
        for (at, good), group in groupby(
            ordered[done:], lambda place: (instant(place), self._arrives(place, rows, times))
        ):
            places = list(group)
            for some in [places] if good else [[place] for place in places]:
                done += len(some)
                arrived = [rows[place][1] for place in some]
                change: Any = {"path": variable, "value": arrived}
                if not good:  # for core to refuse, with the reason
                    change = _refusable(change, arrived[0], times[some[0]])
                elif at > self._start:
                    change["at"] = at
                messages.append(Message(change, {self.path: done}, {"row": rows[some[0]][0]}))
        return messages

    def _arrives(self, place: int, rows: list[Row], times: list[Any]) -> bool:
        return isinstance(rows[place][1], dict) and (times[place] is None or is_time(times[place]))


def _refusable(change: dict[str, Any], row: Any, time: Any) -> Any:
    if isinstance(row, bytes):
        return row
    return {**change, "at": time} if isinstance(row, dict) else {"row": row}


class ParquetIngress(_Replay):
    """Replays a Parquet file of changes or of arrivals.

    Changes are rows with ``path`` (or ``path_id``) and ``value``. With `variable`, every row is an arrival: at its time
    that variable becomes the list of the rows of that instant, each a dictionary, and who waits for its change gets
    them all. Those of the very start are its value before anybody can wait. The whole file is read before time
    starts, and each row applied exactly at its time; rows without one are applied before it. A row with a time that is
    none is refused with its number.

    Args:
        path: The file, or a URI such as ``s3://bucket/changes.parquet``.
        filesystem: A file system of PyArrow's; or arguments for the one of the URI's scheme.
        time: The column with the times: simulated seconds from when the ingress is set up, or moments and dates, which
            count from the earliest of them; also as text.
        variable: Path of the registry's variable that arrivals become the value of.
    """

    def _rows(self, content: bytes) -> list[Row]:
        table = pq.ParquetFile(pa.BufferReader(content)).read()
        twice = [name for name in table.column_names if table.column_names.count(name) > 1]
        if twice:
            raise ValueError(f"the column {twice[0]!r} is there twice")
        for place, field in enumerate(table.schema):
            if pa.types.is_timestamp(field.type) and field.type.unit == "ns":  # of which Python has no form
                kind = pa.timestamp("us", field.type.tz)
                table = table.set_column(place, field.with_type(kind), table.column(place).cast(kind, safe=False))
        rows: list[dict[str, Any]] = table.to_pylist()
        for name in (field.name for field in table.schema if is_json(field)):
            for row in rows:
                row[name] = None if row[name] is None else parsed(row[name].encode())
        return list(enumerate(rows, start=1))


class JsonlIngress(_Replay):
    """Replays a file of JSON lines, also one that is compressed (``.gz``, ``.zst``).

    All else is as of `ParquetIngress`. A line that is no JSON is refused with its number, and the others are applied.

    Args:
        path: The file, or a URI such as ``s3://bucket/changes.jsonl.gz``.
        filesystem: A file system of PyArrow's; or arguments for the one of the URI's scheme.
        time: The field with the times: simulated seconds from when the ingress is set up, or moments and dates as
            ISO 8601, which count from the earliest of them.
        variable: Path of the registry's variable that arrivals become the value of.
    """

    def _rows(self, content: bytes) -> list[Row]:
        return [(number, _parsed(line)) for number, line in lines(self.path, content)]


def _parsed(line: bytes) -> Any:
    try:
        return parsed(line)
    except ValueError:
        return line  # core refuses it, with the reason
