"""What the files of earlier runs say that fields hold, so that a folder stays one data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from dynamic_des_storage.inference import REQUIRED
from dynamic_des_storage.places import is_hidden

if TYPE_CHECKING:
    from collections.abc import Collection

    from dynamic_des_storage.places import Place

__all__ = ["earlier_fields"]

_TRIES = 3  # files, should somebody remove one


def earlier_fields(place: Place, taken: Collection[str]) -> dict[str, pa.Field]:
    """Return name → field of the newest Parquet file of records in a folder; nothing if there is none.

    Args:
        place: The folder.
        taken: Names of columns, in small letters, before which a field has ``value_``.
    """
    records = [
        info
        for info in place.files()
        if info.base_name.startswith("records_")
        and info.extension == "parquet"
        and not is_hidden(place.relative(info.path))
    ]
    records.sort(key=lambda info: info.mtime_ns or 0, reverse=True)
    for info in records[:_TRIES]:
        try:
            with place.fs.open_input_file(info.path) as file:
                schema = pq.read_schema(file)
        except (OSError, ValueError):
            continue
        return {name: _as_inferred(field) for field in schema if (name := _own_name(field, taken)) is not None}
    return {}


def _own_name(field: pa.Field, taken: Collection[str]) -> str | None:
    """Return what the records call a column; None for what is no field of theirs."""
    own: str = field.name.removeprefix("value_")
    if field.name.lower() in taken or pa.types.is_null(field.type):
        return None
    return own if own.lower() in taken else field.name


def _as_inferred(field: pa.Field) -> pa.Field:
    """Return a field as it is before it is written: Parquet has its own name for what is in a list."""
    kind = field.type
    if pa.types.is_struct(kind):
        field = field.with_type(pa.struct([_as_inferred(child) for child in kind]))
    elif pa.types.is_list(kind):
        field = field.with_type(pa.list_(_as_inferred(kind.value_field).with_name("item")))
    kept = {key: value for key, value in (field.metadata or {}).items() if key not in REQUIRED}
    return field.with_metadata(kept or None)
