"""Which windows an event belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import ceil, inf
from typing import Any, Protocol, runtime_checkable

from dynamic_des.components.checks import positive_number
from dynamic_des.components.lattice import Lattice, exact_fraction
from dynamic_des.errors import ConfigError, ParameterError, nearest, show

__all__ = [
    "LateEventPolicy",
    "SessionWindow",
    "SlidingWindow",
    "TumblingWindow",
    "Window",
    "WindowState",
    "WindowType",
    "window_type_of",
]

Window = tuple[float, float]
"""Start and end: the end does not belong to it."""

_MOST_WINDOWS = 1_000_000


@runtime_checkable
class WindowType(Protocol):
    """Assigns events to windows."""

    def assign_windows(self, event_time_s: float) -> list[Window]:
        """Assign an event to windows based on its event time.

        Args:
            event_time_s: Event time in seconds.

        Returns:
            List of (window_start, window_end) tuples.
        """

    def should_close(self, window_end: float, watermark_s: float) -> bool:
        """Return whether a window should be closed and emitted, given the current watermark.

        Args:
            window_end: End time of the window.
            watermark_s: Current watermark in seconds.
        """


class _ClosesAtItsEnd:
    """What all windows of this module share."""

    def should_close(self, window_end: float, watermark_s: float) -> bool:
        """Return whether the watermark has reached the end of the window."""
        return watermark_s >= window_end


class TumblingWindow(_ClosesAtItsEnd):
    """Non-overlapping fixed-size windows, ``[k * size_s, (k + 1) * size_s)`` for whole ``k``, also below 0.

    Each event belongs to exactly one window. The bounds are the doubles nearest to the exact multiples: the third
    window of 0.1 s starts at 0.3, not at 0.30000000000000004.

    Args:
        size_s: Window size in seconds.

    Raises:
        ParameterError: (a ValueError) If it is not above 0.
    """

    def __init__(self, size_s: float) -> None:
        self._size_s = positive_number(size_s, "TumblingWindow: size_s")
        self._lattice = Lattice(self._size_s)
        self._last: tuple[Window, ...] = ((inf, -inf),)

    @property
    def size_s(self) -> float:
        """Window size in seconds."""
        return self._size_s

    def assign_windows(self, event_time_s: float) -> list[Window]:
        """Return the window of an event."""
        return list(self.windows_at(event_time_s))

    def windows_at(self, event_time_s: float) -> tuple[Window, ...]:
        """Return what `assign_windows` does, without a copy."""
        last = self._last
        start, end = last[0]
        if not start <= event_time_s < end:
            lattice = self._lattice
            index = lattice.index(event_time_s)
            last = self._last = ((lattice.point(index), lattice.point(index + 1)),)
        return last


class SlidingWindow(_ClosesAtItsEnd):
    """Overlapping windows with fixed size and slide interval, ``[k * slide_s, k * slide_s + size_s)``, also below 0.

    Each event may belong to multiple windows: to ``size_s / slide_s`` of them, when that is a whole number; to none,
    when it falls in the gap that a slide above the size leaves. The bounds are the doubles nearest to their exact
    values, so that windows that meet share a bound.

    Args:
        size_s: Window size in seconds.
        slide_s: Slide interval in seconds.

    Raises:
        ParameterError: (a ValueError) If one of them is not above 0, or an event would be in a million windows.
    """

    def __init__(self, size_s: float, slide_s: float) -> None:
        self._size_s = positive_number(size_s, "SlidingWindow: size_s")
        self._slide_s = positive_number(slide_s, "SlidingWindow: slide_s")
        size, slide = exact_fraction(self._size_s), exact_fraction(self._slide_s)
        slides = round(size / slide)
        if float(slide * slides) == self._size_s:
            size = slide * slides  # meant as a multiple, though its double is not
        if size / slide >= _MOST_WINDOWS:
            raise ParameterError(
                f"SlidingWindow: with size_s {self._size_s} and slide_s {self._slide_s} every event would be in "
                f"{ceil(size / slide)} windows. Give a larger slide_s."
            )
        self._lattice = Lattice(self._slide_s)
        self._denominator = size.denominator * slide.denominator
        self._step = slide.numerator * size.denominator
        self._length = size.numerator * slide.denominator
        self._last: tuple[Window, ...] = ()
        self._last_from, self._last_until = inf, -inf  # the event times for which _last holds

    @property
    def size_s(self) -> float:
        """Window size in seconds."""
        return self._size_s

    @property
    def slide_s(self) -> float:
        """Slide interval in seconds."""
        return self._slide_s

    def assign_windows(self, event_time_s: float) -> list[Window]:
        """Return the windows of an event, by their start."""
        return list(self.windows_at(event_time_s))

    def windows_at(self, event_time_s: float) -> tuple[Window, ...]:
        """Return what `assign_windows` does, without a copy."""
        if not self._last_from <= event_time_s < self._last_until:
            self._find(event_time_s)
        return self._last

    def _find(self, time: float) -> None:
        newest = oldest = self._lattice.index(time)
        while self._end(oldest) > time:
            oldest -= 1
        # nothing changes until the next window starts, or the oldest of these ends
        self._last = tuple((self._lattice.point(index), self._end(index)) for index in range(oldest + 1, newest + 1))
        self._last_from = max(self._lattice.point(newest), self._end(oldest))
        self._last_until = min([self._lattice.point(newest + 1), *(end for _, end in self._last[:1])])

    def _end(self, index: int) -> float:
        return (index * self._step + self._length) / self._denominator


class SessionWindow(_ClosesAtItsEnd):
    """Dynamic windows based on activity gaps, per key.

    Events that are no further apart than the gap are in one session, whatever order they come in: the session reaches
    from its first event to its last event plus the gap.

    Args:
        gap_s: Maximum inactivity gap in seconds.

    Raises:
        ParameterError: (a ValueError) If it is not above 0.
    """

    def __init__(self, gap_s: float) -> None:
        self._gap_s = positive_number(gap_s, "SessionWindow: gap_s")

    @property
    def gap_s(self) -> float:
        """Maximum inactivity gap in seconds."""
        return self._gap_s

    def assign_windows(self, event_time_s: float) -> list[Window]:
        """Return the session of an event that is alone."""
        return [(event_time_s, event_time_s + self._gap_s)]


class LateEventPolicy(Enum):
    """How to handle events that are late for all their windows.

    A window takes events until the watermark has reached its end plus the allowed lateness. One that comes after the
    window was emitted, but within the lateness, makes it fire again with everything in it.

    Attributes:
        DROP: Drop and count them.
        UPDATE: As DROP, and count those that made a window fire again as late events that were applied.
        SIDE_OUTPUT: Send them to the side output.
    """

    DROP = "drop"
    UPDATE = "update"
    SIDE_OUTPUT = "side_output"


@dataclass(slots=True, eq=False)
class WindowState:
    """State of an active window of one key.

    Attributes:
        start: Window start time.
        end: Window end time.
        records: Records accumulated in this window, in their order of arrival; where sessions were merged, those of
            the earlier one first.
        emitted: Whether the window result has been emitted.
        key: The key.
        panes: How many results have been emitted, early ones included.
        merged: Whether the window has become part of another one.
        fresh: How many records have come since its last result, while something counts them.
    """

    start: float
    end: float
    records: list[Any] = field(default_factory=list)
    emitted: bool = False
    key: Any = None
    panes: int = 0
    merged: bool = False
    fresh: int = 0


def window_type_of(setting: Any, where: str) -> Any:
    """Return the window type that ``setting`` describes: one itself, or the table of one.

    A table has a ``type`` (``"tumbling"``, ``"sliding"`` or ``"session"``) and the parameters of that.

    Raises:
        ConfigError: If it describes none.
    """
    known = {"tumbling": TumblingWindow, "sliding": SlidingWindow, "session": SessionWindow}
    if isinstance(setting, Mapping):
        options = dict(setting)
        kind = options.pop("type", None)
        if kind not in known:
            hint = nearest(kind, known) or f" Give one of {', '.join(map(repr, known))}."
            raise ConfigError(f"{where}: the type {show(kind)} is unknown.{hint}")
        try:
            return known[kind](**options)
        except TypeError as error:
            raise ConfigError(f"{where}: {show(dict(setting))}: {error}.") from error
    if isinstance(setting, type) or not all(callable(getattr(setting, name, None)) for name in _WINDOW_METHODS):
        raise ConfigError(
            f"{where}: {show(setting)} is no window type. Give TumblingWindow(size_s), SlidingWindow(size_s, slide_s), "
            "SessionWindow(gap_s), or an object with assign_windows(event_time_s) and should_close(window_end, "
            "watermark_s)."
        )
    return setting


_WINDOW_METHODS = ("assign_windows", "should_close")
