"""Reading a configuration file: everything that is wrong with it, in one go."""

from __future__ import annotations

import dataclasses
import sys
import tomllib
from typing import TYPE_CHECKING, Any

from simpy import Environment

from dynamic_des.bridge.sink import SinkOptions
from dynamic_des.bridge.source import SourceOptions
from dynamic_des.config.filling import fill
from dynamic_des.config.making import Maker, import_object
from dynamic_des.config.problems import Problems
from dynamic_des.config.secrets import Secrets
from dynamic_des.config.twin import Simulation, Twin
from dynamic_des.errors import ConfigError, ParameterError, UnknownPathError, show, suggest
from dynamic_des.sim.parameters import CapacityConfig, DistributionConfig, SimParameter
from dynamic_des.sim.registry import SimulationRegistry

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load"]

_TABLES = ("simulation", "parameters", "bounds", "resources", "ingress", "egress")
_CONFIGS = {
    "arrival": DistributionConfig,
    "service": DistributionConfig,
    "resources": CapacityConfig,
    "containers": CapacityConfig,
    "stores": CapacityConfig,
}
_LIMITS = ("min", "max", "max_step")


def load(file: Path, overrides: dict[str, Any] | None = None, *, connectors: bool = True) -> Twin:
    """Read and check a configuration file. Imports the plugins it names and its model; connects to nothing.

    Args:
        file: The TOML file.
        overrides: Keys of ``[simulation]`` that take precedence over the file's.
        connectors: Whether ingresses and egresses are made; a repetition needs none of them.

    Raises:
        ConfigError: With one line for each thing that is wrong: file, table, key, remedy.
    """
    return _Loader(file, overrides or {}, connectors=connectors).load()


class _Loader:
    def __init__(self, file: Path, overrides: dict[str, Any], *, connectors: bool) -> None:
        self._file = file
        self._overrides = overrides
        self._connectors_wanted = connectors
        self._problems = Problems(file)
        self._make = Maker(self._problems)
        self._secrets = Secrets()

    def load(self) -> Twin:
        raw = self._read()
        if not self._connectors_wanted:
            raw = {key: value for key, value in raw.items() if key not in ("ingress", "egress")}
        self._secrets.collect(raw)
        try:
            tables = fill(raw, self._problems)
            self._secrets.collect(tables)
            return self._checked(tables)
        except ConfigError as error:
            raise ConfigError(self._secrets.redact(str(error))) from None

    def _read(self) -> dict[str, Any]:
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConfigError(f"{self._file}: there is no such file.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._file}: cannot be read: {error}.") from error
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"{self._file}: is not TOML: {error}.") from error

    def _checked(self, tables: dict[str, Any]) -> Twin:
        for name in tables:
            if name not in _TABLES:
                self._problems.add(name, None, f"unknown table.{suggest(name, _TABLES)}")
        folder = str(self._file.resolve().parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)  # the model is looked for beside the file first
        simulation = self._simulation(tables)
        registry, parameters = self._parameters(self._table(tables, "parameters"))
        twin = Twin(
            self._file,
            simulation or Simulation(""),
            self._model(simulation),
            parameters,
            self._bounds(self._table(tables, "bounds"), registry),
            self._resources(self._table(tables, "resources")),
            self._connectors(tables, "ingress", SourceOptions),
            self._connectors(tables, "egress", SinkOptions),
            self._secrets,
        )
        self._problems.raise_any()
        return twin

    def _table(self, tables: dict[str, Any], name: str, path: str = "") -> dict[str, Any]:
        table = tables.get(name, {})
        if isinstance(table, dict):
            return table
        self._problems.add(path, name, f"{show(table)} is not a table. Write [{f'{path}.' if path else ''}{name}].")
        return {}

    def _simulation(self, tables: dict[str, Any]) -> Simulation | None:
        if "simulation" not in tables:
            self._problems.add(
                "simulation", None, 'is missing. Write [simulation] and model = "module:function" in it.'
            )
            return None
        keys = {**self._table(tables, "simulation"), **self._overrides}
        simulation: Simulation | None = self._make.plain(Simulation, "simulation", keys)
        if simulation is None:
            return None
        if simulation.factor < 0:
            self._problems.add("simulation", "factor", f"{simulation.factor} is negative. Write 0 to run flat out.")
        if simulation.until is not None and simulation.until <= simulation.initial_time:
            self._problems.add("simulation", "until", f"{simulation.until} is not after the start.")
        if simulation.seed is not None and simulation.seed < 0:
            self._problems.add("simulation", "seed", f"{simulation.seed} is negative. Write a whole number, 0 or more.")
        return simulation

    def _model(self, simulation: Simulation | None) -> Any:
        if simulation is None:
            return None
        try:
            build = import_object(simulation.model)
        except ConfigError as error:
            self._problems.add("simulation", "model", str(error))
            return None
        if not callable(build):
            self._problems.add(
                "simulation", "model", f"{show(build)} cannot be called. Name a function: def build(env)."
            )
        return build

    def _parameters(self, tables: dict[str, Any]) -> tuple[SimulationRegistry, list[SimParameter]]:
        """Return the parameters, and a registry that has them, to check against."""
        registry, found = SimulationRegistry(Environment()), []
        for sim_id in tables:
            parameter = SimParameter(sim_id)
            for kind, named in self._table(tables, sim_id, "parameters").items():
                self._fill_parameter(parameter, kind, named)
            try:
                registry.register_sim_parameter(parameter)
                found.append(parameter)
            except ParameterError as error:
                self._problems.add(f"parameters.{sim_id}", None, str(error))
        return registry, found

    def _fill_parameter(self, parameter: SimParameter, kind: str, named: Any) -> None:
        table = f"parameters.{parameter.sim_id}.{kind}"
        if kind == "variables" and isinstance(named, dict):
            parameter.variables = named
            return
        if kind not in _CONFIGS:
            self._problems.add(table, None, f"unknown table.{suggest(kind, (*_CONFIGS, 'variables'))}")
            return
        if not isinstance(named, dict):
            self._problems.add(table, None, f"{show(named)} is not a table of names.")
            return
        for name, keys in named.items():
            config = self._config(_CONFIGS[kind], f"{table}.{name}", keys)
            if config is None:
                continue
            try:  # each for itself, so that every wrong one is named
                SimulationRegistry(Environment()).register_sim_parameter(SimParameter("_", **{kind: {name: config}}))
                getattr(parameter, kind)[name] = config
            except ParameterError as error:
                self._problems.add(f"{table}.{name}", None, str(error).partition(": ")[2])

    def _config(self, cls: type[Any], table: str, keys: Any) -> Any:
        if not isinstance(keys, dict):
            self._problems.add(table, None, f"{show(keys)} is not a table of keys.")
            return None
        fields = {field.name: field for field in dataclasses.fields(cls)}
        wrong = [key for key in keys if key not in fields]
        for key in wrong:
            self._problems.add(table, key, f"unknown key.{suggest(key, fields)}")
        missing = [name for name, one in fields.items() if one.default is dataclasses.MISSING and name not in keys]
        for name in missing:
            self._problems.add(table, name, f"is missing: a {cls.__name__} cannot do without it.")
        return None if wrong or missing else cls(**keys)

    def _bounds(self, tables: dict[str, Any], registry: SimulationRegistry) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for path, limits in tables.items():
            table = f'bounds."{path}"'
            if not isinstance(limits, dict):
                self._problems.add(table, None, f"{show(limits)} is not a table of limits.")
                continue
            wrong = [key for key in limits if key not in _LIMITS]
            for key in wrong:
                self._problems.add(table, key, f"unknown key.{suggest(key, _LIMITS)}")
            if wrong:
                continue
            try:
                registry.set_bounds(path, **limits)
                found[path] = limits
            except (ParameterError, UnknownPathError) as error:
                self._problems.add(table, None, str(error))
        return found

    def _resources(self, tables: dict[str, Any]) -> dict[str, tuple[type[Any], dict[str, Any]]]:
        found: dict[str, tuple[type[Any], dict[str, Any]]] = {}
        for name in tables:
            keys = self._table(tables, name, "resources")
            table = f"resources.{name}"
            cls = self._make.class_of("resource", table, keys)
            if cls is None:
                continue
            options = {key: value for key, value in keys.items() if key != "type"}
            checked = self._make.resource_options(cls, table, options)
            if checked is not None:
                found[name] = (cls, checked)
        return found

    def _connectors(self, tables: dict[str, Any], kind: str, options: type[Any]) -> dict[str, Any]:
        found = {}
        named = self._table(tables, kind)
        for name in named:
            keys = self._table(named, name, kind)
            made = self._make.connector(kind, f"{kind}.{name}", keys, options)
            if made is not None:
                found[name] = made
        return found
