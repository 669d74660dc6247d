"""The four kinds of plugin, and what core itself brings of each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["KINDS", "PLUGINS", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of plugin.

    Attributes:
        name: What it is called in texts and in configuration files.
        hook: The hook that registers it.
        bases: ``module:name`` of the classes that a plugin of this kind derives from; none for resources.
        builtin: ``type`` → ``module:name`` of what core brings.
    """

    name: str
    hook: str
    bases: tuple[str, ...]
    builtin: dict[str, str]

    def base_classes(self) -> tuple[type[Any], ...]:
        """Return the classes that a plugin of this kind derives from."""
        return tuple(_resolve(base) for base in self.bases)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "ingress",
            "dynamic_des_register_ingress",
            ("dynamic_des.ingress:BaseIngress",),
            {
                "local": "dynamic_des.connectors.local:LocalIngress",
                "lines": "dynamic_des.connectors.lines:LinesIngress",
                "memory": "dynamic_des.connectors.memory:MemoryIngress",
            },
        ),
        Kind(
            "egress",
            "dynamic_des_register_egress",
            ("dynamic_des.egress:BaseEgress",),
            {
                "console": "dynamic_des.connectors.console:ConsoleEgress",
                "file": "dynamic_des.connectors.file:FileEgress",
                "memory": "dynamic_des.connectors.memory:MemoryEgress",
            },
        ),
        Kind(
            "serializer",
            "dynamic_des_register_serializer",
            (
                "dynamic_des.serializers:MessageSerializer",
                "dynamic_des.serializers:MessageDeserializer",
            ),
            {
                "json": "dynamic_des.serializers:JsonSerializer",
            },
        ),
        Kind(
            "deserializer",
            "dynamic_des_register_serializer",
            ("dynamic_des.serializers:MessageDeserializer",),
            {
                "json": "dynamic_des.serializers:JsonDeserializer",
            },
        ),
        Kind(
            "resource",
            "dynamic_des_register_resource",
            (),
            {
                "resource": "dynamic_des.sim.resources.resource:DynamicResource",
                "container": "dynamic_des.sim.resources.container:DynamicContainer",
                "store": "dynamic_des.sim.resources.store:DynamicStore",
            },
        ),
    )
}

# Entry-point name → distribution, of the plugins that this project publishes: for the `pip install` line.
PLUGINS: dict[str, str] = {
    "kafka": "dynamic-des-kafka",
    "redis": "dynamic-des-redis",
    "postgres": "dynamic-des-postgres",
    "avro-confluent": "dynamic-des-avro[confluent]",
    "avro-glue": "dynamic-des-avro[glue]",
    "parquet": "dynamic-des-storage",
    "jsonl": "dynamic-des-storage",
    "streaming": "dynamic-des-streaming",
    "servers": "dynamic-des-servers",
    "kernel": "dynamic-des-kernel",
}


def _resolve(place: str) -> type[Any]:
    module, _, name = place.partition(":")
    found: type[Any] = getattr(import_module(module), name)
    return found
