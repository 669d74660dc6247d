"""JSON with a JSON Schema in a Confluent-compatible registry: the plugin ``json-confluent``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
from confluent_kafka.schema_registry import Schema
from jsonschema.exceptions import SchemaError, best_match
from jsonschema.validators import Draft7Validator, validator_for
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from dynamic_des import hookimpl
from dynamic_des.errors import ConfigError, DecodeError, EncodeError, show
from dynamic_des.serializers import JsonDeserializer, JsonSerializer, MessageDeserializer, MessageSerializer
from dynamic_des_avro.confluent_registry import ConfluentRegistry, framed, header_of
from dynamic_des_avro.remembering import Remembered
from dynamic_des_avro.schema_text import SchemaSource, one_of, text_of
from dynamic_des_avro.serializing import NameStrategy, Payload, SchemaSerializer, name_strategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema.protocols import Validator

__all__ = ["ConfluentJsonDeserializer", "ConfluentJsonSerializer"]


class ConfluentJsonSerializer(SchemaSerializer):
    """Records as JSON that fits a JSON Schema, in the wire format of Confluent's own serializers.

    The bytes are compact JSON: the same document as Confluent's serializer writes, without its spaces.

    Args:
        registry_url: Address of the registry; several with commas between. ``mock://NAME`` is one in memory.
        schema_str: The JSON Schema: JSON, the path of a file, a dictionary, or a pydantic model.
        schema: The same, under the name that reads well in a configuration file.
        payload: What of a record is written: its ``"value"``, or the whole ``"record"``.
        auto_register: Whether a schema that the registry does not have is registered.
        subject_name_strategy: As for the Avro serializer; a schema's name is its ``title``.
        **registry_kwargs: For `confluent_kafka.schema_registry.SchemaRegistryClient`; with dots or underscores.

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
        **registry_kwargs: Any,
    ) -> None:
        where = type(self).__name__
        super().__init__(payload, self._writer_for)
        self._text = _text(where, one_of(where, schema_str, schema))
        self._validator = _validator(where, self._text, {})
        self._subject = name_strategy(where, subject_name_strategy)
        self._register = auto_register
        self._registry = ConfluentRegistry(where, registry_url, registry_kwargs)
        self._json = JsonSerializer()

    def _writer_for(self, topic: str) -> Callable[[Any], bytes]:
        subject = self._subject(topic, str(self._validator.schema.get("title", "")))
        schema = Schema(self._text, "JSON")
        header = header_of(self._registry.identify(subject, schema, register=self._register, normalize=False))

        def write(value: Any) -> bytes:
            encoded = self._json.serialize(topic, value)
            wrong = _wrong(self._validator, orjson.loads(encoded))  # what is checked is what will be read
            if wrong:
                raise EncodeError(f"JSON Schema: {wrong}. Publish what the schema asks for, or change the schema.")
            return header + encoded

        return write


class ConfluentJsonDeserializer(MessageDeserializer):
    """JSON messages of Confluent's serializers, and of ours, checked against the schema that they name.

    Args:
        registry_url: Address of the registry; several with commas between. ``mock://NAME`` is one in memory.
        reader_schema: A further schema that every message has to fit.
        **registry_kwargs: As for `ConfluentJsonSerializer`.
    """

    def __init__(self, registry_url: str, *, reader_schema: SchemaSource | None = None, **registry_kwargs: Any) -> None:
        where = type(self).__name__
        self._reader = None if reader_schema is None else _validator(where, _text(where, reader_schema), {})
        self._registry = ConfluentRegistry(where, registry_url, registry_kwargs)
        self._validators = Remembered(self._validator_of)
        self._json = JsonDeserializer()

    def deserialize(self, topic: str, payload: bytes) -> Any:
        """Return what the payload holds.

        Raises:
            DecodeError: If it is not of this format, or does not fit its schema.
            UnavailableError: If the registry does not answer and is needed: at the first message of a schema.
        """
        schema_id = framed("ConfluentJsonDeserializer", payload)
        validator = self._validators.answers.get(schema_id) or self._validators[schema_id]
        found = self._json.deserialize(topic, payload[5:])
        wrong = _wrong(validator, found) or (self._reader is not None and _wrong(self._reader, found))
        if wrong:
            raise DecodeError(f"JSON Schema: {wrong}. Send what the schema asks for.")
        return found

    def _validator_of(self, schema_id: int) -> Validator:
        schema, references = self._registry.schema(schema_id)
        if schema.schema_type != "JSON":
            kind = schema.schema_type or "AVRO"
            raise DecodeError(f"ConfluentJsonDeserializer: the schema {schema_id} is {kind}, not JSON.")
        try:
            return _validator("ConfluentJsonDeserializer", str(schema.schema_str), references)
        except ConfigError as error:
            raise DecodeError(str(error)) from error


def _text(where: str, schema: SchemaSource) -> str:
    if isinstance(schema, type):
        if not hasattr(schema, "model_json_schema"):
            raise ConfigError(f"{where}: {schema.__name__} has no JSON Schema. Give a pydantic model.")
        schema = schema.model_json_schema()
    return text_of(where, schema)


def _validator(where: str, text: str, references: dict[str, str]) -> Validator:
    try:
        schema = json.loads(text)
        kind = validator_for(schema, default=Draft7Validator)
        kind.check_schema(schema)
    except (ValueError, TypeError, SchemaError) as error:
        raise ConfigError(f"{where}: {show(text)} is no JSON Schema: {str(error).splitlines()[0]}.") from error
    resources = {
        name: Resource.from_contents(json.loads(one), default_specification=DRAFT7) for name, one in references.items()
    }
    registry: Registry[Any] = Registry().with_resources(resources.items())
    return kind(schema, registry=registry)


def _wrong(validator: Validator, value: Any) -> str | None:
    """Return what of the value does not fit, with its place."""
    error = best_match(validator.iter_errors(value))
    return None if error is None else f"{error.json_path.removeprefix('$.')}: {error.message}"


@hookimpl
def dynamic_des_register_serializer() -> list[type[MessageSerializer | MessageDeserializer]]:
    """Name the classes of this plugin."""
    return [ConfluentJsonSerializer, ConfluentJsonDeserializer]
