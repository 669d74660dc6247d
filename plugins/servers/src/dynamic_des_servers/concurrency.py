"""How much may be in progress at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dynamic_des.components.checks import whole
from dynamic_des.errors import ParameterError, ResourceError, show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ConcurrencyModel", "FixedConcurrency", "SlotConcurrency", "WeightedConcurrency"]


@runtime_checkable
class ConcurrencyModel(Protocol):
    """A pool of processing slots: acquired before a request is served, released when it is finished.

    A model of your own that can grow by itself should have ``subscribe`` too, as those of this package do, and
    call the listeners whenever capacity became free; without, call the server's ``dispatch`` instead.
    """

    @property
    def available(self) -> int:
        """Capacity that is free."""

    @property
    def active(self) -> int:
        """Capacity that is in use."""

    @property
    def limit(self) -> int:
        """Capacity in total."""

    def acquire(self, weight: int = 1) -> bool:
        """Take capacity if it is free, and return whether it was."""

    def release(self, weight: int = 1) -> None:
        """Give capacity back."""

    def has_capacity(self, weight: int = 1) -> bool:
        """Return whether `acquire` would succeed. Takes nothing."""


class SlotConcurrency:
    """Slots of which each request takes one. Base of the models whose limit is a number of requests.

    One model may be shared by several servers: whatever one of them releases wakes them all, in turns.

    Attributes:
        announces: Whether the listeners hear of all capacity that becomes free, at once.
    """

    announces = True

    def __init__(self) -> None:
        self._active = 0
        self._listeners: tuple[Callable[[], None], ...] = ()

    @property
    def limit(self) -> int:
        """Number of slots."""
        raise NotImplementedError

    @property
    def active(self) -> int:
        """Number of slots in use. More than `limit` for a while after a cut: running work is let finish."""
        return self._active

    @property
    def available(self) -> int:
        """Number of free slots."""
        return max(0, self.limit - self._active)

    def acquire(self, weight: int = 1) -> bool:  # noqa: ARG002
        """Take a slot if one is free, and return whether there was one.

        Args:
            weight: Ignored: a request takes one slot, whatever its weight.
        """
        if self._active < self.limit:
            self._active += 1
            return True
        return False

    def release(self, weight: int = 1) -> None:  # noqa: ARG002
        """Give a slot back, and wake who waits for it.

        Args:
            weight: Ignored, as in `acquire`.

        Raises:
            ResourceError: If no slot is in use.
        """
        if self._active < 1:
            raise ResourceError(f"{type(self).__name__}: nothing is in use. Release once what was acquired.")
        self._active -= 1
        if len(self._listeners) == 1:  # a call less, in what every completion does
            self._listeners[0]()
        else:
            self._wake()

    def has_capacity(self, weight: int = 1) -> bool:  # noqa: ARG002
        """Return whether a slot is free.

        Args:
            weight: Ignored, as in `acquire`.
        """
        return self._active < self.limit

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call ``listener()`` whenever capacity may have become free. Servers do this by themselves."""
        self._listeners = (*self._listeners, listener)

    def _wake(self) -> None:
        listeners = self._listeners
        if len(listeners) > 1:  # nobody is always first
            self._listeners = (*listeners[1:], listeners[0])
        for listener in listeners:
            listener()


class FixedConcurrency(SlotConcurrency):
    """A fixed number of slots. Each request takes exactly one.

    Args:
        max_concurrent: Number of slots, at least 1.

    Raises:
        ParameterError: (a ValueError) If it is less than 1, or not a whole number.
    """

    def __init__(self, max_concurrent: int) -> None:
        super().__init__()
        self._limit = whole(max_concurrent, 1, "FixedConcurrency: max_concurrent")

    @property
    def max_concurrent(self) -> int:
        """Number of slots."""
        return self._limit

    @property
    def limit(self) -> int:
        return self._limit

    def acquire(self, weight: int = 1) -> bool:  # noqa: ARG002 - as in the base class, without asking a property
        if self._active < self._limit:
            self._active += 1
            return True
        return False


class WeightedConcurrency(SlotConcurrency):
    """A pool of which requests take as much as they weigh: memory, cores, database connections.

    A request that does not fit waits at the head of the queue, and those behind it wait with it: nothing overtakes,
    so that a heavy request is served in the end.

    Args:
        total_capacity: Units in total, at least 1.

    Raises:
        ParameterError: (a ValueError) If it is less than 1, or not a whole number.
    """

    def __init__(self, total_capacity: int) -> None:
        super().__init__()
        self._total = whole(total_capacity, 1, "WeightedConcurrency: total_capacity")

    @property
    def total_capacity(self) -> int:
        """Units in total."""
        return self._total

    @property
    def limit(self) -> int:
        return self._total

    @property
    def utilization(self) -> float:
        """Units in use, as a fraction of all."""
        return self._active / self._total

    def check_weight(self, weight: Any) -> None:
        """Refuse a weight that could never be acquired.

        Raises:
            ParameterError: (a ValueError) If it is less than 1, above the total, or not a whole number.
        """
        whole(weight, 1, "WeightedConcurrency: weight")
        if weight > self._total:
            raise ParameterError(
                f"WeightedConcurrency: weight {show(weight)} is above the total of {self._total}, and would wait for "
                "ever. Give a smaller weight or a larger total_capacity."
            )

    def acquire(self, weight: int = 1) -> bool:
        """Take ``weight`` units if they are free, and return whether they were.

        Raises:
            ParameterError: (a ValueError) If the weight is less than 1 or above the total.
        """
        if type(weight) is not int or not 0 < weight <= self._total:
            self.check_weight(weight)
        if self._active + weight <= self._total:
            self._active += weight
            return True
        return False

    def release(self, weight: int = 1) -> None:
        """Give ``weight`` units back, and wake who waits for them.

        Raises:
            ParameterError: (a ValueError) If the weight is less than 1 or above the total.
            ResourceError: If fewer units are in use.
        """
        self.check_weight(weight)
        if weight > self._active:
            raise ResourceError(
                f"WeightedConcurrency: release({weight}), but {self._active} are in use. "
                "Release once what was acquired."
            )
        self._active -= weight
        self._wake()

    def has_capacity(self, weight: int = 1) -> bool:
        """Return whether ``weight`` units are free. Never for a weight that `acquire` refuses."""
        return 1 <= weight <= self._total - self._active
