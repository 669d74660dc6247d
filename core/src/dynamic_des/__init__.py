"""Live, steerable discrete-event simulation: SimPy models as operational digital twins.

Names are resolved on first use: importing this package imports neither simpy, pydantic, numpy nor any plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynamic_des.egress import BaseEgress as BaseEgress
    from dynamic_des.egress import Batch as Batch
    from dynamic_des.hookspecs import hookimpl as hookimpl
    from dynamic_des.ingress import BaseIngress as BaseIngress
    from dynamic_des.messages import Change as Change
    from dynamic_des.messages import Message as Message
    from dynamic_des.messages import Outcome as Outcome
    from dynamic_des.messages import RunInfo as RunInfo
    from dynamic_des.sim.parameters import CapacityConfig as CapacityConfig
    from dynamic_des.sim.parameters import DistributionConfig as DistributionConfig
    from dynamic_des.sim.parameters import SimParameter as SimParameter

__version__ = "0.1.0"

_WHERE = {
    "BaseEgress": "egress",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        value = globals()[name] = getattr(import_module(f"dynamic_des.{_WHERE[name]}"), name)
        return value
    raise AttributeError(f"module 'dynamic_des' has no attribute {name!r}")
