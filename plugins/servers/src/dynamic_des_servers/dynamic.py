"""Limits that change while the simulation runs: by the model, or from a live stream."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from dynamic_des.components.checks import checked_number, whole
from dynamic_des.components.live import follows_registry, live_entry, live_number, number_in
from dynamic_des.errors import ConfigError, ParameterError, nearest, show
from dynamic_des.sim.parameters import DistributionConfig
from dynamic_des.sim.registry import DynamicValue
from dynamic_des_servers.concurrency import (
    ConcurrencyModel,
    FixedConcurrency,
    SlotConcurrency,
    WeightedConcurrency,
)

if TYPE_CHECKING:
    from simpy import Environment

    from dynamic_des.sim.registry import SimulationRegistry

__all__ = ["Concurrency", "DynamicConcurrency", "as_concurrency"]

_log = logging.getLogger("dynamic_des.servers")


class DynamicConcurrency(SlotConcurrency):
    """A number of slots that can be changed at any time, within bounds: for autoscaling.

    Growing starts waiting requests at once, inside the call. After a cut, running requests finish, and none starts
    before as many slots are free as the new limit has.

    Args:
        initial: Number of slots to start with.
        min_limit: The limit never falls below it. 0 allows to stop a server for a while.
        max_limit: The limit never rises above it; None for no upper bound.

    Raises:
        ParameterError: (a ValueError) If ``initial`` is outside of the bounds, or a number is not whole.
    """

    def __init__(self, initial: int, min_limit: int = 1, max_limit: int | None = None) -> None:
        super().__init__()
        self._min = whole(min_limit, 0, "DynamicConcurrency: min_limit")
        self._max = None if max_limit is None else whole(max_limit, self._min, "DynamicConcurrency: max_limit")
        self._limit = whole(initial, self._min, "DynamicConcurrency: initial")
        if self._max is not None and self._limit > self._max:
            raise ParameterError(f"DynamicConcurrency: initial {initial} is above max_limit {max_limit}. Lower it.")

    @classmethod
    def from_registry(
        cls, registry: SimulationRegistry, path: str, *, min_limit: int = 0, max_limit: int | None = None
    ) -> Self:
        """Return a limit that follows a live parameter: a change is in force before any process goes on.

        Args:
            registry: The registry, such as ``env.registry``.
            path: Dot path of the parameter, such as ``"Line_A.resources.api.current_cap"``.
            min_limit: The limit never falls below it, whatever is sent.
            max_limit: The limit never rises above it, whatever is sent.

        Raises:
            UnknownPathError: (a KeyError) If there is no such path; names the nearest.
            ParameterError: (a ValueError) If the parameter is not a whole number now. Later on, a value that makes
                no sense is logged, and the limit stays.
        """
        return cls._following(registry.get(path), min_limit, max_limit)

    @classmethod
    def _following(cls, entry: Any, min_limit: int, max_limit: int | None) -> Self:
        where = f"DynamicConcurrency: {getattr(entry, 'path', 'the live parameter')}"
        wish = whole(entry.value, 0, where)
        model = cls(whole(min_limit, 0, "DynamicConcurrency: min_limit"), min_limit, max_limit)
        model.set_limit(wish)

        def follow(value: Any) -> None:
            try:
                limit = whole(value, 0, where)
            except ParameterError as error:  # a listener must not raise: the change is in force already
                _log.warning("%s The limit stays %d.", error, model.limit)
            else:
                model.set_limit(limit)

        entry.subscribe(follow)
        return model

    @property
    def current_limit(self) -> int:
        """The limit in force."""
        return self._limit

    @property
    def min_limit(self) -> int:
        """The lowest limit allowed."""
        return self._min

    @property
    def max_limit(self) -> int | None:
        """The highest limit allowed; None for no upper bound."""
        return self._max

    @property
    def limit(self) -> int:
        return self._limit

    def set_limit(self, new_limit: int) -> None:
        """Change the limit, at once.

        Args:
            new_limit: The limit wished for; clamped to ``min_limit`` and ``max_limit``.

        Raises:
            ParameterError: (a ValueError) If it is not a whole number.
        """
        wish = whole(new_limit, None, "DynamicConcurrency: the limit")
        limit = max(self._min, wish if self._max is None else min(wish, self._max))
        grown = limit > self._limit
        self._limit = limit
        if grown:
            self._wake()

    def scale_up(self, amount: int = 1) -> None:
        """Raise the limit by ``amount``, clamped to ``max_limit``."""
        self.set_limit(self._limit + whole(amount, 0, "DynamicConcurrency: amount"))

    def scale_down(self, amount: int = 1) -> None:
        """Lower the limit by ``amount``, clamped to ``min_limit``."""
        self.set_limit(self._limit - whole(amount, 0, "DynamicConcurrency: amount"))


class ReadConcurrency(SlotConcurrency):
    """A limit that a function gives, read whenever a request arrives or finishes.

    Nobody can know when the function would return more: growth is noticed at the next arrival or completion, or
    when the server's ``dispatch`` is called.
    """

    announces = False

    def __init__(self, read: Callable[[], float], where: str) -> None:
        super().__init__()
        self._read = read
        self._where = where

    @property
    def limit(self) -> int:
        return int(checked_number(self._read(), self._where))


Concurrency = int | ConcurrencyModel | DynamicValue | Callable[[], float] | DistributionConfig | Mapping[str, Any] | str
"""A number of slots; a model; a value of the registry, or its path as text; a function without arguments or a
`DistributionConfig`, read at use and rounded down; or a table with a ``type``: ``"fixed"``, ``"dynamic"`` or
``"weighted"``, and that model's arguments."""

_KINDS: dict[str, Callable[..., ConcurrencyModel]] = {
    "fixed": FixedConcurrency,
    "dynamic": DynamicConcurrency,
    "weighted": WeightedConcurrency,
}


def as_concurrency(env: Environment, concurrency: Any, where: str) -> ConcurrencyModel:
    """Return a model from what users write.

    Raises:
        ParameterError: (a ValueError) If a number is less than 1.
        ConfigError: If it is none of the forms of `Concurrency`.
    """
    if isinstance(concurrency, ConcurrencyModel):
        return concurrency
    if isinstance(concurrency, str):
        number = number_in(concurrency)
        concurrency = live_entry(env, concurrency, where) if number is None else number
    if isinstance(concurrency, Mapping):
        return _from_table(concurrency, where)
    if follows_registry(concurrency):
        return DynamicConcurrency._following(concurrency, 0, None)
    if callable(concurrency) or isinstance(concurrency, DistributionConfig):
        return ReadConcurrency(live_number(env, concurrency, where, checked=False), where)
    return FixedConcurrency(whole(concurrency, 1, where))


def _from_table(table: Mapping[str, Any], where: str) -> ConcurrencyModel:
    options = dict(table)
    kind = options.pop("type", None)
    if kind not in _KINDS:
        hint = nearest(kind, _KINDS) or f" There are {', '.join(_KINDS)}."
        raise ConfigError(f"{where}: {show(kind)} is no type of concurrency.{hint}")
    try:
        return _KINDS[kind](**options)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}. Give the arguments of {_KINDS[kind].__name__}.") from error
