"""Which parameters of a distribution make sense, alone and together."""

from __future__ import annotations

import math
from sys import intern
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import nearest, show
from dynamic_des.sim.casting import Refusal, to_number, to_numbers, to_text
from dynamic_des.sim.parameters import DISTRIBUTION_FIELDS, FAMILIES, DistributionConfig

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FLOORS", "cast_of", "check_distribution", "checked"]


def cast_of(field: str) -> Callable[[Any], Any]:
    """Return the function that turns an outside value into one for ``field`` of a distribution, or raises Refusal."""
    return _CASTS.get(field, _to_number_or_none)


def checked(config: DistributionConfig) -> dict[str, Any]:
    """Return the fields of a configuration, cast.

    Raises:
        Refusal: If one has the wrong type, or they make no sense together.
    """
    fields: dict[str, Any] = {}
    for name in DISTRIBUTION_FIELDS:
        try:
            fields[name] = cast_of(name)(getattr(config, name, None))
        except Refusal as refusal:
            raise Refusal(f"{name}: {refusal}") from None
    check_distribution(fields)
    return fields


def check_distribution(fields: dict[str, Any]) -> None:
    """Refuse the fields of a distribution that make no sense together.

    Args:
        fields: ``dist``, and at least the fields that this family may use, of the right types; None where there is
            nothing.

    Raises:
        Refusal: With what is wrong and what to send.
    """
    dist = fields["dist"]
    family = FAMILIES.get(dist) if isinstance(dist, str) else None
    if family is None:
        raise Refusal(f"{show(dist)} is no distribution.{nearest(dist, FAMILIES)} Known: {', '.join(FAMILIES)}")
    for name in family.needs:
        if fields[name] is None:
            missing = " and ".join(name for name in family.needs if fields[name] is None)
            raise Refusal(f"a distribution {dist!r} needs {missing}: give all of that in one change")
    for name, rule in _RULES_OF[dist]:
        value = fields[name]
        if value is not None:
            rule(dist, name, value)
    if dist in _ORDERED:
        _ordered(dist, fields)
    if dist == "empirical" and fields["weights"] is not None:
        _weighted(fields["values"], fields["weights"])


def _positive(dist: str, name: str, value: float) -> None:
    if value <= 0:
        raise Refusal(f"the {name} of a distribution {dist!r} must be positive, not {value}")


def _not_negative(dist: str, name: str, value: float) -> None:
    if value < 0:
        raise Refusal(f"the {name} of a distribution {dist!r} must not be negative, as {value} is")


def _rate(dist: str, name: str, value: float) -> None:
    _positive(dist, name, value)
    if 1.0 / value == math.inf:
        raise Refusal(f"the {name} {value} is so small that the mean 1/{name} is infinite")


def _mean(dist: str, name: str, value: float) -> None:
    if dist == "lognormal":
        _positive(dist, name, value)
    elif dist == "normal":  # of a truncated normal it is that before truncation, and may be anywhere
        _not_negative(dist, name, value)


_RULES: dict[str, Callable[[str, str, Any], None]] = {
    "rate": _rate,
    "mean": _mean,
    "std": _not_negative,
    "high": _not_negative,
    "shape": _positive,
    "scale": _positive,
    "value": _not_negative,
}


_RULES_OF = {
    dist: [(name, _RULES[name]) for name in family.fields if name in _RULES] for dist, family in FAMILIES.items()
}

_ORDERED = {
    "uniform": (("low", "high"),),
    "truncated_normal": (("low", "high"),),
    "triangular": (("low", "mode"), ("mode", "high")),
}


def _ordered(dist: str, fields: dict[str, Any]) -> None:
    for lower, upper in _ORDERED[dist]:
        low, high = fields[lower], fields[upper]
        if low is None or high is None:
            return
        if low > high:
            names = "low, mode and high" if dist == "triangular" else "low and high"
            raise Refusal(f"{lower} {low} is above {upper} {high}: send {names} in one change")
        if low == high and dist == "truncated_normal":
            raise Refusal(f"low and high are both {low}: send low and high in one change, or use a constant")
    if fields["high"] - fields["low"] == math.inf:
        raise Refusal("low and high are so far apart that their distance is infinite")


def _weighted(values: list[float], weights: list[float]) -> None:
    if len(weights) != len(values):
        raise Refusal(f"{len(values)} values have {len(weights)} weights: send both in one change")
    if min(weights) < 0 or not 0 < sum(weights) < math.inf:
        raise Refusal("weights must not be negative, nor all be 0, nor their sum infinite")


def _to_family(value: Any) -> str:
    return intern(to_text(value))  # the sampler finds a family by this name at every draw


def _to_number_or_none(value: Any) -> float | None:
    return None if value is None else to_number(value)


def _to_numbers_or_none(value: Any) -> list[float] | None:
    return None if value is None else to_numbers(value)


_CASTS: dict[str, Callable[[Any], Any]] = {
    "dist": _to_family,
    "values": _to_numbers_or_none,
    "weights": _to_numbers_or_none,
}

_SMALLEST = math.ulp(0.0)

#: The values of one field that can be put in force without looking at the others: those from this number on.
#: A field that is not named here is judged together with the others, by `check_distribution`.
FLOORS: dict[str, dict[str, float]] = {
    "exponential": {"rate": 1e-300},
    "normal": {"mean": 0.0, "std": 0.0},
    "lognormal": {"mean": _SMALLEST, "std": 0.0},
    "truncated_normal": {"mean": -math.inf, "std": 0.0},
    "uniform": {},
    "triangular": {},
    "gamma": {"shape": _SMALLEST, "scale": _SMALLEST},
    "weibull": {"shape": _SMALLEST, "scale": _SMALLEST},
    "constant": {"value": 0.0},
    "empirical": {},
}
