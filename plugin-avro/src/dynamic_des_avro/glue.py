"""Avro with the AWS Glue schema registry: the plugin ``avro-glue``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from dynamic_des import hookimpl
from dynamic_des.errors import ConfigError, show
from dynamic_des.serializers import MessageDeserializer, MessageSerializer
from dynamic_des_avro.avro import AvroReader, AvroSchema, AvroWriter
from dynamic_des_avro.glue_registry import Compatibility, GlueRegistry, header_of, unframed
from dynamic_des_avro.remembering import Remembered
from dynamic_des_avro.schema_text import SchemaSource, avro_text, one_of
from dynamic_des_avro.serializing import NameStrategy, Payload, SchemaSerializer, name_strategy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GlueAvroDeserializer", "GlueAvroSerializer"]


class GlueAvroSerializer(SchemaSerializer):
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
        super().__init__(payload, self._writer_for)
        if compression not in (None, "zlib"):
            raise ConfigError(f"{where}: compression is {show(compression)}. Give 'zlib', or leave it out.")
        self._avro = AvroSchema(avro_text(where, one_of(where, schema_str, schema)))
        self._name = name_strategy(where, schema_name_strategy)
        self._register = auto_register
        self._compatibility: Compatibility = compatibility
        self._compressed = compression == "zlib"
        self._registry = GlueRegistry(where, registry_name, boto3_kwargs)

    def _writer_for(self, topic: str) -> Callable[[Any], bytes]:
        name = self._name(topic, self._avro.name)
        version = self._registry.identify(
            name, self._avro.text, register=self._register, compatibility=self._compatibility
        )
        return AvroWriter(
            self._avro, header_of(version, compressed=self._compressed), compressed=self._compressed
        ).write


class GlueAvroDeserializer(MessageDeserializer):
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
        self._readers = Remembered(self._reader_of)
        self._known = self._readers.answers

    def deserialize(self, topic: str, payload: bytes) -> Any:  # noqa: ARG002 - the contract's signature
        """Return what the payload holds.

        Raises:
            DecodeError: If it is not of this format, or of a schema that Glue does not have.
            UnavailableError: If Glue does not answer and is needed: at the first message of a schema.
        """
        version, value = unframed("GlueAvroDeserializer", payload)
        read = self._known.get(version)
        return (self._readers[version] if read is None else read)(value)

    def _reader_of(self, version: bytes) -> Callable[[bytes], Any]:
        return AvroReader(AvroSchema(self._registry.definition(UUID(bytes=version))), self._reader).read


@hookimpl
def dynamic_des_register_serializer() -> list[type[MessageSerializer | MessageDeserializer]]:
    """Name the classes of this plugin."""
    return [GlueAvroSerializer, GlueAvroDeserializer]
