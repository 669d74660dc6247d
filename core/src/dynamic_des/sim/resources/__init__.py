"""Resources whose capacity follows the registry."""

from __future__ import annotations

from dynamic_des.sim.resources.base import BaseDynamicResource
from dynamic_des.sim.resources.container import DynamicContainer
from dynamic_des.sim.resources.resource import DynamicResource
from dynamic_des.sim.resources.store import DynamicStore

__all__ = ["BaseDynamicResource", "DynamicContainer", "DynamicResource", "DynamicStore"]
