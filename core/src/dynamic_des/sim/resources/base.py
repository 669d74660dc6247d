"""What resources, containers and stores share: a capacity that follows the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from simpy.resources.base import BaseResource

from dynamic_des.errors import ConfigError, UnknownPathError, show
from dynamic_des.sim.resources.queues import ArrivalQueue

if TYPE_CHECKING:
    from simpy import Environment

    from dynamic_des.sim.registry import SimulationRegistry

__all__ = ["BaseDynamicResource"]


class BaseDynamicResource(BaseResource[Any, Any]):
    """A SimPy resource whose capacity is a live parameter, ``<sim_id>.<kind>.<name>.current_cap``.

    **Promised**: the capacity is adjusted inside the update, before any waiting process goes on; growing serves
    at once all that fits; shrinking takes nothing away from anybody, it only delays who comes next. With a capacity
    that never changes the events are those of SimPy's own class, one by one.

    Attributes:
        env: The environment it lives in.
        sim_id: The entity it belongs to, such as ``"Line_A"``.
    """

    PutQueue = ArrivalQueue
    GetQueue = ArrivalQueue

    _kind: ClassVar[str]  # the registry's word: resources, containers, stores

    def __init__(self, env: Environment, sim_id: str, name: str) -> None:
        registry = _registry_of(env, f"{type(self).__name__} {sim_id}.{name}")
        current = self._path(sim_id, name)
        try:
            capacity = registry.get(current)
        except UnknownPathError as error:
            raise UnknownPathError(
                f"{type(self).__name__} {sim_id}.{name}: {error} Register SimParameter(sim_id={sim_id!r}, "
                f"{self._kind}={{{name!r}: CapacityConfig(current_cap=…, max_cap=…)}}) first."
            ) from error
        BaseResource.__init__(self, env, capacity.value)  # SimPy's classes in between refuse a capacity of 0
        self.env = env
        self.sim_id = sim_id
        self._label = f"{sim_id}.{name}"
        capacity.subscribe(self._follow)

    @classmethod
    def from_name(cls, env: Environment, name: str, **options: Any) -> Self:
        """Build it as a configuration file names it: ``[resources."Line_A.lathe"]``.

        Args:
            env: The environment.
            name: ``"<sim_id>.<name>"`` of a registered capacity.
            **options: The keyword arguments of the class.

        Raises:
            ConfigError: If the name has no dot.
            UnknownPathError: If nothing is registered under that name.
        """
        if not isinstance(name, str) or not all(name.partition(".")):
            raise ConfigError(
                f"{cls.__name__}: {show(name)} does not name a parameter. "
                "Give '<sim_id>.<name>', such as 'Line_A.lathe'."
            )
        parts = name.split(".")
        splits = [(".".join(parts[:cut]), ".".join(parts[cut:])) for cut in range(len(parts) - 1, 0, -1)]
        registry = _registry_of(env, f"{cls.__name__} {name}")
        known = set(registry.paths()) if len(splits) > 1 else ()
        sim_id, own = next((split for split in splits if cls._path(*split) in known), splits[0])
        return cls(env, sim_id, own, **options)

    @classmethod
    def _path(cls, sim_id: str, name: str) -> str:
        return f"{sim_id}.{cls._kind}.{name}.current_cap"

    def _follow(self, capacity: float) -> None:
        """Put a new capacity in force."""
        grown = capacity > self._capacity
        self._capacity = capacity
        if grown:
            self._serve_all()

    def _serve_all(self) -> None:
        """Serve whoever can be served: SimPy's trigger stops at the first one."""
        waiting = len(self.put_queue)
        while waiting:
            self._trigger_put(None)
            before, waiting = waiting, len(self.put_queue)
            if waiting >= before:
                break


def _registry_of(env: Environment, who: str) -> SimulationRegistry:
    registry: SimulationRegistry | None = getattr(env, "registry", None)
    if registry is None:
        raise ConfigError(
            f"{who}: {type(env).__name__} has no registry. "
            "Use DynamicRealtimeEnvironment, or set env.registry = SimulationRegistry(env)."
        )
    return registry
