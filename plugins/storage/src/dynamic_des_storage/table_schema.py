"""The schema that all files of one run have: declared or inferred, and what becomes of fields that are new."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from dynamic_des.errors import show
from dynamic_des_storage.columns import Refused, column
from dynamic_des_storage.inference import ABSENT, infer, is_json, is_name, is_required
from dynamic_des_storage.values import with_text_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_des_storage.values import Values

    Path = tuple[str, ...]

__all__ = ["NewFields", "TableSchema", "distinct"]

log = logging.getLogger("dynamic_des.egress")

NewFields = Literal["ignore", "evolve", "refuse"]


def distinct(fields: Iterable[pa.Field], taken: Iterable[str]) -> list[pa.Field]:
    """Return fields with ``value_`` before the names that are taken, also by one before: many readers mind no case."""
    names, found = {name.lower() for name in taken}, []
    for field in fields:
        name = field.name
        while name.lower() in names:
            name = f"value_{name}"
        names.add(name.lower())
        found.append(field if name == field.name else field.with_name(name))
    return found


class TableSchema:
    """The fields of values, in the order in which they were met.

    The first batch of each kind of record says which fields there are and what they hold. After that only `new_fields`
    says what becomes of a field that was not there; one that was always None until now is not new.

    Args:
        declared: Fields that are known beforehand.
        new_fields: ``"evolve"`` adds a new field, ``"ignore"`` leaves it out, ``"refuse"`` refuses its record.
        earlier: Name → field of what earlier runs wrote: kept, where it holds all that the first batch has.
    """

    def __init__(
        self,
        declared: Iterable[pa.Field] = (),
        new_fields: NewFields = "evolve",
        earlier: Mapping[str, pa.Field] | None = None,
    ) -> None:
        self._fields: dict[str, pa.Field] = {field.name: field for field in declared}
        self._complete = bool(self._fields)
        self._new_fields = new_fields
        self._earlier = earlier or {}
        self._met: set[str] = set()
        self._untyped: set[Path] = set()
        self._ignored: set[Path] = set()
        self._shapes: set[tuple[str, ...]] = set()

    @property
    def fields(self) -> list[pa.Field]:
        """The fields as they are now."""
        return list(self._fields.values())

    def learn(self, kind: str, values: Values, rows: Sequence[int], refused: Refused) -> bool:
        """Take note of the fields of a batch's values of one kind; return whether there are more fields now."""
        first, before = kind not in self._met, dict(self._fields)
        self._met.add(kind)
        self._first = first and not self._complete
        if not first and values.shapes <= self._shapes and not self._nested():
            return False
        names = values.names()
        for name in names:
            known = self._fields.get(name)
            if known is None:
                found = self._new((name,), values.column(name, ABSENT), rows, refused)
                if found is not None:
                    self._fields[name] = found
            else:
                self._fields[name] = self._deeper(known, values.column(name), rows, refused, (name,))
        if all(name in self._fields for name in names):
            self._shapes |= values.shapes
        return self._fields != before

    def columns(self, values: Values, rows: Sequence[int], refused: Refused) -> list[pa.Array]:
        """Return values as one column for each field."""
        return [
            column(field, values.required(name), rows, refused)
            if is_required(field)
            else column(field, values.column(name, ABSENT if is_json(field) else None), rows, refused)
            for name, field in self._fields.items()
        ]

    def _nested(self) -> bool:
        return any(pa.types.is_nested(field.type) for field in self._fields.values())

    def _new(self, path: Path, values: Sequence[Any], rows: Sequence[int], refused: Refused) -> pa.Field | None:
        """Return the field for a new name, or None when there is none to be."""
        there = [row for row, value in zip(rows, values, strict=True) if value is not ABSENT]
        if not is_name(path[-1]):
            for row in there:
                refused.note(row, show(path[-1]), "is no text, and no name of a field")
            return None
        found = infer(path[-1], values, len(path) - 1)
        if found is None:
            if self._first:
                self._untyped.add(path)
            return None
        if self._first or path in self._untyped or self._new_fields == "evolve":
            if len(path) == 1 and path[0] in self._earlier:
                found = self._as_earlier(path, found, values, rows, refused)
            self._note_untyped(path, found.type, values)
            return found
        if self._new_fields == "refuse":
            for row, value in zip(rows, values, strict=True):
                if value is not None and value is not ABSENT:
                    reason = "is a new field. Declare it, or let new_fields be 'evolve' or 'ignore'"
                    refused.note(row, ".".join(path), reason)
        elif path not in self._ignored:
            self._ignored.add(path)
            log.warning("parquet: the field %r is new and left out: new_fields is 'ignore'", ".".join(path))
        return None

    def _as_earlier(
        self, path: Path, found: pa.Field, values: Sequence[Any], rows: Sequence[int], refused: Refused
    ) -> pa.Field:
        """Return a new field as earlier runs wrote it, if it holds these values."""
        earlier, unfit = self._earlier[path[0]], Refused()
        column(earlier, values, rows, unfit)
        if not unfit:
            return self._deeper(earlier, values, rows, refused, path)
        log.warning(
            "parquet: the field %r is %s in files of an earlier run, and now %s: not all readers take both for one",
            path[0],
            earlier.type,
            found.type,
        )
        return found

    def _note_untyped(self, path: Path, kind: pa.DataType, values: Sequence[Any]) -> None:
        """Take note of what was None only within a new field: it is not new when it comes with a value."""
        if self._new_fields == "evolve":
            return
        if pa.types.is_list(kind):
            items = [item for value in values if isinstance(value, (list, tuple)) for item in value]
            self._note_untyped(path, kind.value_type, items)
        elif pa.types.is_struct(kind):
            there = [value for value in values if isinstance(value, dict)]
            for name in dict.fromkeys(name for value in there for name in value):
                if kind.get_field_index(name) < 0:
                    self._untyped.add((*path, name))
                else:
                    inner = [value.get(name) for value in there]
                    self._note_untyped((*path, name), kind.field(name).type, inner)

    def _deeper(
        self, field: pa.Field, values: Sequence[Any], rows: Sequence[int], refused: Refused, path: Path
    ) -> pa.Field:
        """Return a field with what is new inside it."""
        if pa.types.is_struct(field.type):
            return field.with_type(self._struct(field.type, values, rows, refused, path))
        if pa.types.is_list(field.type) and pa.types.is_nested(field.type.value_type):
            pairs = [
                (item, row)
                for value, row in zip(values, rows, strict=True)
                if isinstance(value, (list, tuple))
                for item in value
            ]
            items, item_rows = [item for item, _ in pairs], [row for _, row in pairs]
            return field.with_type(pa.list_(self._deeper(field.type.value_field, items, item_rows, refused, path)))
        return field

    def _struct(
        self, kind: pa.StructType, values: Sequence[Any], rows: Sequence[int], refused: Refused, path: Path
    ) -> pa.StructType:
        children = {child.name: child for child in kind}
        there = [
            (with_text_keys(value), row) for value, row in zip(values, rows, strict=True) if isinstance(value, dict)
        ]
        inner_rows = [row for _, row in there]
        for name in dict.fromkeys(name for value, _ in there for name in value):
            inner = [value.get(name, ABSENT) for value, _ in there]
            known = children.get(name)
            if known is None and name.lower() in map(str.lower, children):
                for row, value in zip(inner_rows, inner, strict=True):
                    if value is not ABSENT:
                        refused.note(row, ".".join((*path, name)), "differs from another field in its case only")
                continue
            child = (
                self._new((*path, name), inner, inner_rows, refused)
                if known is None
                else self._deeper(known, inner, inner_rows, refused, (*path, name))
            )
            if child is not None:
                children[name] = child
        return pa.struct(list(children.values()))
