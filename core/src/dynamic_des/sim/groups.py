"""Parameters that must make sense together: the fields of a distribution, a capacity and its maximum."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ParameterError, nearest, show
from dynamic_des.sim.casting import (
    Refusal,
    caster_like,
    to_amount,
    to_number,
    to_numbers,
    to_places,
    to_text,
    to_units,
)
from dynamic_des.sim.parameters import FAMILIES, CapacityConfig, DistributionConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["CapacityGroup", "DistributionGroup", "Group", "VariableGroup", "check_distribution", "differs"]


class Group:
    """One configuration object behind one or several paths."""

    config: Any
    path: str

    def cast(self, field: str) -> Callable[[Any], Any]:
        """Return the function that turns an outside value into one for ``field``, or raises Refusal."""
        raise NotImplementedError

    def fields(self) -> Iterable[tuple[str, Any]]:
        """Yield each field and its value."""
        raise NotImplementedError

    def path_of(self, field: str) -> str:
        """Return the path of ``field``."""
        return f"{self.path}.{field}" if field else self.path

    def settle(self, wishes: dict[str, Any], notes: list[str]) -> dict[str, Any]:
        """Return what is to be in force after ``wishes``, or raise Refusal. Changes nothing."""
        raise NotImplementedError

    def commit(self, settled: dict[str, Any]) -> list[str]:
        """Put ``settled`` in force and return the fields that changed by it. Never fails."""
        changed = [name for name, value in settled.items() if differs(value, getattr(self.config, name))]
        for name in changed:
            setattr(self.config, name, settled[name])
        return changed

    def read(self, field: str) -> Any:
        """Return the value of ``field`` that is in force."""
        return getattr(self.config, field)


class VariableGroup(Group):
    """A single variable."""

    def __init__(self, path: str, value: Any) -> None:
        self.path = path
        self.config = value
        self._cast = caster_like(value)

    def cast(self, field: str) -> Callable[[Any], Any]:  # noqa: ARG002
        return self._cast

    def fields(self) -> Iterable[tuple[str, Any]]:
        return [("", self.config)]

    def settle(self, wishes: dict[str, Any], notes: list[str]) -> dict[str, Any]:  # noqa: ARG002
        return wishes

    def commit(self, settled: dict[str, Any]) -> list[str]:
        changed = differs(settled[""], self.config)
        self.config = settled[""]
        return [""] if changed else []

    def read(self, field: str) -> Any:  # noqa: ARG002
        return self.config


class CapacityGroup(Group):
    """A capacity and its physical maximum: a wish above the maximum is clamped and remembered."""

    def __init__(self, path: str, config: CapacityConfig, kind: str) -> None:
        if not isinstance(config, CapacityConfig):
            raise ParameterError(f"{path}: {show(config)} is not a CapacityConfig.")
        self.path = path
        self._cast = {"resources": to_units, "stores": to_places, "containers": to_amount}[kind]
        try:
            self._wish = self._cast(config.current_cap)
            max_cap = self._cast(config.max_cap)
        except Refusal as refusal:
            raise ParameterError(f"{path}: {refusal}. Give current_cap and max_cap as capacities.") from None
        self.config = CapacityConfig(min(self._wish, max_cap), max_cap)

    def cast(self, field: str) -> Callable[[Any], Any]:  # noqa: ARG002
        return self._cast

    def fields(self) -> Iterable[tuple[str, Any]]:
        return [("current_cap", self.config.current_cap), ("max_cap", self.config.max_cap)]

    def settle(self, wishes: dict[str, Any], notes: list[str]) -> dict[str, Any]:
        max_cap = wishes.get("max_cap", self.config.max_cap)
        wish = wishes.get("current_cap", self._wish)
        if wish > max_cap:
            notes.append(
                f"{self.path}.current_cap: {show(wish)} was clamped to max_cap {show(max_cap)}; the wish is kept"
            )
        return {"max_cap": max_cap, "current_cap": min(wish, max_cap), "_wish": wish}

    def commit(self, settled: dict[str, Any]) -> list[str]:
        self._wish = settled.pop("_wish")
        return super().commit(settled)


class DistributionGroup(Group):
    """The fields of a distribution."""

    def __init__(self, path: str, config: DistributionConfig) -> None:
        if not isinstance(config, DistributionConfig):
            raise ParameterError(f"{path}: {show(config)} is not a DistributionConfig.")
        self.path = path
        values: dict[str, Any] = {"dist": config.dist}
        try:
            for field in dataclasses.fields(config)[1:]:
                value = getattr(config, field.name)
                values[field.name] = None if value is None else self.cast(field.name)(value)
            check_distribution(values)
        except Refusal as refusal:
            raise ParameterError(f"{path}: {refusal}.") from None
        self.config = DistributionConfig(**values)

    def cast(self, field: str) -> Callable[[Any], Any]:
        if field == "dist":
            return to_text
        return to_numbers if field in ("values", "weights") else to_number

    def fields(self) -> Iterable[tuple[str, Any]]:
        return [(field.name, getattr(self.config, field.name)) for field in dataclasses.fields(self.config)]

    def settle(self, wishes: dict[str, Any], notes: list[str]) -> dict[str, Any]:  # noqa: ARG002
        check_distribution({**vars(self.config), **wishes})
        return wishes


def check_distribution(fields: dict[str, Any]) -> None:
    """Refuse the fields of a distribution that make no sense together.

    Raises:
        Refusal: With what is wrong and what to send.
    """
    dist = fields["dist"]
    family = FAMILIES.get(dist) if isinstance(dist, str) else None
    if family is None:
        raise Refusal(f"{show(dist)} is no distribution.{nearest(dist, FAMILIES)} Known: {', '.join(FAMILIES)}")
    missing = [name for name in family.needs if fields[name] is None]
    if missing:
        raise Refusal(f"a distribution {dist!r} needs {' and '.join(missing)}. Send them in the same change")
    for name in (*family.needs, *family.uses):
        rule = _RULES.get(name)
        if rule is not None and fields[name] is not None:
            rule(dist, name, fields[name])
    _ordered(
        dist,
        [(name, fields[name]) for name in ("low", "mode", "high") if name in (*family.needs, *family.uses)],
    )
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
    "shape": _positive,
    "scale": _positive,
    "value": _not_negative,
}


def _ordered(dist: str, limits: list[tuple[str, float | None]]) -> None:
    known = [(name, value) for name, value in limits if value is not None]
    for (lower, low), (upper, high) in pairwise(known):
        if low > high or (dist == "truncated_normal" and low == high):
            raise Refusal(
                f"{lower} {low} is above {upper} {high}: send {' and '.join(n for n, _ in known)} in one change"
            )


def _weighted(values: list[float], weights: list[float]) -> None:
    if len(weights) != len(values):
        raise Refusal(f"{len(values)} values have {len(weights)} weights: send both in one change")
    if min(weights) < 0 or sum(weights) <= 0:
        raise Refusal("weights must not be negative, nor all be 0")


def differs(new: Any, old: Any) -> bool:
    """Return whether a value is another one: of another type, or not equal."""
    if type(new) is not type(old):
        return True
    try:
        return bool(new != old)
    except Exception:  # noqa: BLE001 - the model's own objects (arrays, deep nests) may refuse to be compared
        return True
