"""A twin's records in a data lake: Parquet and JSON lines, on a disk or in an object store; and back again.

`ParquetEgress` and `JsonlEgress` write, `read`, `to_pandas` and `to_polars` read what was written, `ParquetIngress` and
`JsonlIngress` replay files of changes or of arrivals.
"""

from __future__ import annotations

from dynamic_des_storage.jsonl_egress import JsonlEgress
from dynamic_des_storage.parquet_egress import ParquetEgress
from dynamic_des_storage.reading import read, to_pandas, to_polars
from dynamic_des_storage.replaying import JsonlIngress, ParquetIngress

__version__ = "0.1.0"

__all__ = [
    # out
    "JsonlEgress",
    "ParquetEgress",
    # back
    "read",
    "to_pandas",
    "to_polars",
    # in
    "JsonlIngress",
    "ParquetIngress",
]
