"""What a stream processor sends out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["LateEvent", "Pane", "WindowResult"]


class Pane(StrEnum):
    """Why a window was emitted.

    Attributes:
        EARLY: A trigger asked for a preview.
        ON_TIME: The watermark has reached its end.
        LATE: An event came after that, within the allowed lateness.
    """

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class WindowResult:
    """The result of one window of one key.

    Attributes:
        key: The key.
        window_start: Window start time.
        window_end: Window end time, which does not belong to the window.
        result: What the aggregate function made of the records.
        record_count: How many records those were.
        pane: Why the window was emitted.
        pane_index: How many results of this window came before.
    """

    key: Any
    window_start: float
    window_end: float
    result: Any
    record_count: int
    pane: Pane = Pane.ON_TIME
    pane_index: int = 0


@dataclass(frozen=True, slots=True)
class LateEvent:
    """An event that was late for all its windows.

    Attributes:
        key: The key.
        value: The value.
        event_time_s: Its event time.
        watermark_s: The watermark that it was too late for.
    """

    key: Any
    value: Any
    event_time_s: float
    watermark_s: float
