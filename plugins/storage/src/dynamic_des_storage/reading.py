"""What a run wrote, back as an Arrow table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from dynamic_des.errors import show, told
from dynamic_des_storage.columns import Refused, column
from dynamic_des_storage.inference import ABSENT, json_field
from dynamic_des_storage.merging import superseded
from dynamic_des_storage.packing import lines, parsed
from dynamic_des_storage.places import Place, is_hidden
from dynamic_des_storage.routing import partitions
from dynamic_des_storage.stores import filesystem_and_path
from dynamic_des_storage.table_schema import TableSchema, distinct
from dynamic_des_storage.uniting import united, with_partitions
from dynamic_des_storage.values import Values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas
    import polars
    from pyarrow import fs

__all__ = ["read", "to_pandas", "to_polars"]

Mark: TypeAlias = tuple[int, int | None]
Content: TypeAlias = Any  # a table, or what lines hold
_BASE = ("stream_type", "seq", "sys_seq", "sim_ts", "timestamp", "key", "path_id")
_ATTEMPTS = 1000  # each reads only what is not as it was
_AT_ONCE = 8  # files: what is far away answers late


def read(path: str | Path, *, filesystem: fs.FileSystem | Mapping[str, Any] | None = None) -> pa.Table:
    """Return everything that an egress of this plugin wrote to a folder, or what a single file holds.

    Every record is there once: also when a process was killed while it put files together, and while one does so.
    Partitions are columns: text, but for whole numbers of a router of your own. A column that some files do not have is
    null for their records; one that has different types in them, which have none in common, is text that holds JSON.

    Args:
        path: The folder or file, or a URI such as ``s3://bucket/runs``.
        filesystem: As for the egress.

    Raises:
        FileNotFoundError: If there is no Parquet or JSON lines file.
        ValueError: If one of them is damaged: names it, and the line.
    """
    found, root = filesystem_and_path(path, filesystem)
    contents = _contents(Place(found, root))
    if not contents:
        raise FileNotFoundError(f"{path}: there is no Parquet and no JSON lines file. Give the path of an egress.")
    names = list(dict.fromkeys(name for file in contents for name in partitions(file)))
    tables, records, folders = [], [], []
    for file, content in contents.items():
        if isinstance(content, pa.Table):
            tables.append(with_partitions(content, [(partitions(file), len(content))]))
        else:
            records += content
            folders.append((partitions(file), len(content)))
    if records or not tables:
        tables.insert(0, with_partitions(_lines_table(records, set(names)), folders))
    return united(tables, names)


def to_pandas(path: str | Path, *, filesystem: fs.FileSystem | Mapping[str, Any] | None = None) -> pandas.DataFrame:
    """Return what `read` returns as a pandas data frame."""
    _import("pandas")
    return read(path, filesystem=filesystem).to_pandas()


def to_polars(path: str | Path, *, filesystem: fs.FileSystem | Mapping[str, Any] | None = None) -> polars.DataFrame:
    """Return what `read` returns as a polars data frame."""
    frame: polars.DataFrame = _import("polars").from_arrow(read(path, filesystem=filesystem))
    return frame


def _import(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} is not installed: pip install 'dynamic-des-storage[{name}]'", name=name) from error


def _contents(place: Place) -> dict[str, Content]:
    """Return name → content of the files of one moment, while others perhaps become one."""
    read_as: dict[str, tuple[Mark, Content]] = {}

    def load(name: str) -> None:
        read_as[name] = (marks[name], _content(place, name))

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for _ in range(_ATTEMPTS):
            marks = _marks(place)
            try:
                list(threads.map(load, [name for name in marks if read_as.get(name, ("",))[0] != marks[name]]))
            except (OSError, ValueError):
                if _marks(place) == marks:
                    raise
                continue
            now = _marks(place)
            if all(now.get(name) == mark for name, mark in marks.items()):  # what came since, is left to the next
                return {name: read_as[name][1] for name in marks}
    raise TimeoutError(f"{place.root}: files become others faster than they are read. Read when the run is over.")


def _marks(place: Place) -> dict[str, Mark]:
    """Return what tells whether a file is still the same one, for each in the order of their names."""
    files = place.itself()
    obsolete = set() if files else superseded(place)
    files = files or {place.relative(info.path): (info.size, info.mtime_ns) for info in place.files()}
    return {
        name: files[name]
        for name in sorted(files)
        if name not in obsolete and not is_hidden(name) and _kind(name or place.root) is not None
    }


def _kind(name: str) -> str | None:
    own = name.rpartition("/")[2]
    return "parquet" if own.endswith(".parquet") else "lines" if ".jsonl" in own else None


def _content(place: Place, name: str) -> Content:
    label = name or place.root
    if _kind(label) == "parquet":
        with place.fs.open_input_file(place.absolute(name)) as file:
            try:
                return pq.ParquetFile(file).read().replace_schema_metadata(None)
            except pa.ArrowInvalid as error:
                raise ValueError(
                    f"{label}: no complete Parquet file ({error}). Remove it, or copy it again."
                ) from error
    content = place.read(name)
    try:
        each = lines(label, content)
    except ValueError as error:
        raise ValueError(f"{label}: no complete compressed file ({error}). Remove it, or copy it again.") from error
    return [_record(line, label, number) for number, line in each]


def _record(line: bytes, label: str, number: int) -> dict[str, Any]:
    try:
        record = parsed(line)
    except ValueError as error:
        raise ValueError(f"{label}, line {number}: not JSON ({told(error)}). Mend or remove it.") from error
    if not isinstance(record, dict):
        raise ValueError(f"{label}, line {number}: {show(record)} is no record. Give files of an egress.")
    return record


def _lines_table(records: list[dict[str, Any]], taken: set[str]) -> pa.Table:
    """Return JSON lines in the form that the Parquet files have."""
    system = [record.get("sys_seq") is not None for record in records]
    values = Values([{} if own else record.get("value") for own, record in zip(system, records, strict=True)])
    rows, refused, schema = range(len(records)), Refused(), TableSchema()
    if records:
        schema.learn("all", values, rows, refused)
    base = {name: [record.get(name) for record in records] for name in _BASE}
    base["stream_type"] = ["system" if own else kind for own, kind in zip(system, base["stream_type"], strict=True)]
    columns = {name: pa.array(items) for name, items in base.items() if name != "sys_seq" or any(system)}
    columns["timestamp"] = columns["timestamp"].cast(pa.timestamp("us", "UTC"))
    fields = [pa.field(name, array.type) for name, array in columns.items()]
    if any(system):
        details = [record.get("value") if own else ABSENT for own, record in zip(system, records, strict=True)]
        fields.append(json_field("detail"))
        columns["detail"] = column(fields[-1], details, rows, refused)
    fields += distinct(schema.fields, [*columns, *taken])
    return pa.table([*columns.values(), *schema.columns(values, rows, refused)], schema=pa.schema(fields))
