"""From Python values to Arrow's columns: strict, and a whole column at a time where all is as expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa

from dynamic_des.errors import show
from dynamic_des_storage.casting import CastError, as_json, cast, fits
from dynamic_des_storage.inference import ABSENT, is_json, is_required, plain
from dynamic_des_storage.values import with_text_keys

__all__ = ["Refused", "column"]

Rows = Sequence[int]


class Refused(dict[int, str]):
    """Row → why it cannot be written: the first reason counts."""

    def note(self, row: int, place: str, reason: object) -> None:
        """Note what is wrong with a row."""
        self.setdefault(row, f"{place}: {reason}")


def column(field: pa.Field, values: Sequence[Any], rows: Rows, refused: Refused, place: str = "") -> pa.Array:
    """Return values as a column; a value that cannot be cast is null in it, and its row refused.

    Args:
        field: Name and type of the column.
        values: What the column is to hold; `ABSENT` is None, but for fields that hold JSON, and allowed where None is
            not: there is nothing that should have the field.
        rows: The row of each value.
        refused: Takes what cannot be cast.
        place: What to call the field in reasons.
    """
    place = f"{place}.{field.name}" if place else field.name
    if is_required(field):
        values = _present(values, rows, refused, place)
    if is_json(field):
        return _json(values, rows, refused, place)
    if pa.types.is_struct(field.type):
        return _struct(field.type, values, rows, refused, place)
    if pa.types.is_list(field.type):
        return _list(field.type, values, rows, refused, place)
    if fits(field.type, values):
        try:
            return pa.array(values, field.type)
        except (ValueError, TypeError, OverflowError, pa.ArrowException):
            pass  # one of them is too large, or no text: which one, is found out below
    kept: list[Any] = [None] * len(values)
    for index, value in enumerate(values):
        if value is not None and value is not ABSENT:
            try:
                kept[index] = cast(field.type, value)
            except CastError as error:
                refused.note(rows[index], place, error)
    return pa.array(kept, field.type)


def _present(values: Sequence[Any], rows: Rows, refused: Refused, place: str) -> list[Any]:
    for row, value in zip(rows, values, strict=True):
        if value is None:
            refused.note(row, place, "is missing, and declared as not nullable")
    return [None if value is ABSENT else value for value in values]


def _json(values: Sequence[Any], rows: Rows, refused: Refused, place: str) -> pa.Array:
    texts: list[str | None] = [None] * len(values)
    for index, value in enumerate(values):
        if value is not ABSENT:
            try:
                texts[index] = as_json(value)
            except CastError as error:
                refused.note(rows[index], place, error)
    return pa.array(texts, pa.string())


def _struct(kind: pa.StructType, values: Sequence[Any], rows: Rows, refused: Refused, place: str) -> pa.Array:
    kept: list[Any] = [None] * len(values)
    for index, value in enumerate(values):
        if isinstance(value, Mapping):
            kept[index] = with_text_keys(value)
        elif value is not None and value is not ABSENT:
            refused.note(rows[index], place, f"{show(value)} is not a dictionary")
    children = []
    for child in kind:
        outer = ABSENT if is_json(child) or is_required(child) else None
        missing = ABSENT if is_json(child) and not is_required(child) else None
        inner = [outer if value is None else value.get(child.name, missing) for value in kept]
        children.append(column(child, inner, rows, refused, place))
    missing_rows = pa.array([value is None for value in kept], pa.bool_())  # of no rows, too
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=missing_rows)


def _list(kind: pa.ListType, values: Sequence[Any], rows: Rows, refused: Refused, place: str) -> pa.Array:
    kept: list[Any] = [None] * len(values)
    for index, value in enumerate(map(plain, values)):
        if isinstance(value, (list, tuple)):
            kept[index] = value
        elif value is not None and value is not ABSENT:
            refused.note(rows[index], place, f"{show(value)} is not a list")
    lengths = [0 if value is None else len(value) for value in kept]
    items = list(chain.from_iterable(value for value in kept if value is not None))
    item_rows = [row for row, length in zip(rows, lengths, strict=True) for _ in range(length)]
    inner = column(kind.value_field, items, item_rows, refused, place)
    ends = list(accumulate(lengths, initial=0))
    offsets = [None if value is None else start for value, start in zip(kept, ends, strict=False)]
    return pa.ListArray.from_arrays(pa.array([*offsets, ends[-1]], pa.int32()), inner, type=kind)
