"""A schedule of changes, for tests, demonstrations and experiments."""

from __future__ import annotations

from sys import float_info
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ConfigError, show
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dynamic_des.messages import RunInfo

__all__ = ["LocalIngress"]


class LocalIngress(BaseIngress):
    """Applies changes at given simulation times, exactly, at every ``factor``.

    The times count from the simulation time at which the ingress is set up. A change comes before the model's own
    events of that instant.

    Args:
        schedule: ``(delay, path, value)``: delay in simulated seconds, any order; equal times keep theirs.

    Attributes:
        schedule: The changes, sorted by time.
        entries: For each of them, its place in the schedule as it was given.
    """

    def __init__(self, schedule: Iterable[tuple[float, str, Any]]) -> None:
        if not hasattr(schedule, "__iter__"):
            raise ConfigError(f"LocalIngress: the schedule is {show(schedule)}. Give a list of (delay, path, value).")
        checked = [_checked(place, entry) for place, entry in enumerate(schedule)]
        self.entries = sorted(range(len(checked)), key=lambda place: checked[place][0])
        self.schedule: list[tuple[float, str, Any]] = [checked[place] for place in self.entries]
        self._start = 0.0

    async def open(self, run: RunInfo) -> None:
        """Take the simulation time that the delays count from."""
        self._start = run.sim_time

    async def snapshot(self) -> list[Message]:
        """Return the whole schedule: it is known before time starts."""
        return [
            Message({"path": path, "value": value, "at": self._start + delay}, info={"entry": place})
            for place, (delay, path, value) in zip(self.entries, self.schedule, strict=True)
        ]


def _checked(place: int, entry: Any) -> tuple[float, str, Any]:
    remedy = "Give (delay in simulated seconds, path, value)."
    try:
        delay, path, value = entry
    except (TypeError, ValueError):
        raise ConfigError(f"LocalIngress: entry {place} is {show(entry)}. {remedy}") from None
    if isinstance(delay, bool) or not isinstance(delay, (int, float)) or not 0 <= delay <= float_info.max:
        raise ConfigError(f"LocalIngress: entry {place} has the delay {show(delay)}. {remedy}")
    if not isinstance(path, str):
        raise ConfigError(f"LocalIngress: entry {place} has the path {show(path)}. {remedy}")
    return delay, path, value
