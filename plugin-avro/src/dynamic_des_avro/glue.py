"""Avro with the AWS Glue schema registry: the plugin ``avro-glue``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from dynamic_des import hookimpl
from dynamic_des.errors import ConfigError, DecodeError, show
from dynamic_des_avro.avro import AvroReader, AvroSchema
from dynamic_des_avro.avro_serializing import AvroDeserializer, AvroSerializer
from dynamic_des_avro.glue_registry import HEADER_SIZE, Compatibility, GlueRegistry, header_of, unframed
from dynamic_des_avro.schema_text import SchemaSource, avro_text, one_of
from dynamic_des_avro.serializing import NameStrategy, Payload, name_strategy

if TYPE_CHECKING:
    from dynamic_des.serializers import MessageDeserializer, MessageSerializer

__all__ = ["GlueAvroDeserializer", "GlueAvroSerializer"]


class GlueAvroSerializer(AvroSerializer):
    """Records as Avro, in the wire format of AWS's own serializers.

    Glue is asked once for each topic, at its first record; while it cannot be reached, records wait.

    Args:
        registry_name: Name of the registry in Glue; it must exist.
        schema_str: The Avro schema: JSON, the path of a file, a dictionary, or a pydantic model.
        schema: The same, under the name that reads well in a configuration file.
        payload: What of a record is written: its ``"value"``, or the whole ``"record"``.
        auto_register: Whether a schema that Glue does not have is registered.
        schema_name_strategy: ``"topic"`` (``<topic>-value``), ``"record"`` (the schema's full name),
            ``"topic_record"``, or a function (topic, full name) → name.
        compatibility: What a schema that is created asks of its later versions.
        compression: ``"zlib"``, or none.
        **boto3_kwargs: For ``boto3.client("glue", …)``, such as ``region_name`` or ``endpoint_url``.

    Raises:
        ConfigError: If the schema is none, or boto3 refuses its options.
    """

    client = "boto3.session:Session.client"

    def __init__(
        self,
        registry_name: str,
        schema_str: SchemaSource | None = None,
        *,
        schema: SchemaSource | None = None,
        payload: Payload = "value",
        auto_register: bool = True,
        schema_name_strategy: str | NameStrategy = "topic",
        compatibility: Compatibility = "BACKWARD",
        compression: Literal["zlib"] | None = None,
        **boto3_kwargs: Any,
    ) -> None:
        where = type(self).__name__
        if compression not in (None, "zlib"):
            raise ConfigError(f"{where}: compression is {show(compression)}. Give 'zlib', or leave it out.")
        self._avro = AvroSchema(avro_text(where, one_of(where, schema_str, schema)))
        super().__init__(self._avro, payload, compressed=compression == "zlib")
        self._name = name_strategy(where, schema_name_strategy)
        self._register = auto_register
        self._compatibility: Compatibility = compatibility
        self._registry = GlueRegistry(where, registry_name, boto3_kwargs)

    def _header_for(self, topic: str) -> bytes:
        name = self._name(topic, self._avro.name)
        version = self._registry.identify(
            name, self._avro.text, register=self._register, compatibility=self._compatibility
        )
        return header_of(version, compressed=self._compressed)


class GlueAvroDeserializer(AvroDeserializer):
    """Avro messages of AWS's serializers, and of ours, as Python objects.

    Args:
        registry_name: Name of the registry in Glue. The messages name the versions of their schemas by ids that are
            the same in all registries of an account.
        reader_schema: The schema to read every message as. By default, that which it was written with.
        **boto3_kwargs: As for `GlueAvroSerializer`.

    Raises:
        ConfigError: If the schema is none, or boto3 refuses its options.
    """

    client = "boto3.session:Session.client"

    def __init__(self, registry_name: str, *, reader_schema: SchemaSource | None = None, **boto3_kwargs: Any) -> None:
        where = type(self).__name__
        self._reader = None if reader_schema is None else AvroSchema(avro_text(where, reader_schema))
        self._registry = GlueRegistry(where, registry_name, boto3_kwargs)
        super().__init__(HEADER_SIZE)

    def _first(self, payload: bytes) -> Any:
        version, value = unframed("GlueAvroDeserializer", payload)
        # known by the header of what is not compressed: what is, always comes here
        return self._readers[header_of(UUID(bytes=version), compressed=False)].read(value)

    def _reader_for(self, header: bytes) -> AvroReader:
        version = UUID(bytes=header[2:])
        definition = self._registry.definition(version)
        try:
            return AvroReader(AvroSchema(definition), self._reader)
        except ConfigError as error:
            raise DecodeError(f"GlueAvroDeserializer: the schema version {version}: {error}") from error


@hookimpl
def dynamic_des_register_serializer() -> list[type[MessageSerializer | MessageDeserializer]]:
    """Name the classes of this plugin."""
    return [GlueAvroSerializer, GlueAvroDeserializer]
