"""Limits that an operator sets on what the outside world may ask for."""

from __future__ import annotations

from dataclasses import dataclass
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
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ParameterError(f"bounds of {self.path}: min {self.min} is above max {self.max}. Swap them.")
        if self.max_step is not None and self.max_step <= 0:
            raise ParameterError(f"bounds of {self.path}: max_step {self.max_step} is not positive.")

    def check(self, value: Any, old: Any) -> None:
        """Refuse ``value`` when it is out of range, or too far from ``old``."""
        if value is None and old is None:
            return
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise Refusal(f"{show(value)} is not a number, so it has no bounds")
        if self.min is not None and value < self.min:
            raise Refusal(f"{show(value)} is below the allowed minimum {self.min}")
        if self.max is not None and value > self.max:
            raise Refusal(f"{show(value)} is above the allowed maximum {self.max}")
        if self.max_step is not None and old is not None and abs(value - old) > self.max_step:
            raise Refusal(f"a step from {show(old)} to {show(value)} is larger than the allowed {self.max_step}")
