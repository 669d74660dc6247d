"""Avro with a Confluent-compatible schema registry: the plugin ``avro-confluent``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka.schema_registry import Schema

from dynamic_des import hookimpl
from dynamic_des.errors import DecodeError
from dynamic_des.serializers import MessageDeserializer, MessageSerializer
from dynamic_des_avro.avro import AvroReader, AvroSchema, AvroWriter
from dynamic_des_avro.confluent_registry import ConfluentRegistry, framed, header_of
from dynamic_des_avro.remembering import Remembered
from dynamic_des_avro.schema_text import SchemaSource, avro_text, one_of
from dynamic_des_avro.serializing import NameStrategy, Payload, SchemaSerializer, name_strategy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ConfluentAvroDeserializer", "ConfluentAvroSerializer"]


class ConfluentAvroSerializer(SchemaSerializer):
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
        super().__init__(payload, self._writer_for)
        self._avro = AvroSchema(avro_text(where, one_of(where, schema_str, schema)))
        self._subject = name_strategy(where, subject_name_strategy)
        self._register = auto_register
        self._normalize = normalize
        self._registry = ConfluentRegistry(where, registry_url, registry_kwargs)

    def _writer_for(self, topic: str) -> Callable[[Any], bytes]:
        text = self._avro.text
        if not text.startswith(("{", "[")):
            text = f'{{"type":{text}}}'  # the registries want an object, as Confluent's serializer sends it
        subject = self._subject(topic, self._avro.name)
        schema_id = self._registry.identify(
            subject, Schema(text, "AVRO"), register=self._register, normalize=self._normalize
        )
        return AvroWriter(self._avro, header_of(schema_id)).write


class ConfluentAvroDeserializer(MessageDeserializer):
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
        self._readers = Remembered(self._reader_of)
        self._known = self._readers.answers

    def deserialize(self, topic: str, payload: bytes) -> Any:  # noqa: ARG002 - the contract's signature
        """Return what the payload holds.

        Raises:
            DecodeError: If it is not of this format, or of a schema that the registry does not have.
            UnavailableError: If the registry does not answer and is needed: at the first message of a schema.
        """
        schema_id = framed("ConfluentAvroDeserializer", payload)
        read = self._known.get(schema_id)
        return (self._readers[schema_id] if read is None else read)(payload[5:])

    def _reader_of(self, schema_id: int) -> Callable[[bytes], Any]:
        schema, references = self._registry.schema(schema_id)
        if schema.schema_type not in (None, "AVRO"):
            raise DecodeError(f"ConfluentAvroDeserializer: the schema {schema_id} is {schema.schema_type}, not AVRO.")
        return AvroReader(AvroSchema(str(schema.schema_str), references), self._reader).read


@hookimpl
def dynamic_des_register_serializer() -> list[type[MessageSerializer | MessageDeserializer]]:
    """Name the classes of this plugin."""
    return [ConfluentAvroSerializer, ConfluentAvroDeserializer]
