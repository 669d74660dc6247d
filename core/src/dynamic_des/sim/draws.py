"""One function for each family of distributions: from standard variates and live parameters to one draw.

Parameters are read at every call, so a change is in force at the very next draw. What makes no sense gives NaN
or an exception, never a number that looks like a duration: whoever calls finds out what is wrong then.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from math import exp, inf, log, log1p, nan, sqrt
from typing import TYPE_CHECKING, Any

from dynamic_des.sim.truncated_normal import draw_truncated_normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.sim.variates import Variates

__all__ = ["DRAWS"]

_CUMULATED_LIMIT = 256  # weights remembered between draws, before all are forgotten


def _normal(variates: Variates, config: Any) -> float:
    mean: float = config.mean
    std: float | None = config.std
    if std is None:
        std = 0.0
    return mean + std * variates.normal() if mean >= 0.0 <= std else nan


def _lognormal(variates: Variates, config: Any) -> float:
    mean: float = config.mean
    mu, sigma = _logarithm(mean, config.std)
    if sigma == 0.0:
        return mean + 0.0
    try:
        return exp(mu + sigma * variates.normal())
    except OverflowError:
        return inf


@lru_cache(maxsize=512)
def _logarithm(mean: float, std: float | None) -> tuple[float, float]:
    """Return mean and standard deviation of the logarithm, from those of the value itself."""
    if not (0.0 < mean < inf and (std is None or 0.0 <= std < inf)):
        return nan, nan
    if not std:
        return log(mean), 0.0
    ratio = std / mean
    variance = log1p(ratio * ratio) if ratio < 1e150 else 2 * (log(std) - log(mean))  # the square would be infinite
    return log(mean) - variance / 2, sqrt(variance)


def _truncated_normal(variates: Variates, config: Any) -> float:
    low, high = config.low, config.high
    limits = (-inf if low is None else low, inf if high is None else high)
    return draw_truncated_normal(variates, config.mean, config.std, limits)


def _uniform(variates: Variates, config: Any) -> float:
    low: float = config.low
    width: float = config.high - low
    return low + width * variates.uniform() if width >= 0.0 else nan


def _triangular(variates: Variates, config: Any) -> float:
    low: float = config.low
    mode: float = config.mode
    high: float = config.high
    if not low <= mode <= high:
        return nan
    width = high - low
    if width == 0.0:
        return low + 0.0
    split = (mode - low) / width
    share = variates.uniform()
    if share < split:
        return low + width * sqrt(share * split)
    return high - width * sqrt((1.0 - share) * (1.0 - split))


def _gamma(variates: Variates, config: Any) -> float:
    """Draw by the method of G. Marsaglia and W. W. Tsang, ACM Trans. Math. Software 26 (2000), 363-372."""
    shape: float = config.shape
    scale: float = config.scale
    if not (shape > 0.0 < scale):
        return nan
    boost = 1.0
    if shape < 1.0:
        boost = variates.uniform() ** (1.0 / shape)
        shape += 1.0
    third = shape - 1.0 / 3.0
    spread = 1.0 / sqrt(9.0 * third)
    while True:
        normal = variates.normal()
        root = 1.0 + spread * normal
        if root <= 0.0:
            continue
        cube = root * root * root
        share = 1.0 - variates.uniform()  # never 0
        square = normal * normal
        if share < 1.0 - 0.0331 * square * square:
            break
        if log(share) < square / 2 + third * (1.0 - cube + log(cube)):
            break
    return third * cube * boost * scale


def _weibull(variates: Variates, config: Any) -> float:
    shape: float = config.shape
    scale: float = config.scale
    if not (0.0 < shape < inf and scale > 0.0):
        return nan
    try:
        power: float = variates.exponential() ** (1.0 / shape)
        return scale * power
    except OverflowError:
        return inf


def _constant(variates: Variates, config: Any) -> float:  # noqa: ARG001
    value: float = config.value
    return value + 0.0 if value >= 0.0 else nan


def _empirical(variates: Variates, config: Any) -> float:
    values: list[float] = config.values
    weights: list[float] | None = config.weights
    if weights is None:
        return values[int(variates.uniform() * len(values))] + 0.0
    known = variates.cumulated.get(id(weights))
    if known is None or known[0] != weights:  # compared, not only identified: a list may be changed in place
        known = _cumulate(variates, weights)
    _, cumulated, last = known
    if len(weights) != len(values):
        return nan
    # rounding may carry the product up to the total, whence the limit
    return values[bisect_right(cumulated, variates.uniform() * cumulated[-1], 0, last)] + 0.0


def _cumulate(variates: Variates, weights: list[float]) -> tuple[list[float], list[float], int]:
    """Return the weights, their running sum, and the index of the last that is not 0."""
    cumulated = list(accumulate(weights))
    if not (min(weights) >= 0.0 < cumulated[-1] < inf):
        raise ValueError("weights must be 0 or more, and their sum a positive number")
    last = max(index for index, weight in enumerate(weights) if weight > 0.0)
    known = list(weights), cumulated, last
    if len(variates.cumulated) >= _CUMULATED_LIMIT:
        variates.cumulated.clear()
    variates.cumulated[id(weights)] = known
    return known


#: All families but the exponential one, which `Sampler.sample` draws itself, for its speed.
DRAWS: dict[str, Callable[[Variates, Any], float]] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "truncated_normal": _truncated_normal,
    "uniform": _uniform,
    "triangular": _triangular,
    "gamma": _gamma,
    "weibull": _weibull,
    "constant": _constant,
    "empirical": _empirical,
}
