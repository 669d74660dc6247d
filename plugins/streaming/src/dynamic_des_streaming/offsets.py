"""The offsets of a group: how far it has come in each partition, and where it starts when it has not begun."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ConfigError, ParameterError, nearest, show
from dynamic_des_streaming.errors import NoOffsetError, OffsetOutOfRangeError

if TYPE_CHECKING:
    from dynamic_des_streaming.event_log import EventLog

__all__ = ["GroupOffsets"]

_RESETS = ("earliest", "latest", "none")


class GroupOffsets:
    """What a group has committed in a log.

    Attributes:
        committed: Partition → the offset that the group goes on from: one after the last record that is done.
    """

    def __init__(self, log: EventLog, reset: str, where: str) -> None:
        if reset not in _RESETS:
            hint = nearest(reset, _RESETS) or f" Give {', '.join(map(repr, _RESETS))}."
            raise ConfigError(f"{where}: auto_offset_reset: {show(reset)} is unknown.{hint}")
        self.committed: dict[int, int] = {}
        self._log = log
        self._partitions = log.partitions
        self._reset = reset
        self._where = where

    def start(self, partition: int) -> int | None:
        """Return where a new owner of a partition starts; None when there is nowhere, under ``"none"``."""
        committed = self.committed.get(partition)
        if committed is not None:
            return committed
        return self._reset_to(partition)

    def fetchable(self, partition: int, position: int | None) -> int:
        """Return the position to fetch from: ``position``, or another when retention has overtaken it.

        Raises:
            NoOffsetError: If there is none and ``auto_offset_reset`` is ``"none"``.
        """
        low = self._partitions[partition].low_watermark
        if position is not None and position >= low:
            return position
        reset = self._reset_to(partition)
        if reset is None:
            what = "has no committed offset" if position is None else f"has lost offset {position} to retention"
            raise NoOffsetError(
                f"{self._where}: partition {partition} {what}, and auto_offset_reset is 'none'. "
                f"Commit an offset from {low} on, or choose 'earliest' or 'latest'."
            )
        return reset

    def lag(self, partition: int, start: int | None) -> int:
        """Return by how many records the group is behind in a partition.

        Args:
            partition: The partition.
            start: Where its owner started, which counts as long as nothing is committed.
        """
        behind = self.committed.get(partition, start)
        if behind is None:
            behind = self._log.low_watermark(partition)
        return self._log.high_watermark(partition) - behind

    def check(self, offsets: Any) -> dict[int, int]:
        """Return offsets that are to be committed, if all of them are in the log.

        Raises:
            ParameterError: (a ValueError) If they are not whole numbers by partition.
            OffsetOutOfRangeError: If one is below 0 or above the high watermark.
        """
        if not isinstance(offsets, Mapping):
            raise ParameterError(
                f"{self._where}: the offsets {show(offsets)} are not a mapping of partition to offset."
            )
        checked: dict[int, int] = {}
        for partition, offset in offsets.items():
            high = self._log.high_watermark(partition)
            if type(offset) is not int and (not isinstance(offset, Integral) or isinstance(offset, bool)):
                raise ParameterError(f"{self._where}: the offset {show(offset)} is not a whole number.")
            if not 0 <= int(offset) <= high:
                raise OffsetOutOfRangeError(
                    f"{self._where}: offset {offset} is outside of partition {partition}, whose high watermark is "
                    f"{high}. Commit the offset after the last record that is done. Nothing was committed."
                )
            checked[int(partition)] = int(offset)
        return checked

    def _reset_to(self, partition: int) -> int | None:
        if self._reset == "earliest":
            return self._log.low_watermark(partition)
        return self._log.high_watermark(partition) if self._reset == "latest" else None
