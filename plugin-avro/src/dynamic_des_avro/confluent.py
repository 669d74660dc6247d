"""Avro with a Confluent-compatible schema registry: the plugin ``avro-confluent``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka.schema_registry import Schema

from dynamic_des import hookimpl
from dynamic_des.errors import ConfigError, DecodeError
from dynamic_des_avro.avro import AvroReader, AvroSchema
from dynamic_des_avro.avro_serializing import AvroDeserializer, AvroSerializer
from dynamic_des_avro.confluent_registry import HEADER_SIZE, ConfluentRegistry, framed, header_of
from dynamic_des_avro.schema_text import SchemaSource, avro_text, one_of
from dynamic_des_avro.serializing import NameStrategy, Payload, name_strategy

if TYPE_CHECKING:
    from dynamic_des.serializers import MessageDeserializer, MessageSerializer

__all__ = ["ConfluentAvroDeserializer", "ConfluentAvroSerializer"]


class ConfluentAvroSerializer(AvroSerializer):
    """Records as Avro, in the wire format of Confluent's own serializers.

    The registry is asked once for each topic, at its first record. While it cannot be reached, records wait; once a
    topic's schema is known, the registry is not needed any more.

    Args:
        registry_url: Address of the registry; several with commas between. ``mock://NAME`` is one in memory.
        schema_str: The Avro schema: JSON, the path of a file, a dictionary, or a pydantic model.
        schema: The same, under the name that reads well in a configuration file.
        payload: What of a record is written: its ``"value"``, or the whole ``"record"``.
        auto_register: Whether a schema that the registry does not have is registered.
        subject_name_strategy: ``"topic"`` (``<topic>-value``), ``"record"`` (the schema's full name),
            ``"topic_record"``, or a function (topic, full name) → subject.
        normalize: Whether the registry takes the schema in its normal form.
        **registry_kwargs: For `confluent_kafka.schema_registry.SchemaRegistryClient`, such as
            ``basic_auth_user_info`` or ``ssl_ca_location``; with dots or underscores.

    Raises:
        ConfigError: If the schema is none, or the client refuses its options.
    """

    def __init__(
        self,
        registry_url: str,
        schema_str: SchemaSource | None = None,
        *,
        schema: SchemaSource | None = None,
        payload: Payload = "value",
        auto_register: bool = True,
        subject_name_strategy: str | NameStrategy = "topic",
        normalize: bool = False,
        **registry_kwargs: Any,
    ) -> None:
        where = type(self).__name__
        self._avro = AvroSchema(avro_text(where, one_of(where, schema_str, schema)))
        super().__init__(self._avro, payload)
        self._subject = name_strategy(where, subject_name_strategy)
        self._register = auto_register
        self._normalize = normalize
        self._registry = ConfluentRegistry(where, registry_url, registry_kwargs)

    def _header_for(self, topic: str) -> bytes:
        text = self._avro.text
        if not text.startswith(("{", "[")):
            text = f'{{"type":{text}}}'  # the registries want an object, as Confluent's serializer sends it
        subject = self._subject(topic, self._avro.name)
        schema_id = self._registry.identify(
            subject, Schema(text, "AVRO"), register=self._register, normalize=self._normalize
        )
        return header_of(schema_id)


class ConfluentAvroDeserializer(AvroDeserializer):
    """Avro messages of Confluent's serializers, and of ours, as Python objects.

    The schema that a message was written with is asked for once, by the id in the message.

    Args:
        registry_url: Address of the registry; several with commas between. ``mock://NAME`` is one in memory.
        reader_schema: The schema to read every message as. By default, that which it was written with.
        **registry_kwargs: As for `ConfluentAvroSerializer`.

    Raises:
        ConfigError: If the schema is none, or the client refuses its options.
    """

    def __init__(self, registry_url: str, *, reader_schema: SchemaSource | None = None, **registry_kwargs: Any) -> None:
        where = type(self).__name__
        self._reader = None if reader_schema is None else AvroSchema(avro_text(where, reader_schema))
        self._registry = ConfluentRegistry(where, registry_url, registry_kwargs)
        super().__init__(HEADER_SIZE)

    def _first(self, payload: bytes) -> Any:
        framed("ConfluentAvroDeserializer", payload)
        return self._readers[payload[:HEADER_SIZE]].read(payload[HEADER_SIZE:])

    def _reader_for(self, header: bytes) -> AvroReader:
        schema_id = framed("ConfluentAvroDeserializer", header)
        schema, references = self._registry.schema(schema_id)
        if schema.schema_type not in (None, "AVRO"):
            raise DecodeError(f"ConfluentAvroDeserializer: the schema {schema_id} is {schema.schema_type}, not AVRO.")
        try:
            return AvroReader(AvroSchema(str(schema.schema_str), references), self._reader)
        except ConfigError as error:
            raise DecodeError(f"ConfluentAvroDeserializer: the schema {schema_id}: {error}") from error


@hookimpl
def dynamic_des_register_serializer() -> list[type[MessageSerializer | MessageDeserializer]]:
    """Name the classes of this plugin."""
    return [ConfluentAvroSerializer, ConfluentAvroDeserializer]
