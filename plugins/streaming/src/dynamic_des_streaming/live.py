"""Numbers that may change while the simulation runs: read whenever they are used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ConfigError, ParameterError, nearest, show
from dynamic_des.sim.parameters import DistributionConfig
from dynamic_des.sim.registry import DynamicValue

if TYPE_CHECKING:
    from simpy import Environment

__all__ = ["LiveNumber", "checked_number", "live_number"]

LiveNumber = float | Callable[[], float] | DistributionConfig | DynamicValue | Mapping[str, Any] | str
"""A constant; a function without arguments; a `DistributionConfig` to draw from, or the table of one as a
configuration file has it; a value of the registry, or its path as text. Text that is a number is that number: what a
variable in a configuration file becomes."""

_log = logging.getLogger("dynamic_des.streaming")


def live_number(env: Environment, source: LiveNumber, where: str) -> Callable[[], float]:
    """Return the function that reads ``source``: a finite number, 0 or more, in simulated seconds.

    Distributions are drawn from the environment's random stream ``where`` (see ``env.sampler``). A plain SimPy
    environment has no streams: there they come from an unseeded generator. For a repeatable run on one, give a
    function that draws from a generator of your own.

    Args:
        env: The environment; a path as text needs one with a registry.
        source: The number.
        where: Who asks: for error texts, and the name of the random stream.

    Returns:
        A function without arguments. It raises a ParameterError when a function of the user's returns nonsense; a
        value of the registry that makes no sense is logged, and the last good one stays in force: the outside world
        must not be able to stop a run.

    Raises:
        ParameterError: (a ValueError) If it is no number of 0 or more, and none of the other forms.
    """
    if isinstance(source, str):
        number = _number_in(source)
        source = _at_path(env, source, where) if number is None else number
    if isinstance(source, Mapping):
        source = _distribution(source, where)
    if isinstance(source, DistributionConfig):
        return _drawn(env, source, where)
    if isinstance(source, DynamicValue):
        return _Followed(source, where)
    if callable(source):
        function = source
        return lambda: checked_number(function(), where)
    constant = checked_number(source, where)
    return lambda: constant


def checked_number(value: Any, where: str) -> float:
    """Return ``value`` if it is a finite number of 0 or more.

    Raises:
        ParameterError: (a ValueError) If it is not.
    """
    try:
        if not isinstance(value, (bool, str)) and 0 <= value < inf:
            return value  # type: ignore[no-any-return] # of whatever type the model counts its time in
    except TypeError:
        pass
    raise ParameterError(f"{where}: {show(value)} is not a finite number, 0 or more. Give one, in simulated seconds.")


class _Followed:
    """Reads a value of the registry."""

    def __init__(self, entry: DynamicValue, where: str) -> None:
        self._entry = entry
        self._where = where
        self._seen = entry.value
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


def _number_in(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _at_path(env: Environment, path: str, where: str) -> Any:
    registry = getattr(env, "registry", None)
    if registry is None:
        raise ConfigError(
            f"{where}: {show(path)} names a live parameter, but {type(env).__name__} has no registry. "
            "Use a DynamicRealtimeEnvironment, or give a number."
        )
    try:
        return registry.get(path)
    except KeyError:
        return registry.get_config(path)  # names the nearest path when there is neither


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
        sampler = env.sampler(where)
    else:
        from dynamic_des.sim.sampling import Sampler  # brings numpy, which a model without distributions does without

        sampler = Sampler()
    return lambda: sampler.sample(config)
