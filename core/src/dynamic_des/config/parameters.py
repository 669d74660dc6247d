"""The tables ``[parameters]`` and ``[bounds]``, and what ``--set`` puts in their place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from simpy import Environment

from dynamic_des.config.problems import SET
from dynamic_des.errors import ParameterError, UnknownPathError, show, suggest
from dynamic_des.sim.casting import Refusal, to_float
from dynamic_des.sim.parameters import FAMILIES, CapacityConfig, DistributionConfig, SimParameter
from dynamic_des.sim.registry import SimulationRegistry

if TYPE_CHECKING:
    from dynamic_des.config.places import Table
    from dynamic_des.config.problems import Problems

__all__ = ["CONFIGS", "LIMITS", "Parameters"]

CONFIGS: dict[str, type[Any]] = {
    "arrival": DistributionConfig,
    "service": DistributionConfig,
    "resources": CapacityConfig,
    "containers": CapacityConfig,
    "stores": CapacityConfig,
}
LIMITS = ("min", "max", "max_step")
_KINDS = (*CONFIGS, "variables")


class Parameters:
    """Checks what a registry is to start with, against a registry of its own.

    Args:
        problems: Where to note what is wrong.

    Attributes:
        parameters: What is right.
        bounds: Path → limits.
        notes: What was taken differently from how it was given.
    """

    def __init__(self, problems: Problems) -> None:
        self.parameters: list[SimParameter] = []
        self.bounds: dict[str, dict[str, float]] = {}
        self.notes: list[str] = []
        self._problems = problems
        self._registry = SimulationRegistry(Environment())

    def add(self, sim_id: str, table: dict[str, Any]) -> None:
        """Take ``[parameters.<sim_id>]``."""
        parameter = SimParameter(sim_id)
        for kind, named in table.items():
            self._fill(parameter, kind, named)
        try:
            self._registry.register_sim_parameter(parameter)
            self.parameters.append(parameter)
        except ParameterError as error:
            self._problems.add(("parameters", sim_id), None, str(error))

    def set(self, settings: list[tuple[str, Any]]) -> None:
        """Take what ``--set`` says: all of it, or none."""
        before = len(self._problems)
        for path, value in settings:
            try:
                self._registry.get(path)._cast(value)
            except UnknownPathError as error:
                self._problems.add(SET, path, str(error))
            except Refusal as refusal:
                self._problems.add(SET, path, f"{refusal}. Give another value.")
        if not settings or len(self._problems) > before:
            return
        outcome = self._registry.update_many(settings)
        if outcome.status == "refused":
            self._problems.add(SET, None, str(outcome.reason))
        elif outcome.reason:
            self.notes.append(f"--set: {outcome.reason}")

    def bound(self, path: str, limits: Any) -> None:
        """Take ``[bounds."<path>"]``."""
        table = ("bounds", path)
        if not isinstance(limits, dict):
            self._problems.add(("bounds",), path, f'{show(limits)} is not a table. Write [bounds."{path}"] max = 10.')
            return
        before = len(self._problems)
        numbers: dict[str, float] = {}
        for key, limit in limits.items():
            if key not in LIMITS:
                self._problems.add(table, key, f"unknown key.{suggest(key, LIMITS)}")
                continue
            try:
                numbers[key] = to_float(limit)
            except Refusal as refusal:
                self._problems.add(table, key, f"{refusal}. Write a number.")
        if len(self._problems) > before:
            return
        try:
            self._registry.set_bounds(path, **numbers)
            self.bounds[path] = numbers
        except (ParameterError, UnknownPathError) as error:
            text = str(error).removeprefix(f"bounds of {path}: ")
            self._problems.add(table, None, f"{text} Write limits that the value in force keeps.")

    def _fill(self, parameter: SimParameter, kind: str, named: Any) -> None:
        outer: Table = ("parameters", parameter.sim_id)
        if kind not in _KINDS:
            self._problems.add(outer, kind, f"unknown table.{suggest(kind, _KINDS)}")
        elif not isinstance(named, dict):
            self._problems.add(outer, kind, f"{show(named)} is not a table. Write [parameters.….{kind}.NAME].")
        elif kind == "variables":
            parameter.variables = named
        else:
            for name, keys in named.items():
                self._fill_one(parameter, kind, name, keys)

    def _fill_one(self, parameter: SimParameter, kind: str, name: str, keys: Any) -> None:
        outer: Table = ("parameters", parameter.sim_id, kind)
        config = self._config(CONFIGS[kind], outer, name, keys)
        if config is None:
            return
        dist = getattr(config, "dist", None)
        if kind in ("arrival", "service") and not (isinstance(dist, str) and dist in FAMILIES):
            self._problems.add((*outer, name), "dist", f"{show(dist)} is no distribution.{suggest(dist, FAMILIES)}")
            return
        try:  # each for itself, so that every wrong one is named
            SimulationRegistry(Environment()).register_sim_parameter(SimParameter("_", **{kind: {name: config}}))
            getattr(parameter, kind)[name] = config
        except ParameterError as error:
            text = str(error).removeprefix(f"_.{kind}.{name}").lstrip(".: ").removesuffix(".")
            key, separator, reason = text.partition(": ")
            found, text = (key, reason) if separator and key in keys else (None, text)
            wanted = _WANTED.get(key, "a number") if found else "other values"
            self._problems.add((*outer, name), found, f"{text}." if ". " in text else f"{text}. Write {wanted}.")

    def _config(self, cls: type[Any], outer: Table, name: str, keys: Any) -> Any:
        if not isinstance(keys, dict):
            remedy = f"Write [{'.'.join(outer)}.NAME], and this key under it"
            self._problems.add(outer, name, f"{show(keys)} is not a table. {remedy}.")
            return None
        table, before = (*outer, name), len(self._problems)
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for key in keys:
            if key not in fields:
                self._problems.add(table, key, f"unknown key.{suggest(key, fields)}")
        for key, field in fields.items():
            if field.default is dataclasses.MISSING and key not in keys:
                self._problems.add(table, key, f"is missing, and has no default. Write {key} = ….")
        return cls(**keys) if len(self._problems) == before else None


_WANTED = {"values": "a list of numbers", "weights": "a list of numbers"}
