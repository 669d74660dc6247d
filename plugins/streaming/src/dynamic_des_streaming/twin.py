"""Windows over the live input of a twin."""

from __future__ import annotations

import logging
from math import isfinite
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import show, told

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from dynamic_des.sim.registry import SimulationRegistry
    from dynamic_des_streaming.stream_processor import StreamProcessor

__all__ = ["RegistryFeed"]

_log = logging.getLogger("dynamic_des.streaming")


class RegistryFeed:
    """Gives every new value of a live parameter to a stream processor.

    What arrives from outside and changes the parameter becomes an event at that instant; an update to the value that is
    in force already is no change. The value in force at the beginning is no event either. What has no usable event
    time or value is counted and logged, and the run goes on.

    Args:
        registry: The registry of the environment.
        path: Path of the parameter, such as ``"Line_A.variables.temperature"``.
        processor: Who takes the events.
        key: Their key. None: the path.
        event_time_s: Gives the event time of a value, in seconds of simulation time. None: when it arrives.
        value: Gives what is to be aggregated. None: the value itself. What it refuses with a ValueError or the like is
            left out: an aggregate function that raises later on ends the run, as any error of the model.

    Attributes:
        refused: How many values had no usable event time.

    Raises:
        UnknownPathError: (a KeyError) If there is no such path.
    """

    def __init__(
        self,
        registry: SimulationRegistry,
        path: str,
        processor: StreamProcessor,
        *,
        key: Hashable = None,
        event_time_s: Callable[[Any], float] | None = None,
        value: Callable[[Any], Any] | None = None,
    ) -> None:
        self.refused = 0
        self._path = path
        self._processor = processor
        self._key = path if key is None else key
        self._event_time_s = event_time_s
        self._value = value
        registry.get(path).subscribe(self._take)

    def _take(self, message: Any) -> None:
        # the registry's listeners must not raise, and what comes from outside must not stop the run
        try:
            time = None if self._event_time_s is None else self._event_time_s(message)
            value = message if self._value is None else self._value(message)
            usable = time is None or isfinite(time)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            self._refuse(message, told(error))
            return
        if usable:
            self._processor.process(self._key, value, time, self._path)
        else:
            self._refuse(message, f"the event time {show(time)} is not finite")

    def _refuse(self, message: Any, reason: str) -> None:
        self.refused += 1
        _log.warning("%s: %s was left out of %s: %s.", self._path, show(message), self._processor.name, reason)
