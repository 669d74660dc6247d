"""A twin as its configuration file describes it, checked and ready to be built."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
from dynamic_des.config.secrets import Secrets
from dynamic_des.errors import ConfigError, DynamicDesError, raised

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from dynamic_des.config.making import Connector
    from dynamic_des.config.problems import Problems
    from dynamic_des.sim.parameters import SimParameter

__all__ = ["Simulation", "Twin"]

log = logging.getLogger("dynamic_des")


@dataclass(frozen=True)
class Simulation:
    """The table ``[simulation]``.

    Attributes:
        model: ``"module:function"``: called once with the environment, after the parameters are registered. The
            module is looked for beside the file first.
        name: The twin's name; the file's stem when None.
        factor: Wall seconds per simulated second; 0 runs flat out.
        until: Simulation time at which the run ends; None for no end.
        seed: Seed of the random streams; drawn at random when None.
        initial_time: Simulation time to start from.
        strict: Whether a model that is late by more than one simulated second ends the run.
        start_time: Wall-clock time that belongs to ``initial_time``; now when None.
        lag_monitor_interval: Wall seconds between two ``system.simulation.lag_seconds``.
        journal: A file to write down what comes in, so that ``dynamic-des replay`` can repeat the run.
    """

    model: str
    name: str | None = None
    factor: float = 1.0
    until: float | None = None
    seed: int | None = None
    initial_time: float = 0.0
    strict: bool = False
    start_time: datetime | None = None
    lag_monitor_interval: float = 1.0
    journal: Path | None = None


@dataclass
class Twin:
    """Everything a configuration file says.

    Attributes:
        file: The file.
        problems: Where to note what turns out to be wrong with it.
        simulation: The table ``[simulation]``.
        build: The model.
        parameters: What the registry starts with.
        bounds: Path → limits.
        resources: Name → class and options.
        ingresses: Name → connector and core's own options.
        egresses: Name → connector and core's own options.
        settings: Paths and values that take precedence over the file's.
        notes: What was taken differently from how it was given.
        secrets: What must not be printed.
    """

    file: Path
    problems: Problems
    simulation: Simulation
    build: Callable[[DynamicRealtimeEnvironment], Any]
    parameters: list[SimParameter] = field(default_factory=list)
    bounds: dict[str, dict[str, float]] = field(default_factory=dict)
    resources: dict[str, tuple[type[Any], dict[str, Any]]] = field(default_factory=dict)
    ingresses: dict[str, Connector] = field(default_factory=dict)
    egresses: dict[str, Connector] = field(default_factory=dict)
    settings: list[tuple[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    secrets: Secrets = field(default_factory=Secrets)

    def environment(self) -> DynamicRealtimeEnvironment:
        """Return the environment: parameters, bounds and resources in place, nothing connected, no model yet.

        Raises:
            ConfigError: If resources cannot be built: a line for each. Without secrets.
        """
        settings = self.simulation
        env = DynamicRealtimeEnvironment(
            settings.initial_time,
            settings.factor,
            settings.strict,
            name=settings.name or self.file.stem,
            seed=settings.seed,
            logical_start_time=settings.start_time,
            lag_monitor_interval=settings.lag_monitor_interval,
        )
        for parameter in self.parameters:
            env.registry.register_sim_parameter(parameter)
        if self.settings:  # before the bounds: they limit steps, and the first value is none
            env.registry.update_many(self.settings)
        for note in self.notes:
            log.warning("%s", note)
        for path, limits in self.bounds.items():
            env.registry.set_bounds(path, **limits)
        self._build_resources(env)
        return env

    def connect(self, env: DynamicRealtimeEnvironment) -> None:
        """Open the connectors: egresses first, so that nothing published is missed."""
        for name, (egress, sink_options) in self.egresses.items():
            env.setup_egress({name: egress}, **vars(sink_options))
        for name, (ingress, source_options) in self.ingresses.items():
            env.setup_ingress({name: ingress}, **vars(source_options))

    def _build_resources(self, env: DynamicRealtimeEnvironment) -> None:
        for name, (cls, options) in self.resources.items():
            make = getattr(cls, "from_name", cls)  # a kind whose constructor is older than this rule says how
            try:
                env.resources[name] = make(env, name, **options)
            except DynamicDesError as error:
                self.problems.add(("resources", name), None, str(error))
            except Exception as error:  # noqa: BLE001 - a constructor is a plugin's code
                self.problems.add(("resources", name), None, f"{cls.__name__}: {raised(error)}. Give other options.")
        if len(self.problems):
            raise ConfigError(self.secrets.redact(self.problems.text()))
