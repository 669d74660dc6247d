"""What resources, containers and stores share: a capacity that follows the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from simpy.events import PENDING
from simpy.resources.base import BaseResource

from dynamic_des.errors import ConfigError, UnknownPathError, show
from dynamic_des.sim.resources.queues import ArrivalQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment

    from dynamic_des.sim.registry import SimulationRegistry

__all__ = ["BaseDynamicResource"]


_new = object.__new__
_STEPS = frozenset(("_do_put", "_do_get", "_trigger_put", "_trigger_get"))


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

    put_queue: ArrivalQueue
    get_queue: ArrivalQueue
    _kind: ClassVar[str]  # the registry's word: resources, containers, stores
    _hooked = False  # whether somebody watches or changes SimPy's inner steps, so that each of them must be taken

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
        self._hooked = self._is_overridden()
        capacity.subscribe(self._follow)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in _STEPS:  # SimPy's recipe for monitoring replaces a step on the instance
            self._hooked = True

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

    @classmethod
    def _is_overridden(cls) -> bool:
        """Return whether a subclass has a step, a queue or a capacity of its own."""
        ours = next(base for base in cls.__mro__ if base.__module__.startswith(__package__))
        return any(
            getattr(cls, name) is not getattr(ours, name) for name in (*_STEPS, "PutQueue", "GetQueue", "capacity")
        )

    def _follow(self, capacity: float) -> None:
        """Put a new capacity in force."""
        grown = capacity > self._capacity
        self._capacity = capacity
        if grown:
            self._serve_all()

    def _event(self, kind: type[Any], then: Callable[[Any], None]) -> Any:
        """Return a new put or get, with what the constructors of SimPy give it."""
        event = _new(kind)
        event.env = env = self._env
        event.callbacks = [then]
        event.resource = self
        event.proc = env.active_process
        return event

    def _put(self, event: Any) -> None:
        """Serve a put or let it wait."""
        if self.put_queue:
            self.put_queue.append(event)
            self._trigger_put(None)
        else:
            self._do_put(event)
            if event._value is PENDING:
                self.put_queue.append(event)

    def _get(self, event: Any) -> None:
        """Serve a get or let it wait."""
        if self.get_queue:
            self.get_queue.append(event)
            self._trigger_get(None)
        else:
            self._do_get(event)
            if event._value is PENDING:
                self.get_queue.append(event)

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
