"""Numbers that may change while the simulation runs: read whenever they are used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dynamic_des.components.checks import checked_number
from dynamic_des.errors import ConfigError, ParameterError, UnknownPathError, nearest, show
from dynamic_des.sim.parameters import DistributionConfig
from dynamic_des.sim.registry import DynamicValue

if TYPE_CHECKING:
    from simpy import Environment

    from dynamic_des.sim.sampling import Sampler

__all__ = ["LiveNumber", "follows_registry", "live_entry", "live_number", "number_in"]

LiveNumber = float | Callable[[], float] | DistributionConfig | DynamicValue | Mapping[str, Any] | str
"""A constant; a function without arguments; a `DistributionConfig` to draw from, or the table of one as a
configuration file has it; a value of the registry, or its path as text. Text that is a number is that number: what a
variable in a configuration file becomes."""

_log = logging.getLogger("dynamic_des.components")


def live_number(env: Environment, source: LiveNumber, where: str, *, checked: bool = True) -> Callable[[], float]:
    """Return the function that reads ``source``: a finite number, 0 or more.

    Distributions are drawn from the environment's random stream ``where`` (see ``env.sampler``). A plain SimPy
    environment has no streams: there they come from an unseeded generator, so that two replications differ; for
    repeatable ones give a function that draws from a generator of your own.

    Args:
        env: The environment; a path as text needs one with a registry.
        source: The number.
        where: Who asks, for error texts, and the name of the random stream.
        checked: Whether what a function of the user's returns is checked. Without, the function itself is returned,
            for who checks what it gives.

    Returns:
        A function without arguments. It raises a ParameterError when a function of the user's returns nonsense; a
        value of the registry that makes no sense is logged, and the last good one stays in force: the outside world
        must not be able to stop a run.

    Raises:
        ParameterError: (a ValueError) If it is no number of 0 or more, and none of the other forms.
        ConfigError: (a ValueError) If the table of a distribution makes no sense, or the environment has no registry.
        UnknownPathError: (a KeyError) If there is no such path; names the nearest.
    """
    if isinstance(source, str):
        number = number_in(source)
        source = _at_path(env, source, where) if number is None else number
    if isinstance(source, Mapping):
        source = _distribution(source, where)
    if isinstance(source, DistributionConfig):
        return _drawn(env, source, where)
    if follows_registry(source):
        return _Followed(source, where)
    if callable(source):
        function = source
        return (lambda: checked_number(function(), where)) if checked else function
    constant = checked_number(source, where)
    return lambda: constant


def number_in(text: str) -> float | None:
    """Return the number that ``text`` is, or None."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return None


def follows_registry(source: object) -> bool:
    """Return whether ``source`` is a live parameter: it has a ``value`` and can be subscribed to."""
    return hasattr(source, "value") and hasattr(source, "subscribe")


def live_entry(env: Environment, path: str, where: str) -> Any:
    """Return the live parameter at ``path`` of the environment's registry.

    Raises:
        ConfigError: If the environment has no registry.
        UnknownPathError: (a KeyError) If there is no such path; names the nearest.
    """
    try:
        return _registry_of(env, path, where).get(path)
    except KeyError as unknown:
        raise UnknownPathError(f"{where}: {unknown}") from None


class _Followed:
    """Reads a value of the registry; one that makes no sense leaves the last good one in force."""

    def __init__(self, entry: Any, where: str) -> None:
        self._entry = entry
        self._where = where
        self._seen: Any = entry.value
        self._good = checked_number(entry.value, where)

    def __call__(self) -> float:
        value = self._entry.value
        if value is not self._seen:
            self._seen = value
            try:
                self._good = checked_number(value, self._where)
            except ParameterError as error:
                _log.warning("%s The value stays %s.", error, self._good)
        return self._good


def _registry_of(env: Environment, path: str, where: str) -> Any:
    registry = getattr(env, "registry", None)
    if registry is None:
        raise ConfigError(
            f"{where}: {show(path)} names a live parameter, but {type(env).__name__} has no registry. "
            "Use a DynamicRealtimeEnvironment, or give a number."
        )
    return registry


def _at_path(env: Environment, path: str, where: str) -> Any:
    registry = _registry_of(env, path, where)
    try:
        return registry.get(path)
    except KeyError:
        pass
    try:
        return registry.get_config(path)
    except KeyError as unknown:
        raise UnknownPathError(f"{where}: {unknown}") from None


def _distribution(table: Mapping[str, Any], where: str) -> DistributionConfig:
    known = DistributionConfig.__dataclass_fields__
    for key in table:
        if key not in known:
            hint = nearest(key, known) or f" There are {', '.join(known)}."
            raise ConfigError(f"{where}: {key!r} is no field of a distribution.{hint}")
    if "dist" not in table:
        raise ConfigError(f'{where}: the table has no dist. Give one, such as dist = "exponential".')
    return DistributionConfig(**table)


def _drawn(env: Environment, config: DistributionConfig, where: str) -> Callable[[], float]:
    if hasattr(env, "sampler"):
        sampler: Sampler = env.sampler(where)
    else:
        from dynamic_des.sim.sampling import Sampler  # brings numpy, which a model without distributions does without

        sampler = Sampler()
    return lambda: sampler.sample(config)
