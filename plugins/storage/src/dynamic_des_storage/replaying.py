"""Files of changes or of arrivals, replayed into a twin."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping  # noqa: TC003 - as below
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from dynamic_des import BaseIngress, Message, PermanentError
from dynamic_des_storage.inference import is_json
from dynamic_des_storage.packing import unpacked
from dynamic_des_storage.places import Place
from dynamic_des_storage.stores import filesystem_and_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dynamic_des.messages import RunInfo

__all__ = ["JsonlIngress", "ParquetIngress"]


class _Replay(BaseIngress):
    """Reads a file before time starts, and applies each row at its time."""

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

    def _rows(self, content: bytes) -> list[Any]:
        raise NotImplementedError

    def _messages(self) -> list[Message]:
        rows = self._rows(self._find().read(""))
        times = self._times(rows)
        places = range(self._done, len(rows))
        if self._variable is None:
            return [self._change(place, rows[place], times[place]) for place in places]
        ordered = sorted(places, key=lambda place: times[place] or 0.0)
        groups = [list(group) for _, group in groupby(ordered, key=lambda place: times[place])]
        return [self._arrivals(group, rows, times[group[0]]) for group in groups]

    def _times(self, rows: list[Any]) -> list[float | None]:
        """Return the simulation time of each row: moments count from the first of them."""
        found = [row.get(self._time) if isinstance(row, dict) else None for row in rows]
        moments = [_moment(one) for one in found]
        first = min((moment for moment in moments if moment is not None), default=None)
        times: list[float | None] = []
        for one, moment in zip(found, moments, strict=True):
            if moment is not None and first is not None:
                one = (moment - first).total_seconds()
            times.append(self._start + one if isinstance(one, (int, float)) else None)
        return times

    def _change(self, place: int, row: Any, time: float | None) -> Message:
        if isinstance(row, dict):
            row = {name: value for name, value in row.items() if name != self._time and value is not None}
            if time is not None:
                row["at"] = time
        return Message(row, {self.path: place + 1}, {"row": place + 1})

    def _arrivals(self, group: list[int], rows: list[Any], time: float | None) -> Message:
        change: dict[str, Any] = {"path": self._variable, "value": [rows[place] for place in group]}
        if time is not None:
            change["at"] = time
        return Message(change, {self.path: max(group) + 1}, {"row": group[0] + 1})


class ParquetIngress(_Replay):
    """Replays a Parquet file of changes or of arrivals.

    Changes are rows with ``path`` (or ``path_id``) and ``value``. With `variable`, every row is an arrival: at its time
    that variable becomes the list of the rows of that instant, each a dictionary, and who waits for its change gets
    them all. Those of the very start are its value before anybody can wait. The whole file is read before time
    starts, and each row applied exactly at its time; rows without one are applied before it.

    Args:
        path: The file, or a URI such as ``s3://bucket/changes.parquet``.
        filesystem: A file system of PyArrow's; or arguments for the one of the URI's scheme.
        time: The column with the times: simulated seconds from when the ingress is set up, or moments, which count
            from the earliest of them.
        variable: Path of the registry's variable that arrivals become the value of.
    """

    def _rows(self, content: bytes) -> list[Any]:
        table = pq.read_table(pa.BufferReader(content))
        rows: list[dict[str, Any]] = table.to_pylist()
        for name in (field.name for field in table.schema if is_json(field)):
            for row in rows:
                row[name] = None if row[name] is None else orjson.loads(row[name])
        return rows


class JsonlIngress(_Replay):
    """Replays a file of JSON lines, also one that is compressed (``.gz``, ``.zst``).

    All else is as of `ParquetIngress`. A line that is no JSON is refused with its number, and the others are applied.

    Args:
        path: The file, or a URI such as ``s3://bucket/changes.jsonl.gz``.
        filesystem: A file system of PyArrow's; or arguments for the one of the URI's scheme.
        time: The field with the times: simulated seconds from when the ingress is set up, or moments as ISO 8601,
            which count from the earliest of them.
        variable: Path of the registry's variable that arrivals become the value of.
    """

    def _rows(self, content: bytes) -> list[Any]:
        return [_parsed(line) for line in unpacked(self.path, content).split(b"\n") if line.strip()]


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return line  # core refuses it, with the reason


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) else None
