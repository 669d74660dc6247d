"""Schemas that somebody declares: Arrow's, a pydantic model, or a table of names and types."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin
from uuid import UUID

import pyarrow as pa
from pydantic import BaseModel

from dynamic_des.errors import ConfigError, nearest, show
from dynamic_des_storage.inference import REQUIRED, json_field

__all__ = ["Declared", "declared_fields"]

Declared: TypeAlias = pa.Schema | type[BaseModel] | Mapping[str, str] | None

_PYTHON = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    datetime: pa.timestamp("us", "UTC"),
    date: pa.date32(),
    time: pa.string(),
    timedelta: pa.float64(),
    UUID: pa.string(),
}
_PYDANTIC = {"AwareDatetime": pa.timestamp("us", "UTC"), "NaiveDatetime": pa.timestamp("us")}
_NAMES = ("bool", "int64", "int32", "double", "float", "string", "binary", "date32", "timestamp[us, tz=UTC]", "json")


def declared_fields(schema: Declared) -> list[pa.Field]:
    """Return the fields of a declared schema, none for None.

    Raises:
        ConfigError: If it is nothing that can be one.
    """
    if schema is None:
        return []
    if isinstance(schema, pa.Schema):
        return [_as_written(field) for field in schema]
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return _of_model(schema)
    if isinstance(schema, Mapping):
        return [_of_text(str(name), text) for name, text in schema.items()]
    raise ConfigError(
        f"schema: {show(schema)} is no schema. Give a pyarrow.Schema, a pydantic model, or a table of names and types."
    )


def _of_text(name: str, text: Any) -> pa.Field:
    if text == "json":
        return json_field(name)
    try:
        if isinstance(text, str) and text.startswith("timestamp[us, tz="):
            return pa.field(name, pa.timestamp("us", text[len("timestamp[us, tz=") : -1]))
        return pa.field(name, pa.type_for_alias(text))
    except (ValueError, TypeError, AttributeError):
        hint = nearest(text, _NAMES)
        raise ConfigError(
            f"schema: {name}: {show(text)} is no type.{hint} Give one of Arrow's, such as {', '.join(_NAMES)}."
        ) from None


def _as_written(field: pa.Field) -> pa.Field:
    """Return a field as the files have it: nullable, for the records of other kinds; JSON instead of no fields."""
    kind = field.type
    if pa.types.is_struct(kind):
        children = [_as_written(child) for child in kind]
        made = field.with_type(pa.struct(children)) if children else json_field(field.name)
    elif pa.types.is_list(kind):
        made = field.with_type(pa.list_(_as_written(kind.value_field)))
    else:
        made = field
    made = made.with_nullable(True)
    return made if field.nullable else made.with_metadata({**(made.metadata or {}), **REQUIRED})


_Outer = tuple[type[BaseModel], ...]


def _of_model(model: type[BaseModel], outer: _Outer = ()) -> list[pa.Field]:
    outer = (*outer, model)
    return [_of_annotation(name, field.annotation, outer) for name, field in model.model_fields.items()]


def _of_annotation(name: str, annotation: Any, outer: _Outer) -> pa.Field:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of_annotation(name, inside[0], outer)
    if origin in (Union, types.UnionType):
        alternatives = [one for one in inside if one is not type(None)]
        if set(alternatives) == {int, float}:
            alternatives = [float]
        return _of_annotation(name, alternatives[0], outer) if len(alternatives) == 1 else json_field(name)
    if origin is Literal:
        kinds = {type(one) for one in inside}
        return _of_annotation(name, kinds.pop(), outer) if len(kinds) == 1 else json_field(name)
    if origin in (list, tuple, set, frozenset) and inside and (origin is not tuple or inside[1:] == (...,)):
        return pa.field(name, pa.list_(_of_annotation("item", inside[0], outer)))
    if not isinstance(annotation, type):
        return json_field(name)
    return _of_class(name, annotation, outer)


def _of_class(name: str, cls: type, outer: _Outer) -> pa.Field:
    if issubclass(cls, BaseModel):  # one that holds itself has no end, and one without fields no place in a file
        fields = [] if cls in outer else _of_model(cls, outer)
        return pa.field(name, pa.struct(fields)) if fields else json_field(name)
    if issubclass(cls, Enum):
        return _of_annotation(name, Literal[tuple(member.value for member in cls)], outer)
    if cls is Decimal:
        return pa.field(name, pa.decimal128(38, 9))
    kind = _PYTHON.get(cls) or _PYDANTIC.get(cls.__name__)
    return json_field(name) if kind is None else pa.field(name, kind)
