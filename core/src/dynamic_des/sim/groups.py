"""Parameters that must make sense together: the fields of a distribution, a capacity and its maximum."""

from __future__ import annotations

from math import inf
from sys import float_info
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ParameterError, show
from dynamic_des.sim.casting import (
    Refusal,
    caster_like,
    to_amount,
    to_places,
    to_units,
)
from dynamic_des.sim.parameters import DISTRIBUTION_FIELDS, FAMILIES, CapacityConfig, DistributionConfig
from dynamic_des.sim.rules import FLOORS, cast_of, check_distribution, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dynamic_des.sim.dynamic_value import DynamicValue

__all__ = ["CapacityGroup", "DistributionGroup", "Group", "VariableGroup", "check_distribution", "differs"]

_NOTHING = (inf, -inf)  # a range that no value is in
_INTEGERS = (-(2**62), 2**62)  # comparing with infinities would take longer; beyond, `settle` decides


class Group:
    """One configuration object behind one or several live values.

    Attributes:
        path: The path of the configuration object.
        config: The configuration object; for a variable None: its value is in its live value alone.
        entries: Field → live value.
    """

    def __init__(self, path: str, config: Any) -> None:
        self.path = path
        self.config = config
        self.entries: dict[str, DynamicValue] = {}

    def cast(self, field: str) -> Callable[[Any], Any]:
        """Return the function that turns an outside value into one for ``field``, or raises Refusal."""
        raise NotImplementedError

    def fields(self) -> Iterable[tuple[str, Any]]:
        """Return each field and its value, as it was registered."""
        raise NotImplementedError

    def path_of(self, field: str) -> str:
        """Return the path of ``field``."""
        return f"{self.path}.{field}" if field else self.path

    def settle(self, wishes: dict[str, Any], notes: list[str]) -> dict[str, Any]:
        """Return what is to be in force after ``wishes``, or raise Refusal. Changes nothing."""
        raise NotImplementedError

    def commit(self, settled: dict[str, Any]) -> list[DynamicValue]:
        """Put ``settled`` in force and return the live values that changed by it. Never fails."""
        changed = [self.entries[field] for field, value in settled.items() if value != self.entries[field].value]
        for entry in changed:
            entry.value = settled[entry._field]
            setattr(self.config, entry._field, entry.value)
        return changed

    def free_ranges(self) -> None:
        """Note at each live value which values can be put in force without `settle`: see `DynamicValue`."""
        for field, entry in self.entries.items():
            entry._free_type, floor, ceiling = self.free_range(field)
            bounds = entry._bounds
            if bounds is not None:
                floor, ceiling = bounds.narrow(floor, ceiling)
            entry._floor, entry._ceiling = floor, ceiling

    def free_range(self, field: str) -> tuple[type | None, Any, Any]:
        """Return type, floor and ceiling of the values of ``field`` that can be put in force without `settle`."""
        raise NotImplementedError


class VariableGroup(Group):
    """A single variable."""

    def __init__(self, path: str, value: Any) -> None:
        super().__init__(path, None)
        self._cast = caster_like(value)
        try:
            self._first = self._cast(value)
        except Refusal as refusal:
            raise ParameterError(f"{path}: {refusal}. Give a simpler value.") from None

    def cast(self, field: str) -> Callable[[Any], Any]:  # noqa: ARG002
        return self._cast

    def fields(self) -> Iterable[tuple[str, Any]]:
        return [("", self._first)]

    def settle(self, wishes: dict[str, Any], notes: list[str]) -> dict[str, Any]:  # noqa: ARG002
        return wishes

    def commit(self, settled: dict[str, Any]) -> list[DynamicValue]:
        entry = self.entries[""]
        if not differs(settled[""], entry.value):
            return []
        entry.value = settled[""]
        return [entry]

    def free_range(self, field: str) -> tuple[type | None, Any, Any]:  # noqa: ARG002
        kind = type(self._first)
        if kind is float:
            return kind, -float_info.max, float_info.max  # without the infinities and NaN
        if kind is int:
            return kind, *_INTEGERS
        if kind is bool:
            return kind, False, True
        if kind is str:
            return kind, "", "\U0010ffff"
        return None, *_NOTHING


class CapacityGroup(Group):
    """A capacity and its physical maximum: a wish above the maximum is clamped and remembered."""

    def __init__(self, path: str, config: CapacityConfig, kind: str) -> None:
        if not isinstance(config, CapacityConfig):
            raise ParameterError(f"{path}: {show(config)} is not a CapacityConfig.")
        self._cast = {"resources": to_units, "stores": to_places, "containers": to_amount}[kind]
        caps = []
        for field in ("current_cap", "max_cap"):
            try:
                caps.append(self._cast(getattr(config, field)))
            except Refusal as refusal:
                raise ParameterError(f"{path}.{field}: {refusal}. Give a capacity, such as 1.") from None
        wish, max_cap = caps
        super().__init__(path, CapacityConfig(min(wish, max_cap), max_cap))
        self._wish: int | float | None = wish if wish > max_cap else None  # what is asked for but cannot be

    def cast(self, field: str) -> Callable[[Any], Any]:  # noqa: ARG002
        return self._cast

    def fields(self) -> Iterable[tuple[str, Any]]:
        return [("current_cap", self.config.current_cap), ("max_cap", self.config.max_cap)]

    def settle(self, wishes: dict[str, Any], notes: list[str]) -> dict[str, Any]:
        max_cap = wishes.get("max_cap", self.config.max_cap)
        standing = self.config.current_cap if self._wish is None else self._wish
        wish = wishes.get("current_cap", standing)
        if wish > max_cap:
            notes.append(
                f"{self.path}.current_cap: {show(wish)} was clamped to max_cap {show(max_cap)}; the wish is kept"
            )
        return {"max_cap": max_cap, "current_cap": wish}

    def commit(self, settled: dict[str, Any]) -> list[DynamicValue]:
        wish, max_cap = settled["current_cap"], settled["max_cap"]
        self._wish = wish if wish > max_cap else None
        changed = super().commit({"max_cap": max_cap, "current_cap": min(wish, max_cap)})
        self.free_ranges()
        return changed

    def free_range(self, field: str) -> tuple[type | None, Any, Any]:
        if field == "max_cap" or self._wish is not None:
            return None, *_NOTHING
        kind, max_cap = type(self.config.current_cap), self.config.max_cap
        return kind, kind(0), min(max_cap, _INTEGERS[1]) if kind is int else max_cap


class DistributionGroup(Group):
    """The fields of a distribution."""

    def __init__(self, path: str, config: DistributionConfig) -> None:
        if not isinstance(config, DistributionConfig):
            raise ParameterError(f"{path}: {show(config)} is not a DistributionConfig.")
        try:
            fields = checked(config)
        except Refusal as refusal:
            raise ParameterError(f"{path}: {refusal}.") from None
        super().__init__(path, DistributionConfig(**fields))

    def cast(self, field: str) -> Callable[[Any], Any]:
        return cast_of(field)

    def fields(self) -> Iterable[tuple[str, Any]]:
        return [(name, getattr(self.config, name)) for name in DISTRIBUTION_FIELDS]

    def settle(self, wishes: dict[str, Any], notes: list[str]) -> dict[str, Any]:  # noqa: ARG002
        config = self.config
        fields = {"dist": config.dist, **wishes}
        family = FAMILIES.get(fields["dist"])
        if family is not None:
            for name in family.needs:
                if name not in fields:
                    fields[name] = getattr(config, name)
            for name in family.uses:
                if name not in fields:
                    fields[name] = getattr(config, name)
        check_distribution(fields)
        return wishes

    def commit(self, settled: dict[str, Any]) -> list[DynamicValue]:
        changed = super().commit(settled)
        if "dist" in settled:
            self.free_ranges()
        return changed

    def free_range(self, field: str) -> tuple[type | None, Any, Any]:
        family = FAMILIES[self.config.dist]
        floor = FLOORS[self.config.dist].get(field)
        if field in ("dist", "values", "weights") or (floor is None and field in family.fields):
            return None, *_NOTHING
        if floor is None:
            floor = -inf
        return float, max(floor, -float_info.max), float_info.max


def differs(new: Any, old: Any) -> bool:
    """Return whether a value is another one: of another type, or not equal."""
    if type(new) is not type(old):
        return True
    try:
        return bool(new != old)
    except Exception:  # noqa: BLE001 - the model's own objects (arrays, deep nests) may refuse to be compared
        return True
