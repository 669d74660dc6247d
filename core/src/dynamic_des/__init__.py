"""Live, steerable discrete-event simulation: SimPy models as operational digital twins.

Names are resolved on first use: importing this package imports neither simpy, pydantic, numpy nor any plugin.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dynamic_des.aliases import PLUGIN_NAMES, OldPaths, plugin_attribute
from dynamic_des.errors import nearest

if TYPE_CHECKING:
    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.connectors.console import ConsoleEgress
    from dynamic_des.connectors.file import FileEgress
    from dynamic_des.connectors.lines import LinesIngress
    from dynamic_des.connectors.local import LocalIngress
    from dynamic_des.connectors.memory import MemoryEgress, MemoryIngress
    from dynamic_des.egress import BaseEgress, Batch
    from dynamic_des.errors import (
        ConfigError,
        DecodeError,
        DynamicDesError,
        EncodeError,
        ParameterError,
        PermanentError,
        PluginError,
        ResourceError,
        UnavailableError,
        UnknownPathError,
        WrongThreadError,
    )
    from dynamic_des.hookspecs import hookimpl
    from dynamic_des.ingress import BaseIngress
    from dynamic_des.messages import Change, Message, Outcome, RunInfo
    from dynamic_des.serializers import JsonDeserializer, JsonSerializer, MessageDeserializer, MessageSerializer
    from dynamic_des.sim.parameters import CapacityConfig, DistributionConfig, SimParameter
    from dynamic_des.sim.payloads import BaseStreamPayload, EventPayload, TelemetryPayload
    from dynamic_des.sim.registry import DynamicValue, SimulationRegistry
    from dynamic_des.sim.resources.container import DynamicContainer
    from dynamic_des.sim.resources.resource import DynamicResource
    from dynamic_des.sim.resources.store import DynamicStore
    from dynamic_des.sim.sampling import RandomStreams, Sampler

__version__ = "0.1.0"

_MODULES = {
    "bridge.environment": ("DynamicRealtimeEnvironment",),
    "connectors.console": ("ConsoleEgress",),
    "connectors.file": ("FileEgress",),
    "connectors.lines": ("LinesIngress",),
    "connectors.local": ("LocalIngress",),
    "connectors.memory": ("MemoryEgress", "MemoryIngress"),
    "egress": ("BaseEgress", "Batch"),
    "errors": (
        "ConfigError",
        "DecodeError",
        "DynamicDesError",
        "EncodeError",
        "ParameterError",
        "PermanentError",
        "PluginError",
        "ResourceError",
        "UnavailableError",
        "UnknownPathError",
        "WrongThreadError",
    ),
    "hookspecs": ("hookimpl",),
    "ingress": ("BaseIngress",),
    "messages": ("Change", "Message", "Outcome", "RunInfo"),
    "serializers": ("JsonDeserializer", "JsonSerializer", "MessageDeserializer", "MessageSerializer"),
    "sim.parameters": ("CapacityConfig", "DistributionConfig", "SimParameter"),
    "sim.payloads": ("BaseStreamPayload", "EventPayload", "TelemetryPayload"),
    "sim.registry": ("DynamicValue", "SimulationRegistry"),
    "sim.resources.container": ("DynamicContainer",),
    "sim.resources.resource": ("DynamicResource",),
    "sim.resources.store": ("DynamicStore",),
    "sim.sampling": ("RandomStreams", "Sampler"),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BaseEgress",
    "BaseIngress",
    "BaseStreamPayload",
    "Batch",
    "CapacityConfig",
    "Change",
    "ConfigError",
    "ConsoleEgress",
    "DecodeError",
    "DistributionConfig",
    "DynamicContainer",
    "DynamicDesError",
    "DynamicRealtimeEnvironment",
    "DynamicResource",
    "DynamicStore",
    "DynamicValue",
    "EncodeError",
    "EventPayload",
    "FileEgress",
    "JsonDeserializer",
    "JsonSerializer",
    "LinesIngress",
    "LocalIngress",
    "MemoryEgress",
    "MemoryIngress",
    "Message",
    "MessageDeserializer",
    "MessageSerializer",
    "Outcome",
    "ParameterError",
    "PermanentError",
    "PluginError",
    "RandomStreams",
    "ResourceError",
    "RunInfo",
    "Sampler",
    "SimParameter",
    "SimulationRegistry",
    "TelemetryPayload",
    "UnavailableError",
    "UnknownPathError",
    "WrongThreadError",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        value = globals()[name] = getattr(import_module(f"dynamic_des.{_WHERE[name]}"), name)
        return value
    if name in PLUGIN_NAMES:
        return plugin_attribute(name)
    hint = "" if name.startswith("_") else nearest(name, (*_WHERE, *PLUGIN_NAMES))
    raise AttributeError(f"module 'dynamic_des' has no attribute {name!r}.{hint}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})


if not any(finder is OldPaths for finder in sys.meta_path):
    sys.meta_path.append(OldPaths)
