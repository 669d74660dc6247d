"""Places for things that differ from each other: buffers, shelves, mailboxes."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from simpy.resources.store import FilterStore, FilterStoreGet, PriorityStore, StoreGet, StorePut

from dynamic_des.errors import ResourceError, show
from dynamic_des.sim.resources.base import BaseDynamicResource

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment

__all__ = ["DynamicStore"]


class DynamicStore(BaseDynamicResource, PriorityStore, FilterStore):
    """A SimPy store whose capacity is the live parameter ``<sim_id>.stores.<obj_id>.current_cap``.

    By itself it behaves as `simpy.Store`: first in, first out. The options make it a `simpy.PriorityStore`, a
    `simpy.FilterStore`, or both at once.

    When the capacity shrinks below the number of items they stay: the store is over capacity, and every put
    waits until gets have brought it below the new capacity. When it grows, the puts that fit go on at once.

    **Not promised**: which one of several items of equal priority comes first; SimPy's heap decides.

    Args:
        env: An environment with a ``registry``.
        sim_id: The entity, such as ``"Line_A"``.
        obj_id: The store, such as ``"buffer"``.
        priority: Whether the smallest item comes first. Items must be comparable; wrap others in
            `simpy.PriorityItem`.
        filter: Whether gets may choose: ``store.get(lambda item: item.colour == "red")``. Whenever something was
            put or asked for, all waiting gets are offered all items, which costs gets times items.

    Raises:
        UnknownPathError: If the capacity is not registered.
        ConfigError: If the environment has no registry.

    Attributes:
        obj_id: The name of the store.
        items: What is in the store; of a priority store, a heap.
        put_queue: The puts that wait, next first. A list.
        get_queue: The gets that wait, next first. A list.
    """

    _kind = "stores"

    def __init__(
        self,
        env: Environment,
        sim_id: str,
        obj_id: str,
        *,
        priority: bool = False,
        filter: bool = False,  # noqa: A002 - SimPy's word
    ) -> None:
        super().__init__(env, sim_id, obj_id)
        self.obj_id = obj_id
        self.items = []
        self._priority = priority
        self._filter = filter

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._label}: {len(self.items)} of {self.capacity}>"

    def put(self, item: Any) -> StorePut:  # type: ignore[override]
        """Put an item in.

        Args:
            item: Any object; in a priority store one that can be compared with the others.

        Returns:
            An event that happens when there is a place. It fails with a `ResourceError` when the item cannot be
            compared.
        """
        if self._hooked:
            return StorePut(self, item)
        put: StorePut = self._event(StorePut, self._trigger_get)
        put.item = item
        if self.put_queue or self._priority or len(self.items) >= self._capacity:
            self._put(put)
        else:
            self.items.append(item)
            put._ok = True
            put._value = None
            self._env.schedule(put)
        return put

    def get(self, filter: Callable[[Any], bool] | None = None) -> StoreGet:  # type: ignore[override]  # noqa: A002
        """Take an item out.

        Args:
            filter: What is wanted, where the store was made with ``filter=True``; None for any item.

        Returns:
            An event that happens when there is such an item; its value is the item.

        Raises:
            ResourceError: If a filter is given to a store that was made without.
        """
        if filter is not None and not self._filter:
            raise ResourceError(
                f"{self._label}: this store takes no filter, and got {show(filter)}. Make it with filter=True."
            )
        if self._hooked:
            return FilterStoreGet(self, filter or _anything) if self._filter else StoreGet(self)
        if self._filter:
            choice: FilterStoreGet = self._event(FilterStoreGet, self._trigger_put)
            choice.filter = filter or _anything
            self._get(choice)
            return choice
        get: StoreGet = self._event(StoreGet, self._trigger_put)
        if self.get_queue or not self.items:
            self._get(get)
        else:
            get._ok = True
            get._value = heappop(self.items) if self._priority else self.items.pop(0)
            self._env.schedule(get)
        return get

    def _trigger_get(self, put_event: StorePut | None) -> None:
        if self._hooked or self.items:  # nothing is offered to nobody, however many wait
            super()._trigger_get(put_event)

    def _do_put(self, event: StorePut) -> bool | None:
        if len(self.items) < self._capacity:
            if not self._priority:
                self.items.append(event.item)
            else:
                try:
                    heappush(self.items, event.item)
                except TypeError as error:
                    self._refuse(event, error)
                    return True  # its place is free for the next one
            event.succeed()
        return None

    def _refuse(self, event: StorePut, error: TypeError) -> None:
        """Fail a put whose item cannot be compared, and leave the store as it was."""
        del self.items[next(place for place, item in enumerate(self.items) if item is event.item)]
        heapify(self.items)
        failure = ResourceError(
            f"{self._label}: {show(event.item)} cannot be compared with the items of this priority store "
            f"({error}). Wrap items in simpy.PriorityItem."
        )
        failure.__cause__ = error
        event.fail(failure)

    def _do_get(self, event: StoreGet) -> bool | None:
        if isinstance(event, FilterStoreGet):
            self._get_chosen(event)
            return True  # the next one may want what this one does not
        if self.items:
            event.succeed(heappop(self.items) if self._priority else self.items.pop(0))
        return None

    def _get_chosen(self, event: FilterStoreGet) -> None:
        """Give ``event`` the first item it wants; of a priority store the smallest."""
        items = self.items
        wanted = (place for place, item in enumerate(items) if event.filter(item))
        place = min(wanted, key=items.__getitem__, default=None) if self._priority else next(wanted, None)
        if place is not None:
            item = items.pop(place)
            if self._priority:
                heapify(items)
            event.succeed(item)


def _anything(item: Any) -> bool:  # noqa: ARG001
    return True
