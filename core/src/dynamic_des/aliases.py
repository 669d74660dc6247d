"""Names that live elsewhere: classes of the plugins, and the import paths of the earliest releases.

The one table of all of them. Nothing here is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any, cast

from dynamic_des.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import ModuleType

__all__ = ["OLD_MODULES", "PLUGIN_NAMES", "OldPaths", "plugin_attribute"]

# class → (module that has it, what to install)
PLUGIN_NAMES: dict[str, tuple[str, str]] = {
    "KafkaIngress": ("dynamic_des_kafka", "dynamic-des-kafka"),
    "KafkaEgress": ("dynamic_des_kafka", "dynamic-des-kafka"),
    "KafkaAdminConnector": ("dynamic_des_kafka", "dynamic-des-kafka"),
    "RedisIngress": ("dynamic_des_redis", "dynamic-des-redis"),
    "RedisEgress": ("dynamic_des_redis", "dynamic-des-redis"),
    "PostgresIngress": ("dynamic_des_postgres", "dynamic-des-postgres"),
    "PostgresEgress": ("dynamic_des_postgres", "dynamic-des-postgres"),
    "ConfluentAvroSerializer": ("dynamic_des_avro.confluent", "dynamic-des-avro[confluent]"),
    "ConfluentAvroDeserializer": ("dynamic_des_avro.confluent", "dynamic-des-avro[confluent]"),
    "GlueAvroSerializer": ("dynamic_des_avro.glue", "dynamic-des-avro[glue]"),
    "GlueAvroDeserializer": ("dynamic_des_avro.glue", "dynamic-des-avro[glue]"),
}

# old module → the names it had; empty for a package
OLD_MODULES: dict[str, tuple[str, ...]] = {
    "connectors.admin": (),
    "connectors.admin.kafka": ("KafkaAdminConnector",),
    "connectors.egress": (),
    "connectors.egress.base": ("BaseEgress",),
    "connectors.egress.kafka": (
        "ConfluentAvroSerializer",
        "GlueAvroSerializer",
        "JsonSerializer",
        "KafkaEgress",
        "MessageSerializer",
    ),
    "connectors.egress.local": ("ConsoleEgress",),
    "connectors.egress.postgres": ("PostgresEgress",),
    "connectors.egress.redis": ("RedisEgress",),
    "connectors.ingress": (),
    "connectors.ingress.base": ("BaseIngress",),
    "connectors.ingress.kafka": (
        "ConfluentAvroDeserializer",
        "GlueAvroDeserializer",
        "JsonDeserializer",
        "KafkaIngress",
        "MessageDeserializer",
    ),
    "connectors.ingress.local": ("LocalIngress",),
    "connectors.ingress.postgres": ("PostgresIngress",),
    "connectors.ingress.redis": ("RedisIngress",),
    "core": (),
    "core.environment": ("DynamicRealtimeEnvironment",),
    "core.registry": ("DynamicValue", "SimulationRegistry"),
    "core.sampler": ("Sampler",),
    "models": (),
    "models.params": ("CapacityConfig", "DistributionConfig", "SimParameter"),
    "models.schemas": ("BaseStreamPayload", "EventPayload", "TelemetryPayload"),
    "resources": (),
    "resources.container": ("DynamicContainer",),
    "resources.resource": ("DynamicResource",),
    "resources.store": ("DynamicStore",),
}


def plugin_attribute(name: str) -> Any:
    """Return a class of a plugin that this project publishes.

    Raises:
        ImportError: If the plugin is not installed, with the line to install it; or the plugin's own error.
    """
    module, distribution = PLUGIN_NAMES[name]
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise  # the plugin is there, something it needs is not: its own error says what
        raise ImportError(f'{name} is in a plugin that is not installed: pip install "{distribution}"') from error


class OldPaths:
    """Finds the modules of `OLD_MODULES`: a finder for ``sys.meta_path``, asked when nobody else knows."""

    @staticmethod
    def find_spec(
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG004 - the protocol's signature
        target: ModuleType | None = None,  # noqa: ARG004 - the protocol's signature
    ) -> ModuleSpec | None:
        """Return how to import ``fullname``, if it is an old path."""
        root, _, old = fullname.partition(".")
        if root != "dynamic_des" or old not in OLD_MODULES:
            return None
        return ModuleSpec(fullname, cast("Loader", _OldLoader), is_package=not OLD_MODULES[old])


class _OldLoader:
    """Makes a module that looks its names up in `dynamic_des`."""

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG004 - the protocol's signature
        return None

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        names = OLD_MODULES[module.__name__.partition(".")[2]]

        def lookup(name: str) -> Any:
            if name in names:
                return getattr(import_module("dynamic_des"), name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}.{nearest(name, names)}")

        module.__doc__ = f"Kept for code that was written for earlier releases: {', '.join(names)}."
        module.__dict__.update(__getattr__=lookup, __all__=list(names))
