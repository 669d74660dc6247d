"""Limits that an operator sets on what the outside world may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from dynamic_des.errors import ParameterError, show
from dynamic_des.sim.casting import Refusal

__all__ = ["Bounds"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The range of one number, and its largest step."""

    path: str
    min: float | None = None
    max: float | None = None
    max_step: float | None = None

    def __post_init__(self) -> None:
        for name in ("min", "max", "max_step"):
            limit = getattr(self, name)
            if limit is not None and (not isinstance(limit, (int, float)) or isinstance(limit, bool) or limit != limit):
                raise ParameterError(f"bounds of {self.path}: {name} is {show(limit)}, not a number.")
        low, high = self.min, self.max
        if low is not None and high is not None and low > high:
            raise ParameterError(f"bounds of {self.path}: min {show(low)} is above max {show(high)}. Swap them.")
        if self.max_step is not None and self.max_step <= 0:
            raise ParameterError(f"bounds of {self.path}: max_step {show(self.max_step)} is not positive.")

    def check(self, value: Any, old: Any) -> None:
        """Refuse ``value`` when it is out of range, or too far from ``old``."""
        if value is None and old is None:
            return
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise Refusal(f"{show(value)} is not a number, so it is outside of all bounds")
        if self.min is not None and not value >= self.min:
            raise Refusal(f"{show(value)} is below the allowed minimum {show(self.min)}")
        if self.max is not None and not value <= self.max:
            raise Refusal(f"{show(value)} is above the allowed maximum {show(self.max)}")
        if self.max_step is None or old is None:
            return
        try:
            small = abs(value - old) <= self.max_step
        except OverflowError:  # an integer of 400 digits, minus a float
            small = False
        if not small:
            raise Refusal(f"a step from {show(old)} to {show(value)} is larger than the allowed {show(self.max_step)}")

    def narrow(self, floor: Any, ceiling: Any) -> tuple[Any, Any]:
        """Return the part of a range in which `check` refuses nothing, whatever the value in force is."""
        if self.max_step is not None:
            return inf, -inf
        return (
            floor if self.min is None else max(floor, self.min),
            ceiling if self.max is None else min(ceiling, self.max),
        )
