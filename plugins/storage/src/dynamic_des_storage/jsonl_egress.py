"""Records as files of JSON lines."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence  # noqa: TC003 - as below
from typing import TYPE_CHECKING, Any, Literal

import orjson
import pyarrow as pa
from pyarrow import fs

from dynamic_des import JsonSerializer
from dynamic_des.errors import ConfigError
from dynamic_des_storage.packing import unpacked
from dynamic_des_storage.records import Records
from dynamic_des_storage.routing import Router  # noqa: TC001 - read by the configuration
from dynamic_des_storage.storage_egress import Part, StorageEgress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dynamic_des import Batch
    from dynamic_des_storage.places import Place
    from dynamic_des_storage.segments import Growing

__all__ = ["JsonlEgress"]

_EXTENSIONS = {"none": "jsonl", "gzip": "jsonl.gz", "zstd": "jsonl.zst"}


class JsonlEgress(StorageEgress):
    """Writes records as JSON lines, in files that are full after a size or a time, compressed if wanted.

    Each batch is a compressed stream of its own; a file is several of them in a row, as the formats allow.

    **Promised** and **not promised**: as of `ParquetEgress`. What has no JSON form is set aside.

    Args:
        path: A folder, or a URI such as ``s3://bucket/runs``, ``gs://…``, ``abfs://…``.
        filesystem: A file system of PyArrow's; or arguments for the one of the URI's scheme.
        router: Partitions: names among ``stream_type``, ``date``, ``sim_id``, ``twin``, ``run_id``, outermost first; or
            a function that returns name → value for a record. None by default: all records in their order.
        target_file_size: About how many bytes a file has when it is full. 0 leaves one file for each batch.
        rotate_after_s: After so many wall seconds a file is full as well.
        compression: ``"none"``, ``"gzip"`` or ``"zstd"``.
        system: Whether the framework's own ``system.*`` records are written too.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        filesystem: fs.FileSystem | Mapping[str, Any] | None = None,
        router: Sequence[str] | Router = (),
        target_file_size: int = 128 << 20,
        rotate_after_s: float | None = None,
        compression: Literal["none", "gzip", "zstd"] = "none",
        system: bool = False,
    ) -> None:
        super().__init__(path, filesystem, router, target_file_size, rotate_after_s, system)
        if compression not in _EXTENSIONS:
            raise ConfigError(f"JsonlEgress: compression is {compression!r}. Give 'none', 'gzip' or 'zstd'.")
        self._compression = compression
        self._serializer = JsonSerializer()

    @property
    def extension(self) -> str:  # type: ignore[override]  # it depends on the compression
        """What the files' names end with."""
        return _EXTENSIONS[self._compression]

    def _parts(self, batch: Batch) -> tuple[list[Part], list[tuple[int, str]]]:
        records = Records(batch)
        folders, unroutable = self._routing.groups(records)
        parts = []
        for folder, routed in folders.items():
            rows = self._unwritten(folder, records.seq, routed, system=batch.system) if routed else routed
            lines = batch.lines(self._serializer) if len(rows) == len(records) else self._lines(batch, rows)
            if lines:
                refused = {seq for seq, _ in batch.refused}
                last = next(records.seq[row] for row in reversed(rows) if records.seq[row] not in refused)
                parts.append(Part(folder, records.seq[rows[0]], last, self._packed(lines)))
        return parts, [(records.seq[row], reason) for row, reason in unroutable]

    def _lines(self, batch: Batch, rows: Sequence[int]) -> bytes:
        payloads = batch[:]
        lines = self._serializer.serialize_lines([payloads[row] for row in rows])
        if lines is None:  # one of them is unusual: each alone, and what cannot be encoded is set aside
            each = batch.encode(self._serializer)
            lines = b"".join(line + b"\n" for line in map(each.__getitem__, rows) if line is not None)
        return lines

    def _packed(self, lines: bytes) -> Any:
        if self._compression == "gzip":
            return gzip.compress(lines, 6, mtime=0)
        if self._compression == "zstd":
            return pa.Codec("zstd").compress(lines, asbytes=True)
        return lines

    def _last_of(self, place: Place, name: str) -> int:
        last = unpacked(name, place.read(name)).rstrip().rpartition(b"\n")[2]
        return int(orjson.loads(last)["seq"])

    def _encode(self, data: Any) -> Any:
        return data

    def _decode(self, content: bytes) -> Any:
        return content

    def _growing(self) -> Callable[[Any, Any], Growing]:
        return lambda stream, _: GrowingBytes(stream)


class GrowingBytes:
    """Writes a file by appending."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._size = 0

    def add(self, part: bytes) -> None:
        """Append bytes."""
        self._stream.write(part)
        self._size += len(part)

    def size(self) -> int:
        """Return how many there are."""
        return self._size

    def waiting(self) -> int:
        """Nothing is kept in memory."""
        return 0

    def flush(self) -> None:
        """Nothing is left to write."""

    def finish(self) -> None:
        """Nothing is left to write."""
