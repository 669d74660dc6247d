"""Tables of files that were written at different times, as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dynamic_des_storage.casting import CastError, as_json
from dynamic_des_storage.inference import is_json, json_field

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["united", "with_partitions"]

_TEXTS = ("stream_type", "date", "sim_id", "twin", "run_id")  # partitions that are text, whatever they look like


def with_partitions(table: pa.Table, folders: Sequence[tuple[dict[str, str | None], int]]) -> pa.Table:
    """Return a table with a column of text for each partition that it does not have as a column.

    Args:
        table: The records.
        folders: Partitions, and how many records after the ones before have them.
    """
    for name in dict.fromkeys(name for folder, _ in folders for name in folder):
        if name not in table.column_names:
            parts = [pa.repeat(pa.scalar(folder.get(name), pa.string()), count) for folder, count in folders]
            table = table.append_column(pa.field(name, pa.string()), pa.chunked_array(parts, pa.string()))
    return table


def united(tables: Sequence[pa.Table], partitions: Sequence[str]) -> pa.Table:
    """Return all rows of all tables, with the columns of all, those of partitions last.

    Args:
        tables: The tables.
        partitions: Names of columns that were read from the names of folders.
    """
    for name in {name: None for table in tables for name in table.column_names}:
        having = [table for table in tables if name in table.column_names]
        wanted = _in_common(name, having)
        if wanted is not None:
            tables = [_with_kind(table, wanted) if name in table.column_names else table for table in tables]
    table = pa.concat_tables(tables, promote_options="permissive")
    for name in partitions:
        table = _with_numbers(table, name)
    first = table.column_names[0]  # lines have the kind of record as their first column
    last = [name for name in table.column_names if name in partitions and name != first]
    return table.select([*(name for name in table.column_names if name not in last), *last])


def _in_common(name: str, tables: Sequence[pa.Table]) -> pa.Field | None:
    """Return the field that tables agree on, None where Arrow finds it alone."""
    given = (table.schema.field(name) for table in tables)
    fields = list({(field.type, is_json(field)): field for field in given}.values())
    if len(fields) == 1:
        return None
    known = [field for field in fields if not pa.types.is_null(field.type)]
    if known and all(pa.types.is_timestamp(field.type) and field.type.tz is not None for field in known):
        return pa.field(name, pa.timestamp("us", "UTC"))
    if any(map(is_json, known)) is not all(map(is_json, known)):
        return json_field(name)
    try:
        unified = pa.unify_schemas([pa.schema([field]) for field in fields], promote_options="permissive")
        for table in tables:
            if pa.types.is_integer(table.schema.field(name).type):
                table.column(name).cast(unified.field(name).type)  # not all of them are doubles
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return json_field(name)
    return None


def _with_kind(table: pa.Table, wanted: pa.Field) -> pa.Table:
    place = table.column_names.index(wanted.name)
    column, field = table.column(place), table.field(place)
    if field.equals(wanted, check_metadata=True):
        return table
    if not is_json(wanted):
        return table.set_column(place, wanted, column.cast(wanted.type))
    texts = [None if value is None else _text(value) for value in column.to_pylist()]
    return table.set_column(place, wanted, pa.array(texts, pa.string()))


def _text(value: Any) -> str:
    try:
        return as_json(value)
    except CastError:  # bytes that are no text, say
        return as_json(repr(value))


def _with_numbers(table: pa.Table, name: str) -> pa.Table:
    """Return a table in which a partition of whole numbers holds numbers; ``"007"`` is none."""
    place = table.column_names.index(name)
    values: list[Any] = table.column(place).unique().to_pylist()
    if name in _TEXTS or table.field(place).type != pa.string() or not all(map(_is_number, values)) or not any(values):
        return table
    return table.set_column(place, pa.field(name, pa.int64()), table.column(place).cast(pa.int64()))


def _is_number(text: str | None) -> bool:
    if text is None:
        return True
    digits = text.removeprefix("-")
    return digits.isdecimal() and digits.isascii() and len(digits) < 19 and text == str(int(text))
