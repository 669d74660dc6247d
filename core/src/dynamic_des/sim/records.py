"""Records as the simulation thread makes them: the least that must be done at once, the rest is done later.

A record is the tuple ``(seq, sim_time, is_event, name, value)``. Tuples and not objects: this runs once per
published event in the simulation thread.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Set
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Any
from uuid import UUID

from simpy.events import Event

from dynamic_des.errors import show

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Record",
    "RecordBuilder",
    "SystemRecord",
    "NestedTooDeep",
    "expect_many",
    "freeze",
    "record_builder",
    "stamp",
    "stamps_of",
    "system_payload",
]

Record = tuple[int, Any, bool, Any, Any]
SystemRecord = tuple[int, Any, datetime, str, Any]

_NUMBERS = frozenset((int, float))
_CALENDAR_S = 4e11  # more than all years of the calendar, in seconds
_WORTH_NUMPY = 10_000  # records: fewer are told before it would be imported
_DIGITS = len("2026-01-01T00:00:00.000000")

SCALARS = frozenset((str, int, float, bool, type(None)))

_IMMUTABLE = (
    str, int, float, bool, type(None), bytes, complex, range,
    date, datetime, time, timedelta, Decimal, Fraction, UUID, Enum, type,
)  # fmt: skip


class NestedTooDeep:
    """What is published in place of a value that nothing can copy: one that contains itself, or nests without end.

    No serializer has a form for it, so that the record is set aside, alone.
    """

    def __init__(self, value: Any) -> None:
        self.text = show(value)

    def __repr__(self) -> str:
        return f"<nested too deep: {self.text}>"


def freeze(value: Any) -> Any:
    """Return ``value`` so that nothing the model does later changes it.

    Dictionaries, lists, tuples and sets are copied through; pydantic models and dataclasses become dictionaries;
    numpy arrays are copied; other objects are deep-copied where they can be, else kept. `NestedTooDeep` in place of a
    value that contains itself.
    """
    try:
        return _freeze(value)
    except RecursionError:
        return NestedTooDeep(value)


def _freeze(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        copy = value.copy()
        for key, item in value.items():
            if type(item) not in SCALARS:
                copy[key] = _freeze(item)
        return copy
    if kind is list:
        if SCALARS.issuperset(map(type, value)):
            return value.copy()
        return [item if type(item) in SCALARS else _freeze(item) for item in value]
    if isinstance(value, _IMMUTABLE):
        return value
    if kind is tuple:
        return tuple([_freeze(item) for item in value])
    return _freeze_object(value)


def _freeze_object(value: Any) -> Any:
    if hasattr(value, "model_dump"):  # pydantic, without importing it
        return _freeze(value.model_dump())  # which keeps the arrays and objects it has no type for
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _freeze(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _freeze(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_freeze(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return _freeze_set(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, Event):
        return value  # a deep copy would take the whole environment with it
    try:
        return deepcopy(value)
    except Exception:  # noqa: BLE001 - a foreign object that cannot be copied is published as it is
        return value


def _freeze_set(value: Set[Any]) -> Any:
    items = [_freeze(item) for item in value]
    try:
        return frozenset(items)
    except TypeError:  # of objects that became dictionaries
        return sorted(items, key=repr)


def record_builder(start: datetime, initial_time: float) -> RecordBuilder:
    """Return the function that turns a record into its payload dictionary."""
    return RecordBuilder(start, initial_time)


class RecordBuilder:
    """Turns records into payload dictionaries: one of them, or `many` at a fraction of the cost each.

    Args:
        start: The time stamp of ``initial_time``.
        initial_time: Simulation time at which the run began, in simulated seconds.
    """

    def __init__(self, start: datetime, initial_time: float) -> None:
        self._start = start
        self._initial_time = initial_time

    def __call__(self, record: Record) -> dict[str, Any]:
        """Return the payload of one record."""
        now = record[1]
        return _payload(record, _seconds(now), stamp(self._start, now - self._initial_time))

    def many(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """Return the payloads of all records."""
        times = [record[1] for record in records]
        stamps = stamps_of(self._start, times, self._initial_time)
        if stamps is None:
            return [self(record) for record in records]
        return list(map(_payload, records, map(float, times), stamps))


def _payload(record: Record, sim_ts: float, timestamp: str) -> dict[str, Any]:
    seq, _, is_event, name, value = record
    if is_event:
        return {
            "stream_type": "event",
            "sim_ts": sim_ts,
            "timestamp": timestamp,
            "key": name,
            "value": value,
            "seq": seq,
        }
    return {
        "stream_type": "telemetry",
        "sim_ts": sim_ts,
        "timestamp": timestamp,
        "path_id": name,
        "value": value,
        "seq": seq,
    }


def _seconds(now: Any) -> float:
    try:
        return float(now)
    except OverflowError:  # an integer beyond all floats
        return inf


def stamp(start: datetime, seconds: float) -> str:
    """Return ``start`` plus ``seconds`` as ISO 8601, with microseconds; the last representable time beyond it."""
    try:
        moment = start + timedelta(seconds=float(seconds))
    except (OverflowError, ValueError):
        moment = datetime.max.replace(tzinfo=start.tzinfo)
    return moment.isoformat(timespec="microseconds")


def expect_many(records: int) -> bool:
    """Import numpy if it is worth while for so many records; return whether it is. Takes a fifth of a second once."""
    if records < _WORTH_NUMPY:
        return False
    import numpy as np  # noqa: F401 - not for a small run, and not in a loop that others wait for

    return True


def stamps_of(start: datetime, times: Sequence[Any], initial_time: float) -> list[str] | None:
    """Return what `stamp` would for each time, all at once; None where only it can tell.

    That is: for times which are no plain numbers, for those beyond the calendar, and for a start whose offset from
    UTC depends on the date; and where numpy is not imported (see `expect_many`).
    """
    if type(start.tzinfo) is not timezone or not _NUMBERS.issuperset(map(type, times)):
        return None
    if "numpy" not in sys.modules:
        return None
    import numpy as np  # which may be being imported just now: this waits for it

    try:
        now = np.array(times, dtype=np.float64)
    except OverflowError:  # an integer beyond all floats
        return None
    seconds = now - initial_time
    if not ((np.abs(now) < _CALENDAR_S) & (np.abs(seconds) < _CALENDAR_S)).all():
        return None
    whole = np.trunc(seconds)
    micros = whole.astype(np.int64) * 1_000_000 + np.rint((seconds - whole) * 1e6).astype(np.int64)
    moments = np.datetime64(start.replace(tzinfo=None), "us") + micros.astype("timedelta64[us]")
    first, last = np.datetime64(datetime.min, "us"), np.datetime64(datetime.max, "us")
    if len(moments) and (moments.min() < first or moments.max() > last):
        return None
    offset = start.isoformat(timespec="microseconds")[_DIGITS:]
    return [text + offset for text in np.datetime_as_string(moments).tolist()]


def system_payload(record: SystemRecord) -> dict[str, Any]:
    """Return the payload dictionary of one of the framework's own records."""
    sys_seq, now, wall, path, value = record
    return {
        "stream_type": "telemetry",
        "sim_ts": _seconds(now),
        "timestamp": wall.astimezone(UTC).isoformat(timespec="microseconds"),
        "path_id": path,
        "value": value,
        "sys_seq": sys_seq,
    }
