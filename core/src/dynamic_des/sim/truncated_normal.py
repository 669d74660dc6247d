"""Draws from a normal distribution between two bounds, however far out in its tail they lie.

Drawing normals until one falls between the bounds takes for ever when they are in the tail. Which other proposal
keeps the rejections few depends on the bounds: C. P. Robert, "Simulation of truncated normal variables", Statistics
and Computing 5 (1995), 121-125. Wherever the bounds are, three of ten proposals or more are accepted.
"""

from __future__ import annotations

from functools import lru_cache
from math import expm1, inf, log1p, nan, pi, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.sim.variates import Variates

    _Offset = Callable[[Variates, float, float], float]

__all__ = ["draw_truncated_normal"]

_TAIL = 0.5  # standard deviations between the mean and both bounds, from which an exponential proposal is best
_WIDE = sqrt(2 * pi)  # standard deviations between the bounds, from which most normals fall between them


def draw_truncated_normal(variates: Variates, mean: float, std: float, limits: tuple[float, float]) -> float:
    """Draw a normal variate that lies between two limits, both included.

    Args:
        variates: Where the standard variates come from.
        mean: Mean before truncation.
        std: Standard deviation before truncation. With 0 the draw is ``mean``, or the limit nearest to it.
        limits: The smallest and the largest value; infinite where there is no limit.

    Returns:
        The draw; NaN if the arguments make no sense.
    """
    origin, step, offset, near, reach = _plan(mean, std, limits)
    value = origin + step * offset(variates, near, reach)
    low, high = limits
    return low if value < low else min(value, high)  # rounding may carry it over


@lru_cache(maxsize=512)
def _plan(mean: float, std: float, limits: tuple[float, float]) -> tuple[float, float, _Offset, float, float]:
    """Return how to draw: ``origin + step * offset(variates, near, reach)``."""
    low, high = limits
    if not (low < high and 0.0 <= std < inf and -inf < mean < inf):
        return nan, nan, _none, nan, nan
    if std == 0.0:
        return mean, 0.0, _none, 0.0, 0.0
    lowest, highest, width = (low - mean) / std, (high - mean) / std, (high - low) / std
    if lowest > _TAIL:  # offsets from the limit and not from the mean: far out, the latter would lose every digit
        return low, std, _tail, lowest, width
    if highest < -_TAIL:
        return high, -std, _tail, -highest, width
    if width > _WIDE:
        return mean, std, _middle, lowest, highest
    return low, std, _narrow, lowest, width


def _none(variates: Variates, near: float, reach: float) -> float:  # noqa: ARG001
    return 0.0


def _tail(variates: Variates, near: float, reach: float) -> float:
    """Return an offset from a limit that is ``near`` standard deviations from the mean, at most ``reach``."""
    cut = expm1(-near * reach)
    while True:
        offset = -log1p(variates.uniform() * cut) / near
        if variates.exponential() >= offset * offset / 2:
            return offset


def _middle(variates: Variates, near: float, reach: float) -> float:
    """Return an offset from the mean, between ``near`` and ``reach``."""
    while True:
        offset = variates.normal()
        if near <= offset <= reach:
            return offset


def _narrow(variates: Variates, near: float, reach: float) -> float:
    """Return an offset from a limit that is at ``near``, at most ``reach``: both are close to the mean."""
    peak = min(max(0.0, near), near + reach)
    while True:
        offset = variates.uniform() * reach
        if variates.exponential() >= ((near + offset) ** 2 - peak**2) / 2:
            return offset
