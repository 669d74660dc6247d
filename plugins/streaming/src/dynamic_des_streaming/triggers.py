"""Previews of windows that are still open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dynamic_des.components.checks import positive_number, whole
from dynamic_des.components.timers import LAST, Ticker
from dynamic_des.errors import ConfigError, ParameterError, show
from dynamic_des_streaming.window_store import ordered

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment

    from dynamic_des_streaming.windows import WindowState

__all__ = ["EarlyTrigger", "Previews", "early_trigger_of"]


class EarlyTrigger:
    """Emits windows before the watermark has reached their end.

    Args:
        every_s: At whole multiples of this many simulated seconds, those windows that have new records since their
            last result.
        every_records: A window that has got so many new records since its last result, at once.

    Attributes:
        every_s: As given.
        every_records: As given.

    Raises:
        ParameterError: (a ValueError) If neither is given, or one makes no sense.
    """

    def __init__(self, every_s: float | None = None, every_records: int | None = None) -> None:
        if every_s is None and every_records is None:
            raise ParameterError("EarlyTrigger: neither every_s nor every_records is given. Give one of them, or both.")
        self.every_s = None if every_s is None else positive_number(every_s, "EarlyTrigger: every_s")
        self.every_records = None if every_records is None else whole(every_records, 1, "EarlyTrigger: every_records")


class Previews:
    """Knows which windows have records that no result has shown, and when to show them."""

    def __init__(self, env: Environment, trigger: EarlyTrigger, emit: Callable[[WindowState], None]) -> None:
        self._env = env
        self._limit = trigger.every_records
        self._emit = emit
        self._ticks = None if trigger.every_s is None else Ticker(env, trigger.every_s, self._tick, priority=LAST)
        self._waiting: dict[int, WindowState] = {}  # by identity: what the next tick is to show

    def added(self, states: list[WindowState]) -> None:
        """Take note of a record that was added to some windows."""
        for state in states:
            if state.emitted:
                continue
            state.fresh += 1
            if self._limit is not None and state.fresh >= self._limit:
                self._emit(state)
            elif self._ticks is not None:
                self._waiting[id(state)] = state
                self._ticks.arm(self._env.now)

    def shown(self, state: WindowState) -> None:
        """Take note of a result of a window."""
        state.fresh = 0
        self._waiting.pop(id(state), None)

    def _tick(self) -> None:
        waiting = list(self._waiting.values())
        self._waiting.clear()
        for state in ordered([state for state in waiting if not state.merged and not state.emitted]):
            self._emit(state)


def early_trigger_of(setting: EarlyTrigger | Mapping[str, Any] | None, where: str) -> EarlyTrigger | None:
    """Return the trigger that ``setting`` is, or is the table of.

    Raises:
        ConfigError: If it is none.
    """
    if isinstance(setting, Mapping):
        try:
            return EarlyTrigger(**setting)
        except TypeError as error:
            raise ConfigError(f"{where}: {show(dict(setting))}: {error}. Give every_s or every_records.") from error
    if setting is None or isinstance(setting, EarlyTrigger):
        return setting
    raise ConfigError(f"{where}: {show(setting)} is no trigger. Give EarlyTrigger(every_s=…) or (every_records=…).")
