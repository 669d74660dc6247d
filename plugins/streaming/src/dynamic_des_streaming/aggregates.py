"""Aggregate functions that a configuration file can name."""

from __future__ import annotations

from importlib import import_module
from statistics import fmean
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ConfigError, nearest, show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AGGREGATES", "aggregate_of"]

AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "sum": sum,
    "mean": fmean,
    "min": min,
    "max": max,
    "first": lambda records: records[0],
    "last": lambda records: records[-1],
    "list": list,
}


def aggregate_of(setting: Callable[[list[Any]], Any] | str, where: str) -> Callable[[list[Any]], Any]:
    """Return a function: ``setting`` itself, one of `AGGREGATES`, or the one at ``"module:name"``.

    Raises:
        ConfigError: If there is none.
    """
    if callable(setting):
        return setting
    if setting in AGGREGATES:
        return AGGREGATES[setting]
    module, _, name = setting.partition(":") if isinstance(setting, str) else ("", "", "")
    if not module or not name:
        hint = nearest(setting, AGGREGATES) or f" Give a function, one of {', '.join(AGGREGATES)}, or 'module:name'."
        raise ConfigError(f"{where}: {show(setting)} is no aggregate.{hint}")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where}: {show(setting)} cannot be loaded: {error}.") from error
    if not callable(function):
        raise ConfigError(f"{where}: {show(setting)} is {show(function)}, not a function.")
    return function  # type: ignore[no-any-return]
