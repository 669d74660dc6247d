"""Records in formats that are bound to a schema, for Dynamic DES, with the registries that keep the schemas.

Each registry has a module of its own, imported when it is asked for: `dynamic_des_avro.confluent`,
`dynamic_des_avro.glue`, `dynamic_des_avro.confluent_json`, `dynamic_des_avro.confluent_protobuf`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = [
    "ConfluentAvroDeserializer",
    "ConfluentAvroSerializer",
    "ConfluentJsonDeserializer",
    "ConfluentJsonSerializer",
    "ConfluentProtobufDeserializer",
    "ConfluentProtobufSerializer",
    "GlueAvroDeserializer",
    "GlueAvroSerializer",
]

_MODULES = {
    "ConfluentAvro": "confluent",
    "ConfluentJson": "confluent_json",
    "ConfluentProtobuf": "confluent_protobuf",
    "GlueAvro": "glue",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        module = _MODULES[name.removesuffix("Serializer").removesuffix("Deserializer")]
        return getattr(import_module(f"dynamic_des_avro.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
