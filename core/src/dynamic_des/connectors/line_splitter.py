"""Chunks of bytes, cut into lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Line", "LineSplitter"]

_MAX_LINE = 1 << 24  # what a line may hold in memory; core refuses far shorter ones
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which Windows editors put at the beginning

Line = tuple[bytes, int, int]


class LineSplitter:
    """Cuts chunks into lines, and keeps count of offset and line number.

    Attributes:
        offset: Bytes up to the end of the last complete line.
        number: How many lines were complete.
    """

    def __init__(self, offset: int, number: int) -> None:
        self.offset = offset
        self.number = number
        self._open = bytearray()
        self._open_length = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """Yield ``(line, offset after it, line number)`` for each line that ``chunk`` completes."""
        *complete, tail = chunk.split(b"\n")
        for piece in complete:
            self._keep(piece)
            yield self._cut(1)
        self._keep(tail)

    def rest(self) -> Iterator[Line]:
        """Yield the last line when it has no line break."""
        if self._open_length:
            yield self._cut(0)

    def _keep(self, piece: bytes) -> None:
        self._open_length += len(piece)
        self._open += piece[: max(0, _MAX_LINE - len(self._open))]  # the rest of an endless line is only counted

    def _cut(self, line_break: int) -> Line:
        line = bytes(self._open).rstrip(b"\r")
        if self.offset == 0:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        self.offset += self._open_length + line_break
        self.number += 1
        self._open = bytearray()  # a new one: a cleared one would keep the memory of the longest line
        self._open_length = 0
        return line, self.offset, self.number
