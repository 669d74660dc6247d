"""The windows that are open, and those that can still change."""

from __future__ import annotations

from bisect import bisect_left
from heapq import heappop, heappush, heapreplace
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

from dynamic_des_streaming.windows import SessionWindow, Window, WindowState, WindowType

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FixedWindows", "SessionWindows", "WindowStore", "ordered", "store_of"]

_Entry = tuple[float, int, WindowState]


class WindowStore:
    """Window states by key, and two agendas: what is to be emitted, and what is to be forgotten.

    What an operation costs depends on how many windows are open (by a logarithm), never on how many there were.

    Args:
        on_open: Called with the end of every window that is to be emitted.

    Attributes:
        active: How many windows have not been emitted.
    """

    def __init__(self, on_open: Callable[[float], None]) -> None:
        self.active = 0
        self._on_open = on_open
        self._order = count()
        self._open: list[_Entry] = []
        self._emitted: list[_Entry] = []

    def place(self, key: Any, time: float, watermark: float, late: Callable[[float], bool]) -> list[WindowState] | None:
        """Return the windows that an event is to be added to: none when it is late for all; None when it has none.

        Args:
            key: Key of the event.
            time: Its event time.
            watermark: The watermark: no window that ends after it is late.
            late: Whether it is too late for a window with this end.
        """
        raise NotImplementedError

    def forget(self, state: WindowState) -> None:
        """Free a window: an event that would belong to it finds nothing."""
        raise NotImplementedError

    def opened(self, state: WindowState) -> None:
        """Put a window on the agenda of those to be emitted."""
        state.emitted = False
        self.active += 1
        heappush(self._open, (state.end, next(self._order), state))
        self._on_open(state.end)

    def next_end(self) -> float:
        """Return the earliest end of a window that has not been emitted; inf when there is none."""
        agenda = self._open
        while agenda:
            end, _, state = agenda[0]
            if state.merged or state.emitted:
                heappop(agenda)
            elif state.end != end:  # a session that has grown since
                heapreplace(agenda, (state.end, next(self._order), state))
            else:
                return end
        return inf

    def close(self, closes: Callable[[float], bool]) -> list[WindowState]:
        """Return the windows that close, as `ordered`; they are not on the agenda any more."""
        closing = []
        while (end := self.next_end()) < inf and closes(end):
            state = heappop(self._open)[2]
            self.mark_emitted(state)
            closing.append(state)
        return ordered(closing)

    def mark_emitted(self, state: WindowState) -> None:
        """Take a window off the agenda of those to be emitted."""
        state.emitted = True
        self.active -= 1

    def keep(self, state: WindowState) -> None:
        """Keep an emitted window until it is late."""
        heappush(self._emitted, (state.end, next(self._order), state))

    def next_emitted_end(self) -> float:
        """Return the earliest end of an emitted window that is still kept; inf when there is none."""
        agenda = self._emitted
        while agenda:
            end, _, state = agenda[0]
            if not state.merged and state.emitted and state.end == end:
                return end
            heappop(agenda)
        return inf

    def free(self, late: Callable[[float], bool]) -> None:
        """Forget the emitted windows that are late."""
        while (end := self.next_emitted_end()) < inf and late(end):
            self.forget(heappop(self._emitted)[2])


class FixedWindows(WindowStore):
    """Windows whose bounds depend on the event time alone."""

    def __init__(self, window_type: WindowType, on_open: Callable[[float], None]) -> None:
        super().__init__(on_open)
        self._windows_at: Callable[[float], Any] = getattr(window_type, "windows_at", window_type.assign_windows)
        self._states: dict[Window, dict[Any, WindowState]] = {}

    def place(self, key: Any, time: float, watermark: float, late: Callable[[float], bool]) -> list[WindowState] | None:
        windows = self._windows_at(time)
        placed = []
        for window in windows:
            end = window[1]
            if end <= watermark and late(end):
                continue
            by_key = self._states.get(window)
            if by_key is None:
                by_key = self._states[window] = {}
            state = by_key.get(key)
            if state is None:
                state = by_key[key] = WindowState(window[0], end, [], False, key)
                self.opened(state)
            placed.append(state)
        return placed if windows else None

    def forget(self, state: WindowState) -> None:
        by_key = self._states[state.start, state.end]
        del by_key[state.key]
        if not by_key:
            del self._states[state.start, state.end]


class SessionWindows(WindowStore):
    """Sessions: for each key a list of windows that do not touch, by time."""

    def __init__(self, window_type: SessionWindow, on_open: Callable[[float], None]) -> None:
        super().__init__(on_open)
        self._gap = window_type.gap_s
        self._sessions: dict[Any, list[WindowState]] = {}

    def place(self, key: Any, time: float, watermark: float, late: Callable[[float], bool]) -> list[WindowState] | None:
        sessions = self._sessions.get(key, [])
        start, end = time, time + self._gap
        first = stop = bisect_left(sessions, start, key=_end_of)
        while stop < len(sessions) and sessions[stop].start <= end:
            stop += 1
        if first < stop:
            start, end = min(start, sessions[first].start), max(end, sessions[stop - 1].end)
        if end <= watermark and late(end):
            return []
        if first == stop:
            state = WindowState(start, end, [], False, key)
            sessions.insert(first, state)
            self._sessions[key] = sessions
            self.opened(state)
        else:
            state = self._merge(sessions, first, stop)
            grown, state.start, state.end = end != state.end, start, end
            if grown and state.emitted:
                self.opened(state)
        return [state]

    def forget(self, state: WindowState) -> None:
        sessions = self._sessions[state.key]
        del sessions[bisect_left(sessions, state.end, key=_end_of)]
        if not sessions:
            del self._sessions[state.key]

    def _merge(self, sessions: list[WindowState], first: int, stop: int) -> WindowState:
        """Make one session of those from ``first`` to before ``stop``; return it, its bounds still to be set."""
        state = sessions[first]
        for other in sessions[first + 1 : stop]:
            state.records += other.records
            state.panes = max(state.panes, other.panes)
            state.fresh += other.fresh
            other.merged = True
            self.active -= not other.emitted
        del sessions[first + 1 : stop]
        return state


def store_of(window_type: WindowType, on_open: Callable[[float], None]) -> WindowStore:
    """Return the store for a window type."""
    if isinstance(window_type, SessionWindow):
        return SessionWindows(window_type, on_open)
    return FixedWindows(window_type, on_open)


def ordered(states: list[WindowState]) -> list[WindowState]:
    """Return windows by their end, then by key; keys that cannot be compared are ordered as text, type by type."""
    if len(states) < 2:
        return states
    try:
        return sorted(states, key=lambda state: (state.end, state.key, state.start))
    except TypeError:
        return sorted(states, key=lambda state: (state.end, type(state.key).__name__, repr(state.key), state.start))


def _end_of(state: WindowState) -> float:
    return state.end
