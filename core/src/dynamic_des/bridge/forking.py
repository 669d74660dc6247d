"""What becomes of bridges in a child of the process: they are the parent's, whose threads the child does not have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from dynamic_des.bridge.bridge import Bridge

__all__ = ["disown_in_children"]

_bridges: WeakSet[Bridge] = WeakSet()


def disown_in_children(bridge: Bridge) -> None:
    """See to it that a bridge does nothing in a process forked from this one, also not when that one exits."""
    _bridges.add(bridge)


def _disown() -> None:
    for bridge in list(_bridges):
        bridge.disown()


if hasattr(os, "register_at_fork"):  # not where processes are never forked
    os.register_at_fork(after_in_child=_disown)
