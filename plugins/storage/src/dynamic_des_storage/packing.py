"""Files of JSON lines, also compressed ones."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
import pyarrow as pa

__all__ = ["lines", "parsed", "unpacked"]

_CODECS = {".gz": "gzip", ".zst": "zstd"}
_MARK = b"\xef\xbb\xbf"  # which some editors put before UTF-8
_LARGE = re.compile(rb"\d{19}")  # perhaps an integer beyond 64 bits, of which orjson makes a double


def unpacked(name: str, content: bytes) -> bytes:
    """Return what a file holds, decompressed if its name says that it is compressed.

    Raises:
        ValueError: If it is not what its name says, or not all of it.
    """
    for end, codec in _CODECS.items():
        if name.lower().endswith(end):
            try:
                plain: bytes = pa.CompressedInputStream(pa.BufferReader(content), codec).read()
            except OSError as error:
                raise ValueError(str(error)) from error
            return plain
    return content


def lines(name: str, content: bytes) -> list[tuple[int, bytes]]:
    """Return number and content of the lines of a file that are not empty."""
    each = unpacked(name, content).removeprefix(_MARK).split(b"\n")
    return [(number, line) for number, line in enumerate(each, start=1) if line.strip()]


def parsed(line: bytes) -> Any:
    """Return what a line says, integers of any length as they are.

    Raises:
        ValueError: If it is not JSON.
    """
    found = orjson.loads(line)
    return json.loads(line) if _LARGE.search(line) else found
