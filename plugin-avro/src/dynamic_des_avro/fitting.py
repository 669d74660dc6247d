"""From an Avro schema to the check of whether values fit it."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from math import inf
from typing import Any
from uuid import UUID

from dynamic_des_avro.checks import (
    Check,
    FixedCheck,
    ItemsCheck,
    LongCheck,
    NumberCheck,
    RecordCheck,
    SymbolCheck,
    UnionCheck,
    ValuesCheck,
)

__all__ = ["check_of"]

_NONE = type(None)
_TYPES: dict[str, tuple[type, ...]] = {
    "null": (_NONE,),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "bytes": (bytes,),
    "string": (str,),
    "enum": (str,),
    "fixed": (bytes,),
}
# Source: https://avro.apache.org/docs/1.12.0/specification/#logical-types, and what fastavro takes for each
_LOGICAL: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("timestamp-millis", "timestamp-micros", "timestamp-nanos"), (datetime, int)),
    **dict.fromkeys(("local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos"), (datetime, int)),
    "date": (date, datetime, int),
    "time-millis": (time, int),
    "time-micros": (time, int),
    "decimal": (Decimal,),
    "uuid": (UUID, str),
}
_REFUSED_ELSE = ("bytes", "string")  # where the writer refuses what is of another type
_LARGEST_FLOAT = 3.4028235677973366e38  # what rounds to infinity in 32 bits begins here


def check_of(schema: Any) -> Check:
    """Return the check of a schema.

    Args:
        schema: As `fastavro.parse_schema` returns it.
    """
    return _Maker().make(schema)


class _Maker:
    """Makes checks; knows those of the named types, which may contain themselves."""

    def __init__(self) -> None:
        self._made: dict[str, Check] = {}

    def make(self, schema: Any) -> Check:
        if isinstance(schema, list):
            return UnionCheck([_name_of(branch) for branch in schema], [self.make(branch) for branch in schema])
        if isinstance(schema, str):
            if schema in self._made:
                return self._made[schema]
            schema = {"type": schema}
        kind = schema["type"]
        if isinstance(kind, (dict, list)):
            return self.make(kind)
        if kind in ("record", "error"):
            return self._record(schema)
        if kind == "array":
            return ItemsCheck(self.make(schema["items"]))
        if kind == "map":
            return ValuesCheck(self.make(schema["values"]))
        if kind not in _TYPES:
            return self.make(kind)
        check = _simple(schema, kind)
        if "name" in schema:
            self._made[schema["name"]] = check
        return check

    def _record(self, schema: dict[str, Any]) -> Check:
        record = self._made[schema["name"]] = RecordCheck(schema["name"])
        for field in schema["fields"]:
            kind = field["type"]
            nullable = kind == "null" or (isinstance(kind, list) and "null" in kind)  # the writer takes it for null
            record.add(field["name"], optional="default" in field or nullable, check=self.make(kind))
        record.complete()
        return record


def _simple(schema: dict[str, Any], kind: str) -> Check:
    logical = str(schema.get("logicalType"))
    if logical in _LOGICAL:
        return Check(f"a {logical}", _LOGICAL[logical], trusted=False)
    if kind == "enum":
        return SymbolCheck(f"a {schema['name']}", schema["symbols"])
    if kind == "fixed":
        return FixedCheck(f"a {schema['name']}", schema["size"])
    if kind == "int":
        return NumberCheck("an int", _TYPES[kind], _is_int, cuts=False)
    if kind == "float":
        return NumberCheck("a float", _TYPES[kind], _is_float, cuts=True)
    if kind == "long":
        return LongCheck("a long", _TYPES[kind], trusted=False)
    return Check(kind if kind in ("null", "bytes") else f"a {kind}", _TYPES[kind], trusted=kind in _REFUSED_ELSE)


def _name_of(schema: Any) -> str:
    if isinstance(schema, dict):
        return str(schema.get("name", schema["type"]))
    return "union" if isinstance(schema, list) else str(schema)


def _is_int(value: int) -> bool:
    return -(2**31) <= value < 2**31


def _is_float(value: float) -> bool:
    return not _LARGEST_FLOAT <= abs(value) < inf
