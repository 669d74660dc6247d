"""Byte for byte what Confluent's own serializers write, and back, with a real registry."""

import json

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from tests.avro.conftest import PREDICTION

from dynamic_des import DecodeError, EncodeError
from dynamic_des_avro import (
    ConfluentAvroDeserializer,
    ConfluentAvroSerializer,
    ConfluentJsonDeserializer,
    ConfluentJsonSerializer,
    ConfluentProtobufDeserializer,
    ConfluentProtobufSerializer,
)

WITH_ALL = json.dumps(
    {
        "type": "record",
        "name": "All",
        "namespace": "plant",
        "fields": [
            {"name": "flag", "type": "boolean"},
            {"name": "small", "type": "int"},
            {"name": "large", "type": "long"},
            {"name": "single", "type": "float"},
            {"name": "note", "type": ["null", "string"], "default": None},
            {"name": "raw", "type": "bytes"},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
            {"name": "key", "type": {"type": "fixed", "name": "Key", "size": 2}},
            {"name": "many", "type": {"type": "array", "items": {"type": "map", "values": "double"}}},
            {"name": "next", "type": ["null", "All"], "default": None},
        ],
    }
)
ALL = {
    "flag": True, "small": -7, "large": 2**62, "single": 0.5, "note": "Straße", "raw": b"\x00\xff", "kind": "B",
    "key": b"ab", "many": [{"x": 1.5}, {}],
}  # fmt: skip
JSON_SCHEMA = json.dumps(
    {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Prediction",
        "type": "object",
        "properties": {"task_id": {"type": "string"}, "confidence": {"type": "number"}},
        "required": ["task_id"],
    }
)
STRATEGY = {"subject.name.strategy": topic_subject_name_strategy}


@pytest.fixture
def client(schema_registry):
    with SchemaRegistryClient({"url": schema_registry}) as client:
        yield client


@pytest.fixture
def context(unique):
    return SerializationContext(unique, MessageField.VALUE)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (PREDICTION, {"task_id": "task-1", "confidence": 0.25}),
        (WITH_ALL, {**ALL, "next": {**ALL, "note": None, "next": None}}),
        ('"double"', 1.5),
    ],
)
def test_avro_is_byte_compatible_in_both_directions(schema_registry, client, context, unique, schema, value):
    theirs = AvroSerializer(client, schema, conf=STRATEGY)(value, context)
    ours = ConfluentAvroSerializer(schema_registry, schema).serialize(unique, value)
    assert ours == theirs
    read = AvroDeserializer(client, conf=STRATEGY)(ours, context)
    assert ConfluentAvroDeserializer(schema_registry).deserialize(unique, theirs) == read


def test_json_is_compatible_in_both_directions(schema_registry, client, context, unique):
    value = {"task_id": "Straße", "confidence": 0.25}
    theirs = JSONSerializer(JSON_SCHEMA, client, conf=STRATEGY)(value, context)
    ours = ConfluentJsonSerializer(schema_registry, JSON_SCHEMA).serialize(unique, value)
    assert ours[:5] == theirs[:5]
    assert JSONDeserializer(JSON_SCHEMA, schema_registry_client=client, conf=STRATEGY)(ours, context) == value
    assert ConfluentJsonDeserializer(schema_registry).deserialize(unique, theirs) == value


@pytest.mark.parametrize("name", ["Load", "Part", "Part.Size"])
def test_protobuf_is_byte_compatible_in_both_directions(schema_registry, client, context, unique, messages, name):
    message, value = messages[name]
    theirs = ProtobufSerializer(message, client, conf=STRATEGY)(message(**value), context)
    ours = ConfluentProtobufSerializer(schema_registry, message).serialize(unique, value)
    assert ours == theirs
    assert ProtobufDeserializer(message, STRATEGY, client)(ours, context) == message(**value)
    read = ConfluentProtobufDeserializer(schema_registry, message).deserialize(unique, theirs)
    assert read == value


ORDER = {"part": {"name": "axle", "size": {"mm": 2**40}}, "gap": {"mm": 3}, "due": {"seconds": 1_767_225_600}}


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_protobuf_that_imports_other_files_registers_them_and_is_byte_compatible(
    schema_registry, client, context, unique, importing, first
):
    """Whoever is first registers; the second finds it, under the same names, versions and id."""

    def ours():
        return ConfluentProtobufSerializer(schema_registry, importing).serialize(unique, ORDER)

    def theirs():
        return ProtobufSerializer(importing, client, conf=STRATEGY)(importing(**ORDER), context)

    payloads = [ours(), theirs()] if first == "ours" else [theirs(), ours()]
    assert payloads[0] == payloads[1]
    references = client.get_latest_version(f"{unique}-value").schema.references
    assert [(one.name, one.subject) for one in references] == [
        ("works/part.proto", "works/part.proto"),
        ("works/size.proto", "works/size.proto"),
    ]
    inner = client.get_latest_version("works/part.proto").schema.references
    assert [one.name for one in inner] == ["works/size.proto"]
    assert ProtobufDeserializer(importing, STRATEGY, client)(payloads[0], context) == importing(**ORDER)
    read = ConfluentProtobufDeserializer(schema_registry, importing).deserialize(unique, payloads[0])
    assert read == {**ORDER, "due": "2026-01-01T00:00:00Z"}


def test_protobuf_whose_imports_are_not_registered_says_which(schema_registry, unique, importing, monkeypatch):
    serializer = ConfluentProtobufSerializer(schema_registry, importing, auto_register=False)
    asked = serializer._registry.client.lookup_schema
    other = {"works/size.proto": f"{unique}-size"}
    monkeypatch.setattr(
        serializer._registry.client, "lookup_schema", lambda name, *a, **k: asked(other.get(name, name), *a, **k)
    )
    with pytest.raises(EncodeError, match=r"the schema is not registered as 'works/size\.proto'.*auto_register = true"):
        serializer.serialize(unique, ORDER)


def test_protobuf_refuses_what_the_message_does_not_have(mock, messages):
    message, _ = messages["Load"]
    with pytest.raises(EncodeError, match=r"is not a plant\.Load: ValueError: .*\"watt\""):
        ConfluentProtobufSerializer(mock, message).serialize("ml", {"watt": 1})
    other, value = messages["Part"]
    payload = ConfluentProtobufSerializer(mock, other).serialize("ml", value)
    with pytest.raises(DecodeError, match=r"the message is number \[1\] of its schema; plant\.Load is number \[0\]"):
        ConfluentProtobufDeserializer(mock, message).deserialize("ml", payload)
    with pytest.raises(DecodeError, match="is PROTOBUF, not AVRO"):
        ConfluentAvroDeserializer(mock).deserialize("ml", payload)


def test_json_that_does_not_fit_is_refused_with_the_place(mock):
    serializer = ConfluentJsonSerializer(mock, JSON_SCHEMA)
    with pytest.raises(EncodeError, match=r"^JSON Schema: confidence: 'high' is not of type 'number'\. Publish"):
        serializer.serialize("ml", {"task_id": "t", "confidence": "high"})
    header = serializer.serialize("ml", {"task_id": "t"})[:5]
    with pytest.raises(DecodeError, match=r"^JSON Schema: \$: 'task_id' is a required property"):
        ConfluentJsonDeserializer(mock).deserialize("ml", header + b"{}")
    with pytest.raises(DecodeError, match="not JSON"):
        ConfluentJsonDeserializer(mock).deserialize("ml", header + b"{")


def test_a_schema_that_refers_to_another_subject_is_read(schema_registry, client, unique):
    from confluent_kafka.schema_registry import Schema, SchemaReference

    inner = Schema('{"type": "record", "name": "plant.Size", "fields": [{"name": "mm", "type": "long"}]}', "AVRO")
    client.register_schema(f"{unique}-size", inner)
    outer = json.dumps(
        {
            "type": "record",
            "name": "Part",
            "namespace": "plant",
            "fields": [{"name": "a", "type": "plant.Size"}, {"name": "b", "type": ["null", "Size"]}],
        }
    )
    reference = SchemaReference("plant.Size", f"{unique}-size", 1)
    schema_id = client.register_schema(f"{unique}-value", Schema(outer, "AVRO", [reference]))
    payload = b"\0" + schema_id.to_bytes(4, "big") + b"\x04\x02\x06"
    read = ConfluentAvroDeserializer(schema_registry).deserialize(unique, payload)
    assert read == {"a": {"mm": 2}, "b": {"mm": 3}}
