"""What makes no sense, although it is of the right type."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dynamic_des.config.twin import Simulation

__all__ = ["no_model", "unreasonable"]


def unreasonable(simulation: Simulation) -> Iterable[tuple[str, str]]:
    """Yield the keys of ``[simulation]`` whose values make no sense, and why."""
    for key in ("factor", "lag_monitor_interval"):
        value = getattr(simulation, key)
        if not 0 <= value < math.inf:
            yield key, f"{value} is no number from 0 on. Write {key} = 1.0."
    if not math.isfinite(simulation.initial_time):
        yield "initial_time", f"{simulation.initial_time} is no time. Write initial_time = 0."
    elif simulation.until is not None and not simulation.initial_time < simulation.until < math.inf:
        start = simulation.initial_time
        yield "until", f"{simulation.until} is no time after {start}, the start. Give a later one, or none for no end."
    if simulation.seed is not None and simulation.seed < 0:
        yield "seed", f"{simulation.seed} is negative. Write a whole number, 0 or more."


def no_model(build: Any) -> str:
    """Return why something cannot be a model, or nothing."""
    if not callable(build):
        return "cannot be called"
    if inspect.isgeneratorfunction(build) or inspect.iscoroutinefunction(build):
        return "does nothing when it is called: it is a generator or a coroutine"
    try:
        inspect.signature(build).bind(None)
    except TypeError:
        return "does not take the environment as its one argument"
    except ValueError:
        pass  # without a signature: the call will tell
    return ""
