"""A batch as columns, whether core has it so or as dictionaries only."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from dynamic_des import Batch
    from dynamic_des.columns import BatchColumns

__all__ = ["TIMESTAMP", "Records"]

TIMESTAMP = pa.timestamp("us", "UTC")
_KINDS = ("telemetry", "event")


class Records:
    """The records of a batch by columns, each made when it is asked for.

    Args:
        batch: The batch.

    Attributes:
        system: Whether they are the framework's own.
    """

    def __init__(self, batch: Batch) -> None:
        self.system = batch.system
        self._batch = batch

    def __len__(self) -> int:
        return len(self._batch)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """The records as dictionaries, for who cannot do without."""
        return self._batch[:]

    @cached_property
    def seq(self) -> Sequence[int]:
        """Their numbers: of the model's own records, or of the framework's."""
        return self._batch.numbers

    @cached_property
    def _columns(self) -> BatchColumns | None:
        return self._batch.columns()

    @cached_property
    def sim_ts(self) -> Sequence[float]:
        """Simulated seconds."""
        return self._columns.sim_ts if self._columns else self._of("sim_ts")

    @cached_property
    def timestamp(self) -> pa.Array:
        """Points in time."""
        if self._columns:
            return pa.array(self._columns.moment).cast(TIMESTAMP)
        return pa.array(self._of("timestamp"), pa.string()).cast(TIMESTAMP)

    @cached_property
    def stream_type(self) -> Sequence[str]:
        """What each is, ``"event"`` or ``"telemetry"``."""
        if not self._columns:
            return self._of("stream_type")
        if all(self._columns.is_event):
            return ["event"] * len(self)
        return [_KINDS[one] for one in self._columns.is_event]

    @cached_property
    def value(self) -> Sequence[Any]:
        """The values."""
        return self._columns.value if self._columns else self._of("value")

    def names(self, kind: str) -> Sequence[Any] | None:
        """Return the ``"key"`` of each event, or the ``"path_id"`` of each other record; None for the rest.

        None alone when there are only others.
        """
        if not self._columns:
            return self._of(kind)
        wanted, names, events = kind == "key", self._columns.name, self._columns.is_event
        if all(events):
            return names if wanted else None
        return [name if is_event is wanted else None for name, is_event in zip(names, events, strict=True)]

    def dates(self, offset: timedelta | None) -> Sequence[str]:
        """Return the day of each, ``"2026-01-31"``, in the zone of its time stamp.

        Args:
            offset: How far that zone is ahead of UTC.
        """
        if not self._columns:
            return [stamp[:10] for stamp in self._of("timestamp")]
        moments = self._columns.moment
        days = (moments + np.timedelta64(offset) if offset else moments).astype("datetime64[D]")
        each, places = np.unique(days, return_inverse=True)
        texts: list[str] = np.datetime_as_string(each).tolist()
        return [texts[place] for place in places.tolist()]

    def _of(self, name: str) -> list[Any]:
        return [record.get(name) for record in self._batch]
