"""Records as Parquet files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - as below
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from dynamic_des.errors import ConfigError, show
from dynamic_des_storage.columns import Refused, column
from dynamic_des_storage.declared import (
    Declared,
    declared_fields,
)
from dynamic_des_storage.earlier import earlier_fields
from dynamic_des_storage.inference import ABSENT, json_field
from dynamic_des_storage.records import TIMESTAMP, Records
from dynamic_des_storage.routing import Router  # noqa: TC001 - read by the configuration
from dynamic_des_storage.storage_egress import Part, StorageEgress
from dynamic_des_storage.table_schema import (
    NewFields,
    TableSchema,
    distinct,
)
from dynamic_des_storage.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dynamic_des import Batch
    from dynamic_des_storage.places import Place
    from dynamic_des_storage.segments import Growing

__all__ = ["Compression", "ParquetEgress"]

Compression = Literal["zstd", "snappy", "gzip", "lz4", "none"]
_ROW_GROUP = 131_072  # rows
_SEQ = pa.field("seq", pa.int64())
_SYS_SEQ = pa.field("sys_seq", pa.int64())
_SIM_TS = pa.field("sim_ts", pa.float64())
_TIMESTAMP = pa.field("timestamp", TIMESTAMP)
_STREAM_TYPE = pa.field("stream_type", pa.string())
_TEXTS = [pa.field("key", pa.string()), pa.field("path_id", pa.string())]
_DETAIL = json_field("detail")
_COLUMNS = [field.name for field in (_SEQ, _SYS_SEQ, _SIM_TS, _TIMESTAMP, _STREAM_TYPE, *_TEXTS, _DETAIL)]


class ParquetEgress(StorageEgress):
    """Writes records as Parquet files, in folders that every reader takes for one data set.

    Each has the columns ``seq``, ``sim_ts``, ``timestamp``, ``key``, ``path_id`` and one for each field of the events'
    values; what is no dictionary is in the column ``value``. A field that is called like one of these columns, or like
    a partition, has ``value_`` before its name.

    **Promised**: when ``write`` has returned, every record of it is in a complete file that can be seen. No file is
    ever seen half written. A batch that comes again is not written twice. What cannot be cast to the schema is set
    aside with the reason, and nothing else of its batch.

    **Not promised**: that what was written survives the loss of power at once: it was given to the operating system.
    That a process killed while files become one leaves no record twice, until the folder is opened again: `read` and
    the next run see to that.

    Args:
        path: A folder, or a URI such as ``s3://bucket/runs``, ``gs://…``, ``abfs://…``.
        filesystem: A file system of PyArrow's; or arguments for the one of the URI's scheme.
        router: Partitions: names among ``stream_type``, ``date``, ``sim_id``, ``twin``, ``run_id``, outermost first; or
            a function that returns name → value for a record.
        schema: What the fields hold: an Arrow schema, a pydantic model, a table of names and types. Without one the
            first batch says it. A field that it does not name is new.
        new_fields: What becomes of a new field: ``"evolve"`` adds a column, ``"ignore"`` leaves it out, ``"refuse"``
            sets its record aside.
        target_file_size: About how many bytes a file has when it is full. 0 leaves one file for each batch.
        rotate_after_s: After so many wall seconds a file is full as well.
        compression: How columns are compressed.
        system: Whether the framework's own ``system.*`` records are written too, with ``sys_seq`` and ``detail``.
    """

    extension: ClassVar[str] = "parquet"

    def __init__(
        self,
        path: str | Path,
        *,
        filesystem: fs.FileSystem | Mapping[str, Any] | None = None,
        router: Sequence[str] | Router = ("stream_type",),
        schema: Declared = None,
        new_fields: NewFields = "evolve",
        target_file_size: int = 128 << 20,
        rotate_after_s: float | None = None,
        compression: Compression = "zstd",
        system: bool = False,
    ) -> None:
        super().__init__(path, filesystem, router, target_file_size, rotate_after_s, system)
        if new_fields not in ("evolve", "ignore", "refuse"):
            raise ConfigError(f"ParquetEgress: new_fields is {new_fields!r}. Give 'evolve', 'ignore' or 'refuse'.")
        self._declared = declared_fields(schema)
        self._new_fields = new_fields
        self._compression = compression
        self._try_writing()
        self._schema = TableSchema(self._declared, new_fields)

    def _begin(self, place: Place) -> None:
        earlier = earlier_fields(place, {*_COLUMNS, *(name.lower() for name in self._routing.names)})
        self._schema = TableSchema(self._declared, self._new_fields, earlier)

    def _try_writing(self) -> None:
        """Raise what every batch would raise, for what PyArrow says only when it writes."""
        try:
            self._encode(pa.schema(self._declared).empty_table())
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            raise ConfigError(f"ParquetEgress: schema, compression {show(self._compression)}: {error}.") from error

    def _parts(self, batch: Batch) -> tuple[list[Part], list[tuple[int, str]]]:
        records = Records(batch)
        if not len(records):
            return [], []
        partitions = self._routing.names
        folders, unroutable = self._routing.groups(records)
        if self._routing.names != partitions:
            self._finish_all()  # a file has one schema, and no column that is called like a partition
        refused = Refused(unroutable)
        table = self._table(records, refused)
        parts = []
        for folder, rows in folders.items():
            good = [row for row in rows if row not in refused] if refused else rows
            good = good and self._unwritten(folder, records.seq, good, system=records.system)
            if good:
                part = table if len(good) == len(records) else table.take(pa.array(good, pa.int64()))
                parts.append(Part(folder, records.seq[good[0]], records.seq[good[-1]], part))
        return parts, [(records.seq[row], reason) for row, reason in sorted(refused.items())]

    def _table(self, records: Records, refused: Refused) -> pa.Table:
        rows = range(len(records))
        values = Values([{}] * len(records) if records.system else records.value)
        if not records.system and self._learn(records.stream_type, values, refused):
            self._finish_all()  # a file has one schema
        base = self._base(records, refused)
        fields = distinct(self._schema.fields, [*(field.name for field, _ in base), *self._routing.names])
        arrays = [array for _, array in base]
        if records.system:
            arrays += [pa.nulls(len(records), field.type) for field in fields]
        else:
            arrays += self._schema.columns(values, rows, refused)
        return pa.table(arrays, schema=pa.schema([*(field for field, _ in base), *fields]))

    def _learn(self, kinds: Sequence[str], values: Values, refused: Refused) -> bool:
        if kinds.count(kinds[0]) == len(kinds):
            return self._schema.learn(kinds[0], values, range(len(values)), refused)
        more = False
        for kind in dict.fromkeys(kinds):
            rows = [row for row, one in enumerate(kinds) if one == kind]
            more |= self._schema.learn(kind, values.at(rows), rows, refused)
        return more

    def _base(self, records: Records, refused: Refused) -> list[tuple[pa.Field, pa.Array]]:
        """Return the columns that every record has: in all files the same ones."""
        numbers, none = pa.array(records.seq, _SEQ.type), pa.nulls(len(records), _SEQ.type)
        made = [
            (_SEQ, none if records.system else numbers),
            (_SIM_TS, pa.array(records.sim_ts, _SIM_TS.type)),
            (_TIMESTAMP, records.timestamp),
            *((field, _names(field, records, refused)) for field in _TEXTS),
        ]
        if "stream_type" not in self._routing.names:
            kinds = ["system"] * len(records) if records.system else records.stream_type
            made.insert(0, (_STREAM_TYPE, pa.array(kinds, _STREAM_TYPE.type)))
        if self._system:
            details = records.value if records.system else [ABSENT] * len(records)
            made += [
                (_SYS_SEQ, numbers if records.system else none),
                (_DETAIL, column(_DETAIL, details, range(len(records)), refused)),
            ]
        return made

    def _last_of(self, place: Place, name: str) -> int:
        with place.fs.open_input_file(place.absolute(name)) as file:
            footer = pq.read_metadata(file)
        last = footer.row_group(footer.num_row_groups - 1)
        columns = (last.column(number) for number in range(last.num_columns))
        return next(int(one.statistics.max) for one in columns if one.path_in_schema == "seq")

    def _encode(self, data: pa.Table) -> pa.Buffer:
        sink = pa.BufferOutputStream()
        dictionary = _texts(data.schema)
        pq.write_table(data, sink, compression=self._compression, row_group_size=_ROW_GROUP, use_dictionary=dictionary)
        return sink.getvalue()

    def _decode(self, content: bytes) -> pa.Table:
        return pq.ParquetFile(pa.BufferReader(content)).read()

    def _growing(self) -> Callable[[Any, Any], Growing]:
        compression = self._compression
        return lambda stream, table: GrowingTable(stream, table.schema, compression)


class GrowingTable:
    """Writes a Parquet file table by table, in row groups of one size."""

    def __init__(self, stream: Any, schema: pa.Schema, compression: Compression) -> None:
        self._stream = stream
        self._writer = pq.ParquetWriter(stream, schema, compression=compression, use_dictionary=_texts(schema))
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._groups = 0

    def add(self, part: pa.Table) -> None:
        """Append a table."""
        self._waiting.append(part)
        self._rows += len(part)
        if self._rows >= _ROW_GROUP:
            self.flush()

    def size(self) -> int:
        """Return the size of the row groups that are written."""
        return int(self._stream.tell()) if self._groups else 0

    def waiting(self) -> int:
        """Return the rows that wait for a row group."""
        return self._rows

    def finish(self) -> None:
        """Write what waits, and the footer."""
        self.flush()
        self._writer.close()

    def flush(self) -> None:
        """Write what waits, as a row group."""
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=_ROW_GROUP)
            self._groups += 1
        self._waiting, self._rows = [], 0


def _names(field: pa.Field, records: Records, refused: Refused) -> pa.Array:
    names = records.names(field.name)
    if names is None:
        return pa.nulls(len(records), field.type)
    return column(field, names, range(len(records)), refused)


def _texts(schema: pa.Schema) -> list[str] | bool:
    """Return what is worth a dictionary: numbers become larger by it, and take twice the time."""
    return [field.name for field in schema if pa.types.is_string(field.type)] or False
