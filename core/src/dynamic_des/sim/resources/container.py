"""Amounts that are put in and taken out: fluids, charge, cash."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING

from simpy.resources.container import Container, ContainerGet, ContainerPut

from dynamic_des.errors import ParameterError, show
from dynamic_des.sim.resources.base import BaseDynamicResource

if TYPE_CHECKING:
    from simpy import Environment

__all__ = ["DynamicContainer"]

_set = object.__setattr__  # past the look-out for replaced steps, which doubles the cost of a write


class DynamicContainer(BaseDynamicResource, Container):
    """A SimPy container whose capacity is the live parameter ``<sim_id>.containers.<obj_id>.current_cap``.

    Capacities and amounts may be whole or not, and the capacity may be infinite.

    When the capacity shrinks below the level nothing is spilled: the container overflows, and every put
    waits until gets have brought the level low enough for it to fit. When it grows, the puts that fit go on at
    once. Puts are served in order, and so are gets: a large one that waits holds up the small ones behind it.

    Args:
        env: An environment with a ``registry``.
        sim_id: The entity, such as ``"Line_A"``.
        obj_id: The container, such as ``"tank"``.
        init: The amount in it at the beginning. It may exceed the capacity in force, as after a cut, but not
            the physical maximum ``max_cap``.

    Raises:
        UnknownPathError: If the capacity is not registered.
        ConfigError: If the environment has no registry.
        ParameterError: (a ValueError) If ``init`` is negative, not a number or above ``max_cap``.

    Attributes:
        obj_id: The name of the container.
        put_queue: The puts that wait, next first. A list.
        get_queue: The gets that wait, next first. A list.
    """

    _kind = "containers"

    def __init__(self, env: Environment, sim_id: str, obj_id: str, *, init: float = 0) -> None:
        super().__init__(env, sim_id, obj_id)
        most = env.registry.get(f"{sim_id}.containers.{obj_id}.max_cap").value  # type: ignore[attr-defined]
        if isinstance(init, bool) or not isinstance(init, Real) or not isfinite(init) or not 0 <= init <= most:
            raise ParameterError(f"{self._label}: init is {show(init)}. Give an amount from 0 to max_cap, {most}.")
        self.obj_id = obj_id
        self._level = init

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._label}: {self.level} of {self.capacity}>"

    def put(self, amount: float) -> ContainerPut:  # type: ignore[override]
        """Put an amount in.

        Args:
            amount: More than 0.

        Returns:
            An event that happens when it fits.

        Raises:
            ParameterError: (a ValueError) If ``amount`` is not more than 0.
        """
        if not amount > 0:
            raise self._no_amount(amount)
        if self._hooked:
            return ContainerPut(self, amount)
        put: ContainerPut = self._event(ContainerPut, self._trigger_get)
        put.amount = amount
        level = self._level
        if self.put_queue or self._capacity - level < amount:
            self._put(put)
        else:
            _set(self, "_level", level + amount)
            put._ok = True
            put._value = None
            self._env.schedule(put)
        return put

    def get(self, amount: float) -> ContainerGet:  # type: ignore[override]
        """Take an amount out.

        Args:
            amount: More than 0.

        Returns:
            An event that happens when there is enough.

        Raises:
            ParameterError: (a ValueError) If ``amount`` is not more than 0.
        """
        if not amount > 0:
            raise self._no_amount(amount)
        if self._hooked:
            return ContainerGet(self, amount)
        get: ContainerGet = self._event(ContainerGet, self._trigger_put)
        get.amount = amount
        level = self._level
        if self.get_queue or level < amount:
            self._get(get)
        else:
            _set(self, "_level", level - amount)
            get._ok = True
            get._value = None
            self._env.schedule(get)
        return get

    def _no_amount(self, amount: float) -> ParameterError:
        # NaN too: it would wait for ever, and all behind it
        return ParameterError(f"{self._label}: the amount {show(amount)} must be > 0. Give a positive one.")
