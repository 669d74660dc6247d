"""Where results go: anything that takes something."""

from __future__ import annotations

import logging
from collections.abc import Callable
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dynamic_des.errors import ConfigError, nearest, show

if TYPE_CHECKING:
    from simpy import Environment

    from dynamic_des.sim.registry import SimulationRegistry

__all__ = ["RegistrySink", "Sink", "TakesPut", "TakesSubmit", "as_sink", "named_resource", "named_target"]

_log = logging.getLogger("dynamic_des.components")


@runtime_checkable
class TakesPut(Protocol):
    """Anything with ``put``, such as a ``simpy.Store`` or an event log."""

    def put(self, item: Any, /) -> object:
        """Take ``item``."""


@runtime_checkable
class TakesSubmit(Protocol):
    """Anything with ``submit``, such as a server."""

    def submit(self, item: Any, /) -> object:
        """Take ``item``."""


Sink = Callable[[Any], object] | TakesPut | TakesSubmit | str
"""A function of one argument (a generator function becomes a process), anything with ``put``, anything with
``submit``; or, as text, the name of a resource of the environment or the path of a live parameter."""


class RegistrySink:
    """Writes what it is given to a live parameter.

    Of something with a ``result``, such as that of a window, it is this. What the registry refuses leaves the old value
    in force; it is counted, and logged once until something is taken again.

    Args:
        registry: The registry of the environment.
        path: Path of the parameter, such as ``"Line_A.variables.demand"``.

    Attributes:
        refused: How many values the registry has refused.

    Raises:
        UnknownPathError: (a KeyError) If there is no such path.
    """

    def __init__(self, registry: SimulationRegistry, path: str) -> None:
        registry.get(path)
        self.refused = 0
        self._registry = registry
        self._path = path
        self._refusing = False

    def __call__(self, item: Any) -> None:
        """Write ``item``, or its ``result``, to the parameter."""
        outcome = self._registry.update(self._path, getattr(item, "result", item))
        refused = outcome.status == "refused"
        self.refused += refused
        if refused and not self._refusing:
            _log.warning("%s", outcome.reason)
        self._refusing = refused


def as_sink(env: Environment, target: Any, where: str) -> Callable[[Any], object]:
    """Return the function that hands something to ``target``: its ``submit``, its ``put``, or itself.

    Raises:
        ConfigError: If it is none of these.
    """
    if isinstance(target, str):
        target = named_target(env, target, where)
    for method in ("submit", "put"):
        if hasattr(target, method):
            return getattr(target, method)  # type: ignore[no-any-return]
    if isgeneratorfunction(target):
        return lambda item: env.process(target(item))
    if callable(target):
        return target  # type: ignore[no-any-return]
    raise ConfigError(
        f"{where}: {show(target)} takes nothing. Give a function, or something with put or submit, "
        "such as a simpy.Store or another component."
    )


def named_resource(env: Environment, name: str, where: str) -> Any:
    """Return the environment's resource ``name``.

    Raises:
        ConfigError: If there is none.
    """
    known = getattr(env, "resources", None) or {}
    if name not in known:
        hint = nearest(name, known) or (f" There are {', '.join(sorted(known))}." if known else " There are none.")
        raise ConfigError(f"{where}: the environment has no resource {show(name)}.{hint}")
    return known[name]


def named_target(env: Environment, name: str, where: str) -> Any:
    """Return what ``name`` stands for as a sink: a resource of the environment, or the live parameter at that path.

    Raises:
        ConfigError: If there is neither.
    """
    registry = getattr(env, "registry", None)
    if registry is not None and name not in (getattr(env, "resources", None) or {}) and name in registry.paths():
        return RegistrySink(registry, name)
    return named_resource(env, name, where)
