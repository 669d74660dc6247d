"""Reading a configuration file: everything that is wrong with it, in one go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.sink_options import SinkOptions
from dynamic_des.bridge.source_options import SourceOptions
from dynamic_des.config.filling import fill
from dynamic_des.config.folders import ModelFolder
from dynamic_des.config.making import Connector, Maker
from dynamic_des.config.parameters import Parameters
from dynamic_des.config.problems import Problems
from dynamic_des.config.reading import read_tables
from dynamic_des.config.secrets import Secrets
from dynamic_des.config.sense import no_model, unreasonable
from dynamic_des.config.twin import Simulation, Twin
from dynamic_des.errors import ConfigError, PluginError, show, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dynamic_des.config.places import Table

__all__ = ["TABLES", "load"]

TABLES = ("simulation", "parameters", "bounds", "resources", "ingress", "egress")
_EXAMPLE_NAMES = {"ingress": "control", "egress": "screen", "resources": '"Line_A.lathe"', "parameters": "Line_A"}


def load(
    file: str | Path,
    overrides: dict[str, Any] | None = None,
    settings: Iterable[tuple[str, Any]] = (),
    *,
    connectors: bool = True,
) -> Twin:
    """Read and check a configuration file. Imports the plugins it names and its model; connects to nothing.

    Args:
        file: The TOML file.
        overrides: Keys of ``[simulation]`` that take precedence over the file's.
        settings: Paths of parameters, and values that take precedence over the file's.
        connectors: Whether ingresses and egresses are made; a repetition needs none of them.

    Raises:
        ConfigError: With one line for each thing that is wrong: file, line, table, key, remedy. Without secrets.
    """
    path = Path(file)
    text, tables = read_tables(path)
    if not connectors:
        tables = {key: value for key, value in tables.items() if key not in ("ingress", "egress")}
    loader = _Loader(path, Problems(path, text, overrides or ()), overrides or {})
    return loader.load(tables, list(settings))


class _Loader:
    def __init__(self, file: Path, problems: Problems, overrides: dict[str, Any]) -> None:
        self._file = file
        self._problems = problems
        self._overrides = overrides
        self._secrets = Secrets()
        self._folder = ModelFolder(file.absolute().parent)  # where the user sees the file, a link or not
        self._make = Maker(problems, self._secrets, self._folder)

    def load(self, raw: dict[str, Any], settings: list[tuple[str, Any]]) -> Twin:
        tables = fill(raw, self._problems, self._secrets)
        self._secrets.collect(tables)
        twin = self._checked(tables, settings)
        if len(self._problems):
            raise ConfigError(self._secrets.redact(self._problems.text()))
        return twin

    def _checked(self, tables: dict[str, Any], settings: list[tuple[str, Any]]) -> Twin:
        for name in tables:
            if name not in TABLES:
                self._problems.add((), name, f"unknown table.{suggest(name, TABLES)}")
        self._folder.activate()
        simulation = self._simulation(tables)
        parameters = self._parameters(tables, settings)
        return Twin(
            self._file,
            self._problems,
            simulation or Simulation(""),
            self._model(simulation),
            parameters.parameters,
            parameters.bounds,
            self._resources(tables),
            self._connectors(tables, "ingress", SourceOptions),
            self._connectors(tables, "egress", SinkOptions),
            settings=settings,
            notes=parameters.notes,
            secrets=self._secrets,
        )

    def _table(self, tables: dict[str, Any], name: str, outer: Table = ()) -> dict[str, Any]:
        table = tables.get(name, {})
        if isinstance(table, dict):
            return table
        group = outer[0] if outer else name
        example = _EXAMPLE_NAMES.get(group)
        remedy = f"Write [{group}.{example}], and its keys under it" if example else f"Write [{name}]"
        self._problems.add(outer, name, f"{show(table)} is not a table. {remedy}.")
        return {}

    def _simulation(self, tables: dict[str, Any]) -> Simulation | None:
        table = ("simulation",)
        if "simulation" not in tables:
            self._problems.add(table, None, 'is missing. Write [simulation], and model = "module:function" under it.')
            return None
        if not isinstance(tables["simulation"], dict):
            self._table(tables, "simulation")
            return None
        keys = {**tables["simulation"], **self._overrides}
        simulation: Simulation | None = self._make.plain(Simulation, table, keys)
        if simulation is None:  # what is right of it can still be looked at
            known = {"model": "", **{key: keys[key] for key in keys if key in Simulation.__dataclass_fields__}}
            right = {key: value for key, value in known.items() if key == "model" or not self._problems.has(table, key)}
            simulation = self._make.plain(Simulation, table, right)
        if simulation is not None:
            for key, text in unreasonable(simulation):
                self._problems.add(table, key, text)
        return simulation

    def _model(self, simulation: Simulation | None) -> Callable[[Any], Any]:
        build: Any = None
        if simulation is not None and simulation.model:
            try:
                build = self._folder.import_object(simulation.model)
            except PluginError as error:
                self._problems.add(("simulation",), "model", str(error))
            else:
                reason = no_model(build)
                if reason:
                    text = f"{show(build)} {reason}. Name a function: def build(env)."
                    self._problems.add(("simulation",), "model", text)

        def build_here(env: Any) -> Any:
            self._folder.activate()
            return build(env)

        return build_here

    def _parameters(self, tables: dict[str, Any], settings: list[tuple[str, Any]]) -> Parameters:
        parameters = Parameters(self._problems)
        named = self._table(tables, "parameters")
        for sim_id in named:
            parameters.add(sim_id, self._table(named, sim_id, ("parameters",)))
        parameters.set(settings)
        for path, limits in self._table(tables, "bounds").items():
            parameters.bound(path, limits)
        return parameters

    def _resources(self, tables: dict[str, Any]) -> dict[str, tuple[type[Any], dict[str, Any]]]:
        found: dict[str, tuple[type[Any], dict[str, Any]]] = {}
        named = self._table(tables, "resources")
        for name in named:
            table, keys = ("resources", name), self._table(named, name, ("resources",))
            cls = self._make.class_of("resource", table, keys) if isinstance(named[name], dict) else None
            if cls is not None:
                options = {key: value for key, value in keys.items() if key != "type"}
                checked = self._make.resource_options(cls, table, options)
                found[name] = (cls, checked or {})
        return found

    def _connectors(self, tables: dict[str, Any], kind: str, options: type[Any]) -> dict[str, Connector]:
        found: dict[str, Connector] = {}
        named = self._table(tables, kind)
        for name in named:
            keys = self._table(named, name, (kind,))
            made = self._make.connector(kind, (kind, name), keys, options) if isinstance(named[name], dict) else None
            if made is not None:
                found[name] = made
        return found
