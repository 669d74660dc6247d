"""Where finished requests go: anything that takes something."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_des.errors import ConfigError, nearest, show

if TYPE_CHECKING:
    from simpy import Environment

__all__ = ["Sink", "TakesPut", "TakesSubmit", "as_sink", "named_resource"]


class TakesPut(Protocol):
    """Anything with ``put``, such as a ``simpy.Store``."""

    def put(self, item: Any, /) -> object:
        """Take ``item``."""


class TakesSubmit(Protocol):
    """Anything with ``submit``, such as another server."""

    def submit(self, item: Any, /) -> object:
        """Take ``item``."""


Sink = Callable[[Any], object] | TakesPut | TakesSubmit | str
"""A function of one argument (a generator function becomes a process), anything with ``put``, anything with
``submit``, or the name of a resource of the environment."""


def as_sink(env: Environment, target: Any, where: str) -> Callable[[Any], object]:
    """Return the function that hands something to ``target``: its ``submit``, its ``put``, or itself.

    Raises:
        ConfigError: If it is none of these.
    """
    for method in ("submit", "put"):
        if hasattr(target, method):
            return getattr(target, method)  # type: ignore[no-any-return]
    if isgeneratorfunction(target):
        return lambda item: env.process(target(item))
    if callable(target):
        return target  # type: ignore[no-any-return]
    raise ConfigError(
        f"{where}: {show(target)} takes nothing. Give a function, or something with put or submit, "
        "such as a simpy.Store or another server."
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
