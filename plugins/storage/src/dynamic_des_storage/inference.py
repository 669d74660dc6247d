"""Which Arrow type values have that nobody declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

__all__ = ["ABSENT", "JSON", "REQUIRED", "infer", "is_json", "is_name", "is_required", "json_field", "plain"]

ABSENT = object()  # a field that a record does not have; None is one that it has
JSON = {b"dynamic_des": b"json"}
REQUIRED = {b"dynamic_des_required": b"yes"}  # of records; a column can be null, for those of other kinds
_EXACT = 2**53  # up to here every whole number is a double
_INT64 = 2**63
_DEEPEST = 16  # structures within structures: readers of Parquet give up at a hundred levels, a list has three
_FINE = ("ns]", "ps]", "fs]", "as]")  # units of which numpy makes whole numbers, instead of moments


def json_field(name: str) -> pa.Field:
    """Return a field of text that holds JSON documents."""
    return pa.field(name, pa.string(), metadata=JSON)


def is_json(field: pa.Field) -> bool:
    """Return whether a field holds JSON documents."""
    return field.metadata is not None and field.metadata.get(b"dynamic_des") == b"json"


def is_required(field: pa.Field) -> bool:
    """Return whether a record must have a field."""
    return field.metadata is not None and b"dynamic_des_required" in field.metadata


def plain(value: Any) -> Any:
    """Return numpy's scalars and arrays as Python's own, members of an enumeration as their values, sets as lists.

    Sets are sorted, as JSON has them; moments and durations are to the microsecond.
    """
    if isinstance(value, (np.generic, np.ndarray)):
        if value.dtype.kind in "mM" and value.dtype.str.endswith(_FINE):
            value = value.astype(f"{value.dtype.kind}8[us]")
        return value.tolist()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    return value


def infer(name: str, values: Sequence[Any], depth: int = 0) -> pa.Field | None:
    """Return the field that holds all of ``values``; None when there is nothing but None among them.

    Numbers are doubles, as long as they are exact: that the first of them are whole does not say that all will be.
    What has no common type, or is nested too deeply, is text that holds JSON, so that nothing is lost.
    """
    known = [value for value in map(plain, values) if value is not None and value is not ABSENT]
    if not known:
        return None
    kinds = set(map(type, known))
    if kinds <= {int, float}:
        return _number(name, known)
    if kinds == {dict} or all(isinstance(value, Mapping) for value in known):
        return _struct(name, known, depth + 1)
    if kinds <= {list, tuple}:
        return _list(name, known, depth + 1)
    kind = _scalar(kinds, known)
    return json_field(name) if kind is None else pa.field(name, kind)


def _number(name: str, values: list[Any]) -> pa.Field:
    whole = [value for value in values if type(value) is int]
    if all(-_EXACT <= value <= _EXACT for value in whole):
        return pa.field(name, pa.float64())
    if len(whole) == len(values) and all(-_INT64 <= value < _INT64 for value in whole):
        return pa.field(name, pa.int64())
    return json_field(name)


def _scalar(kinds: set[type], values: list[Any]) -> pa.DataType | None:
    if kinds == {datetime}:
        return _timestamp(values)
    # text for times of a day: Spark refuses a whole folder that has Parquet's type for them
    texts = {str: pa.string(), UUID: pa.string(), time: pa.string()}
    fixed = {**texts, bool: pa.bool_(), bytes: pa.binary(), date: pa.date32()}
    if len(kinds) == 1 and (kind := kinds.copy().pop()) in fixed:
        return fixed[kind]
    if kinds == {timedelta}:
        return pa.float64()  # seconds: Parquet has no type for durations that others read
    return None


def _timestamp(values: list[datetime]) -> pa.DataType | None:
    zoned = [value.utcoffset() is not None for value in values]
    if not any(zoned):
        return pa.timestamp("us")
    if not all(zoned):
        return None
    zones = {value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else "UTC" for value in values}
    return pa.timestamp("us", zones.pop() if len(zones) == 1 else "UTC")


def is_name(text: object) -> bool:
    """Return whether a column can be called so: half of a surrogate pair has no place in a file."""
    return isinstance(text, str) and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _struct(name: str, values: list[Any], depth: int) -> pa.Field:
    names = dict.fromkeys(key for value in values for key in value)
    if depth > _DEEPEST or not all(map(is_name, names)) or len(set(map(str.lower, names))) < len(names):
        return json_field(name)
    children = [infer(key, [value.get(key) for value in values], depth) for key in names]
    fields = [child for child in children if child is not None]
    return pa.field(name, pa.struct(fields)) if fields else json_field(name)


def _list(name: str, values: list[Any], depth: int) -> pa.Field:
    items = infer("item", [item for value in values for item in value], depth)
    if depth > _DEEPEST or items is None or is_json(items):
        return json_field(name)
    return pa.field(name, pa.list_(items))
