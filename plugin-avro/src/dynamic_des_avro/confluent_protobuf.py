"""Protobuf with a Confluent-compatible schema registry: the plugin ``protobuf-confluent``."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from confluent_kafka.schema_registry import Schema, SchemaReference
from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from dynamic_des import hookimpl
from dynamic_des.errors import ConfigError, DecodeError, EncodeError, show
from dynamic_des.serializers import MessageDeserializer, MessageSerializer
from dynamic_des_avro.confluent_registry import ConfluentRegistry, framed, header_of
from dynamic_des_avro.plain import plain
from dynamic_des_avro.protobuf_indexes import indexes_of, packed, unpacked
from dynamic_des_avro.protobuf_values import value_of
from dynamic_des_avro.remembering import Remembered
from dynamic_des_avro.serializing import NameStrategy, Payload, SchemaSerializer, name_strategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor, FileDescriptor

__all__ = ["ConfluentProtobufDeserializer", "ConfluentProtobufSerializer"]

_BUILT_IN = ("google/protobuf/", "google/type/", "confluent/")  # every reader has them: they are not registered


class ConfluentProtobufSerializer(SchemaSerializer):
    """Records as Protobuf, in the wire format of Confluent's own serializers.

    Args:
        registry_url: Address of the registry; several with commas between. ``mock://NAME`` is one in memory.
        message: The generated class of the message.
        payload: What of a record is written: its ``"value"``, or the whole ``"record"``.
        auto_register: Whether a schema that the registry does not have is registered.
        subject_name_strategy: As for the Avro serializer; the name is the message's full name.
        **registry_kwargs: For `confluent_kafka.schema_registry.SchemaRegistryClient`; with dots or underscores.

    Raises:
        ConfigError: If the message is none, or the client refuses its options.
    """

    def __init__(
        self,
        registry_url: str,
        message: type[Any],
        *,
        payload: Payload = "value",
        auto_register: bool = True,
        subject_name_strategy: str | NameStrategy = "topic",
        **registry_kwargs: Any,
    ) -> None:
        where = type(self).__name__
        super().__init__(payload, self._writer_for)
        self._message = message
        self._descriptor = _descriptor(where, message)
        self._subject = name_strategy(where, subject_name_strategy)
        self._register = auto_register
        self._registry = ConfluentRegistry(where, registry_url, registry_kwargs)

    def _writer_for(self, topic: str) -> Callable[[Any], bytes]:
        descriptor = self._descriptor
        schema = self._schema(descriptor.file)
        subject = self._subject(topic, descriptor.full_name)
        schema_id = self._registry.identify(subject, schema, register=self._register, normalize=False)
        header = header_of(schema_id) + packed(indexes_of(descriptor))

        def write(value: Any) -> bytes:
            if not isinstance(value, self._message):
                try:
                    value = self._message(**plain(value))
                except Exception as error:
                    reason = f"{type(error).__name__}: {error}".removesuffix(".")
                    text = f"Protobuf: {show(value)} is not a {descriptor.full_name}: {reason}. Publish its fields."
                    raise EncodeError(text) from error
            encoded: bytes = value.SerializeToString(deterministic=True)
            return header + encoded

        return write

    def _schema(self, file: FileDescriptor) -> Schema:
        """Return the schema of a file, after those that it imports were registered under their names."""
        references = []
        for imported in file.dependencies:
            if imported.name.startswith(_BUILT_IN):
                continue
            inner = self._schema(imported)
            self._registry.identify(imported.name, inner, register=self._register, normalize=False)
            version = self._registry.client.lookup_schema(imported.name, inner).version
            references.append(SchemaReference(imported.name, imported.name, version))
        return Schema(b64encode(file.serialized_pb).decode(), "PROTOBUF", references)


class ConfluentProtobufDeserializer(MessageDeserializer):
    """Protobuf messages of Confluent's serializers, and of ours, as dictionaries.

    Fields that the message class does not know are dropped; those that a message leaves out have their defaults, or
    are left out when their presence is part of the message.

    Args:
        registry_url: Address of the registry, which is asked once for each schema whether it is Protobuf.
        message: The generated class to read every message as.
        **registry_kwargs: As for `ConfluentProtobufSerializer`.
    """

    def __init__(self, registry_url: str, message: type[Any], **registry_kwargs: Any) -> None:
        where = type(self).__name__
        self._message = message
        self._indexes = indexes_of(_descriptor(where, message))
        self._registry = ConfluentRegistry(where, registry_url, registry_kwargs)
        self._kinds = Remembered(self._kind_of)

    def deserialize(self, topic: str, payload: bytes) -> Any:  # noqa: ARG002 - the contract's signature
        """Return the fields of the message.

        Raises:
            DecodeError: If it is not of this format, or another message of the schema.
            UnavailableError: If the registry does not answer and is needed: at the first message of a schema.
        """
        schema_id = framed("ConfluentProtobufDeserializer", payload)
        if schema_id not in self._kinds.answers:
            self._kinds[schema_id]
        indexes, begin = unpacked(payload, 5)
        if indexes != self._indexes:
            raise DecodeError(
                f"Protobuf: the message is number {indexes} of its schema; {self._message.DESCRIPTOR.full_name} is "
                f"number {self._indexes}. Give the class of what is sent."
            )
        try:
            return value_of(self._message.FromString(payload[begin:]))
        except (ProtobufError, ValueError) as error:
            name = self._message.DESCRIPTOR.full_name
            raise DecodeError(f"Protobuf: {show(payload)} is not a {name}: {error}".removesuffix(".") + ".") from error

    def _kind_of(self, schema_id: int) -> str:
        schema, _ = self._registry.schema(schema_id)
        kind = schema.schema_type or "AVRO"
        if kind != "PROTOBUF":
            raise DecodeError(f"ConfluentProtobufDeserializer: the schema {schema_id} is {kind}, not PROTOBUF.")
        return kind


def _descriptor(where: str, message: Any) -> Descriptor:
    if isinstance(message, type) and issubclass(message, Message):
        return getattr(message, "DESCRIPTOR")  # noqa: B009 - generated classes have it, their base's type not
    raise ConfigError(f"{where}: {show(message)} is no class of a message. Give one that protoc generated.")


@hookimpl
def dynamic_des_register_serializer() -> list[type[MessageSerializer | MessageDeserializer]]:
    """Name the classes of this plugin."""
    return [ConfluentProtobufSerializer, ConfluentProtobufDeserializer]
