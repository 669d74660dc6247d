"""The kinds of plugin, and what core itself brings of each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["KINDS", "RESERVED", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of plugin.

    Attributes:
        name: What it is called in texts and in configuration files.
        hook: The hook that registers it.
        base: ``module:name`` of the class that a plugin of this kind derives from; none for resources.
        builtin: ``type`` → ``module:name`` of what core brings.
        example: A ``type`` for the texts of errors.
    """

    name: str
    hook: str
    base: str
    builtin: dict[str, str]
    example: str

    def __str__(self) -> str:
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"

    def has(self, cls: type[Any]) -> bool:
        """Return whether a class is of this kind, as far as its bases tell."""
        if self.base:
            return issubclass(cls, _resolve(self.base))
        return not any(kind.base and kind.has(cls) for kind in KINDS.values())


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "ingress",
            "dynamic_des_register_ingress",
            "dynamic_des.ingress:BaseIngress",
            {
                "local": "dynamic_des.connectors.local:LocalIngress",
                "lines": "dynamic_des.connectors.lines:LinesIngress",
                "memory": "dynamic_des.connectors.memory:MemoryIngress",
            },
            "lines",
        ),
        Kind(
            "egress",
            "dynamic_des_register_egress",
            "dynamic_des.egress:BaseEgress",
            {
                "console": "dynamic_des.connectors.console:ConsoleEgress",
                "file": "dynamic_des.connectors.file:FileEgress",
                "memory": "dynamic_des.connectors.memory:MemoryEgress",
            },
            "console",
        ),
        Kind(
            "serializer",
            "dynamic_des_register_serializer",
            "dynamic_des.serializers:MessageSerializer",
            {"json": "dynamic_des.serializers:JsonSerializer"},
            "json",
        ),
        Kind(
            "deserializer",
            "dynamic_des_register_serializer",
            "dynamic_des.serializers:MessageDeserializer",
            {"json": "dynamic_des.serializers:JsonDeserializer"},
            "json",
        ),
        Kind(
            "resource",
            "dynamic_des_register_resource",
            "",
            {
                "resource": "dynamic_des.sim.resources.resource:DynamicResource",
                "container": "dynamic_des.sim.resources.container:DynamicContainer",
                "store": "dynamic_des.sim.resources.store:DynamicStore",
            },
            "resource",
        ),
    )
}

# core's own names: no plugin may take them
RESERVED: dict[str, list[Kind]] = {
    name: [kind for kind in KINDS.values() if name in kind.builtin]
    for name in sorted({name for kind in KINDS.values() for name in kind.builtin})
}


def _resolve(place: str) -> type[Any]:
    module, _, name = place.partition(":")
    found: type[Any] = getattr(import_module(module), name)
    return found
