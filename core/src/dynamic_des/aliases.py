"""Names that live elsewhere: classes of the published plugins, and the import paths of the earliest releases.

The one place for all of them. Nothing here is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from dynamic_des.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import ModuleType

__all__ = ["OLD_MODULES", "PLUGIN_NAMES", "PUBLISHED", "OldPaths", "Published", "plugin_attribute"]


class Published(NamedTuple):
    """A plugin that this project publishes.

    Attributes:
        install: What to give to ``pip install``.
        module: The module that has its classes.
        names: The classes that ``from dynamic_des import …`` finds, too.
    """

    install: str
    module: str
    names: tuple[str, ...] = ()


# entry-point name, which is the `type` in a configuration file → the plugin
PUBLISHED: dict[str, Published] = {
    "kafka": Published(
        "dynamic-des-kafka", "dynamic_des_kafka", ("KafkaIngress", "KafkaEgress", "KafkaAdminConnector")
    ),
    "redis": Published("dynamic-des-redis", "dynamic_des_redis", ("RedisIngress", "RedisEgress")),
    "postgres": Published("dynamic-des-postgres", "dynamic_des_postgres", ("PostgresIngress", "PostgresEgress")),
    "avro-confluent": Published(
        "dynamic-des-avro[confluent]",
        "dynamic_des_avro.confluent",
        ("ConfluentAvroSerializer", "ConfluentAvroDeserializer"),
    ),
    "avro-glue": Published(
        "dynamic-des-avro[glue]", "dynamic_des_avro.glue", ("GlueAvroSerializer", "GlueAvroDeserializer")
    ),
    "json-confluent": Published("dynamic-des-avro[json]", "dynamic_des_avro.confluent_json"),
    "protobuf-confluent": Published("dynamic-des-avro[protobuf]", "dynamic_des_avro.confluent_protobuf"),
    "parquet": Published("dynamic-des-storage", "dynamic_des_storage"),
    "jsonl": Published("dynamic-des-storage", "dynamic_des_storage"),
    "streaming": Published("dynamic-des-streaming", "dynamic_des_streaming"),
    "servers": Published("dynamic-des-servers", "dynamic_des_servers"),
    "kernel": Published("dynamic-des-kernel", "dynamic_des_kernel"),
}

# class → the plugin that has it
PLUGIN_NAMES: dict[str, Published] = {name: plugin for plugin in PUBLISHED.values() for name in plugin.names}

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
        ImportError: If the plugin is not installed, or lacks something it needs, with the line to install it; or
            the plugin's own error.
    """
    plugin = PLUGIN_NAMES[name]
    try:
        return getattr(import_module(plugin.module), name)
    except ModuleNotFoundError as error:
        package = plugin.module.partition(".")[0]
        if error.name == package:
            problem = "is in a plugin that is not installed"
        elif (error.name or "").partition(".")[0] not in (package, "dynamic_des"):
            problem = f"needs the module {error.name!r}, which is not installed"
        else:
            raise  # a fault of the plugin itself: its own error says what
        raise ImportError(f'{name} {problem}: pip install "{plugin.install}"', name=error.name) from error


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
            hint = "" if name.startswith("_") else nearest(name, names)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}.{hint}")

        module.__doc__ = f"Kept for code that was written for earlier releases: {', '.join(names)}."
        module.__dict__.update(__getattr__=lookup, __all__=list(names))
