"""Records as the simulation thread makes them: the least that must be done at once, the rest is done later.

A record is the tuple ``(seq, sim_time, is_event, name, value)``. Tuples and not objects: this runs once per
published event in the simulation thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Any
from uuid import UUID

from simpy.events import Event

from dynamic_des.columns import BatchColumns, RecordColumns
from dynamic_des.errors import show, told
from dynamic_des.sim.stamps import moments_of, stamp, stamps_of, stamps_one_by_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    Moments = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = [
    "Record",
    "RecordBuilder",
    "SystemRecord",
    "Uncopied",
    "freeze",
    "record_builder",
    "system_payload",
]

Record = tuple[int, Any, bool, Any, Any]
SystemRecord = tuple[int, Any, datetime, str, Any]


SCALARS = frozenset((str, int, float, bool, type(None)))

_IMMUTABLE = (
    str, int, float, bool, type(None), bytes, complex, range,
    date, datetime, time, timedelta, Decimal, Fraction, UUID, Enum, type,
)  # fmt: skip


class Uncopied:
    """What is published in place of a value that cannot be copied: one that contains itself, or that raises.

    No serializer has a form for it, so that the record is set aside, alone.
    """

    def __init__(self, value: Any, error: BaseException) -> None:
        self.text = show(value)
        self.reason = told(error)

    def __repr__(self) -> str:
        return f"<{self.text}, not to be copied: {self.reason}>"


def freeze(value: Any) -> Any:
    """Return ``value`` so that nothing the model does later changes it.

    Dictionaries, lists, tuples and sets are copied through; pydantic models and dataclasses become dictionaries;
    numpy arrays are copied; other objects are deep-copied where they can be, else kept. `Uncopied` in place of a
    value that contains itself, or of an object that raises when it is looked at.
    """
    try:
        return _freeze(value)
    except Exception as error:  # noqa: BLE001 - it may be any object, also one from outside: no end of the run
        return Uncopied(value, error)


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

    def many(self, records: RecordColumns | Sequence[Record]) -> list[dict[str, Any]]:
        """Return the payloads of all records."""
        columns = records if isinstance(records, RecordColumns) else RecordColumns(records)
        stamps = stamps_of(self._start, columns.time, self._initial_time)
        times: Iterable[float] = map(float, columns.time)
        if stamps is None:
            stamps = stamps_one_by_one(self._start, columns.time, self._initial_time)
            times = map(_seconds, columns.time)
        if not all(columns.is_event):
            return list(map(_payload, columns, times, stamps))
        # the same without a call for each
        return [
            {"stream_type": "event", "sim_ts": sim_ts, "timestamp": stamp, "key": key, "value": value, "seq": seq}
            for seq, sim_ts, stamp, key, value in zip(
                columns.seq, times, stamps, columns.name, columns.value, strict=True
            )
        ]

    def columns(self, records: RecordColumns) -> BatchColumns | None:
        """Return records as columns; None where only their payloads can tell."""
        moments = moments_of(self._start, records.time, self._initial_time)
        if moments is None:
            return None
        import numpy as np  # which made the moments

        return BatchColumns(
            records.seq,
            list(map(float, records.time)),
            moments - np.timedelta64(self._start.utcoffset() or timedelta(0)),
            records.is_event,
            records.name,
            records.value,
        )


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
