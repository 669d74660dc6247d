"""One live parameter, and who is told when it changes."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from simpy.events import PENDING, Event

from dynamic_des.errors import show

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment

    from dynamic_des.sim.bounds import Bounds
    from dynamic_des.sim.groups import Group

__all__ = ["DynamicValue"]


class DynamicValue:
    """One live parameter.

    Attributes:
        path: Its dot path, such as ``"Line_A.arrival.standard.rate"``.
        value: The value in force. Read it whenever it is needed; change it through the registry only.
    """

    # _free_type, _floor and _ceiling: a value of exactly this type in this range needs no cast and no look at other
    # fields. Most updates are of that kind, and `SimulationRegistry.update` is twenty times faster for it.

    __slots__ = (
        "_bounds",
        "_cast",
        "_ceiling",
        "_changed",
        "_env",
        "_field",
        "_floor",
        "_free_type",
        "_group",
        "_listeners",
        "path",
        "value",
    )

    def __init__(self, env: Environment, group: Group, field: str, value: Any) -> None:
        self.path = group.path_of(field)
        self.value = value
        self._env = env
        self._group = group
        self._field = field
        self._cast: Callable[[Any], Any] = group.cast(field)
        self._bounds: Bounds | None = None
        self._listeners: list[Callable[[Any], None]] = []
        self._changed: Event | None = None
        self._free_type: type | None = None
        self._floor: Any = inf
        self._ceiling: Any = -inf

    def __repr__(self) -> str:
        return f"<DynamicValue {self.path} = {show(self.value)}>"

    def wait_for_change(self) -> Event:
        """Return an event that happens at the next change; its value is the new value.

        All who wait share one event: every one of them is woken. Combine it freely
        (``value.wait_for_change() | env.timeout(60)``); giving up on it costs nothing.
        """
        event = self._changed
        if event is None or event._value is not PENDING:
            event = self._changed = Event(self._env)
        return event

    def subscribe(self, listener: Callable[[Any], None]) -> None:
        """Call ``listener(new_value)`` inside every update, before any waiting process goes on.

        For resources that follow a parameter. A listener must not yield, block or raise.
        """
        self._listeners.append(listener)

    def _tell(self) -> None:
        """Call the listeners."""
        for listener in self._listeners:
            listener(self.value)

    def _wake(self) -> None:
        """Wake who waits."""
        event, self._changed = self._changed, None
        if event is not None and event._value is PENDING:
            event.succeed(self.value)
