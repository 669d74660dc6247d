"""What a run wrote, back as an Arrow table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.dataset as ds

from dynamic_des_storage.columns import Refused
from dynamic_des_storage.merging import superseded
from dynamic_des_storage.packing import unpacked
from dynamic_des_storage.places import HIDDEN, Place
from dynamic_des_storage.stores import filesystem_and_path
from dynamic_des_storage.table_schema import TableSchema
from dynamic_des_storage.values import Values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas
    import polars
    from pyarrow import fs

__all__ = ["read", "to_pandas", "to_polars"]

_BASE = ("stream_type", "seq", "sys_seq", "sim_ts", "timestamp", "key", "path_id")


def read(path: str | Path, *, filesystem: fs.FileSystem | Mapping[str, Any] | None = None) -> pa.Table:
    """Return everything that an egress of this plugin wrote to a folder, or what a single file holds.

    Every record is there once, also when a process was killed while it put files together. Partitions are columns;
    a column that some files do not have is null for their records.

    Args:
        path: The folder or file, or a URI such as ``s3://bucket/runs``.
        filesystem: As for the egress.

    Raises:
        FileNotFoundError: If there is no Parquet or JSON lines file.
    """
    found, root = filesystem_and_path(path, filesystem)
    place = Place(found, root)
    names = [""] if place.size("") is not None else _names(place)
    parquet = [place.absolute(name).rstrip("/") for name in names if (name or root).endswith(".parquet")]
    lines = [name for name in names if ".jsonl" in (name or root).rpartition("/")[2]]
    tables = [_lines_table(place, lines)] if lines else []
    if parquet:
        tables.append(_parquet_table(found, root, parquet))
    if not tables:
        raise FileNotFoundError(f"{path}: there is no Parquet and no JSON lines file. Give the path of an egress.")
    return pa.concat_tables(tables, promote_options="permissive")


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


def _names(place: Place) -> list[str]:
    obsolete = superseded(place)
    names = sorted(place.relative(info.path) for info in place.files())
    return [name for name in names if not name.startswith(HIDDEN) and name not in obsolete]


def _parquet_table(filesystem: fs.FileSystem, root: str, paths: list[str]) -> pa.Table:
    hive = ds.HivePartitioning.discover(infer_dictionary=False)
    file_format = ds.ParquetFileFormat()
    partitions = ds.FileSystemDatasetFactory(
        filesystem,
        paths,
        file_format,
        ds.FileSystemFactoryOptions(partitioning=hive, partition_base_dir=root),
    )
    each = (file_format.inspect(one, filesystem) for one in paths)  # discovery itself looks at the first only
    schema = pa.unify_schemas([*each, partitions.inspect()], promote_options="permissive")
    return partitions.finish(schema).to_table()


def _lines_table(place: Place, names: list[str]) -> pa.Table:
    """Return JSON lines in the form that the Parquet files have."""
    records: list[dict[str, Any]] = []
    for name in names:
        content = unpacked(name or place.root, place.read(name))
        records += [orjson.loads(line) for line in content.splitlines() if line.strip()]
    values = Values([record.get("value") for record in records])
    rows, refused, schema = range(len(records)), Refused(), TableSchema()
    schema.learn("all", values, rows, refused)
    base = {name: [record.get(name) for record in records] for name in _BASE}
    columns = {name: pa.array(column) for name, column in base.items() if name != "sys_seq" or any(column)}
    columns["timestamp"] = columns["timestamp"].cast(pa.timestamp("us", "UTC"))
    fields = [pa.field(name, column.type) for name, column in columns.items()]
    fields += [f.with_name(f"value_{f.name}") if f.name in columns else f for f in schema.fields]
    return pa.table([*columns.values(), *schema.columns(values, rows, refused)], schema=pa.schema(fields))
