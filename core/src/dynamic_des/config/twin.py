"""A twin as its configuration file describes it, checked and ready to be built."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
from dynamic_des.config.places import dotted
from dynamic_des.config.secrets import Secrets
from dynamic_des.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from dynamic_des.config.making import Connector
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
            ConfigError: If a resource cannot be built. Without secrets.
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
        for name, (cls, options) in self.resources.items():
            env.resources[name] = self._resource(cls, env, name, options)
        return env

    def connect(self, env: DynamicRealtimeEnvironment) -> None:
        """Open the connectors: egresses first, so that nothing published is missed."""
        for name, (egress, sink_options) in self.egresses.items():
            env.setup_egress({name: egress}, **vars(sink_options))
        for name, (ingress, source_options) in self.ingresses.items():
            env.setup_ingress({name: ingress}, **vars(source_options))

    def _resource(self, cls: type[Any], env: DynamicRealtimeEnvironment, name: str, options: dict[str, Any]) -> Any:
        # a kind whose constructor is older than this rule says how it is made from a name
        make = getattr(cls, "from_name", cls)
        try:
            return make(env, name, **options)
        except Exception as error:  # a constructor is a plugin's code
            text = str(error) or type(error).__name__
            place = f"{self.file}: [{dotted(('resources', name))}]: {cls.__name__} cannot be built: {text}"
            raise ConfigError(self.secrets.redact(place)) from error
