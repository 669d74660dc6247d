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
from typing import Any
from uuid import UUID

from simpy.events import Event

__all__ = ["Record", "SystemRecord", "freeze", "record_builder", "system_payload"]

Record = tuple[int, Any, bool, Any, Any]
SystemRecord = tuple[int, Any, datetime, str, Any]

SCALARS = frozenset((str, int, float, bool, type(None)))

_IMMUTABLE = (
    str, int, float, bool, type(None), bytes, complex, range,
    date, datetime, time, timedelta, Decimal, Fraction, UUID, Enum, type,
)  # fmt: skip


def freeze(value: Any) -> Any:
    """Return ``value`` so that nothing the model does later changes it.

    Dictionaries, lists, tuples and sets are copied through; pydantic models and dataclasses become dictionaries;
    numpy arrays are copied; other objects are deep-copied where they can be, else kept.
    """
    kind = type(value)
    if kind is dict:
        copy = value.copy()
        for key, item in value.items():
            if type(item) not in SCALARS:
                copy[key] = freeze(item)
        return copy
    if kind is list:
        if SCALARS.issuperset(map(type, value)):
            return value.copy()
        return [item if type(item) in SCALARS else freeze(item) for item in value]
    if isinstance(value, _IMMUTABLE):
        return value
    if kind is tuple:
        return tuple([freeze(item) for item in value])
    return _freeze_object(value)


def _freeze_object(value: Any) -> Any:
    if hasattr(value, "model_dump"):  # pydantic, without importing it
        return freeze(value.model_dump())  # which keeps the arrays and objects it has no type for
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: freeze(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: freeze(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [freeze(item) for item in value]
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
    items = [freeze(item) for item in value]
    try:
        return frozenset(items)
    except TypeError:  # of objects that became dictionaries
        return sorted(items, key=repr)


def record_builder(start: datetime, initial_time: float) -> Any:
    """Return the function that turns a record into its payload dictionary."""
    last: tuple[Any, float, str] = (None, 0.0, "")

    def build(record: Record) -> dict[str, Any]:
        nonlocal last
        seq, now, is_event, name, value = record
        if now is not last[0]:  # records of one instant share the object, and so its text
            last = (now, _seconds(now), stamp(start, now - initial_time))
        _, sim_ts, timestamp = last
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

    return build


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
