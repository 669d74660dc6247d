"""Compressed files of lines."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["unpacked"]

_CODECS = {".gz": "gzip", ".zst": "zstd"}


def unpacked(name: str, content: bytes) -> bytes:
    """Return what a file holds, decompressed if its name says that it is compressed."""
    for end, codec in _CODECS.items():
        if name.endswith(end):
            plain: bytes = pa.CompressedInputStream(pa.BufferReader(content), codec).read()
            return plain
    return content
