"""Schemas that change while messages of the old ones are still under way, with a real registry."""

import json

import pytest

from dynamic_des import DecodeError, EncodeError
from dynamic_des_avro import ConfluentAvroDeserializer, ConfluentAvroSerializer


def record(*fields):
    return json.dumps({"type": "record", "name": "Load", "namespace": "plant", "fields": list(fields)})


A = {"name": "a", "type": "int"}
WIDE_A = {"name": "a", "type": "double"}
B = {"name": "b", "type": "string"}
B_DEFAULT = {"name": "b", "type": "string", "default": "none"}


@pytest.mark.parametrize(
    ("written", "reader", "value", "read"),
    [
        (record(A), record(A, B_DEFAULT), {"a": 1}, {"a": 1, "b": "none"}),
        (record(A, B), record(A), {"a": 1, "b": "x"}, {"a": 1}),
        (record(A), record(WIDE_A), {"a": 1}, {"a": 1.0}),
        (record(A), record({"name": "c", "type": "int", "aliases": ["a"]}), {"a": 1}, {"c": 1}),
    ],
    ids=["an added field has its default", "a dropped field is left out", "a type is widened", "a field is renamed"],
)
def test_old_messages_are_read_with_the_new_schema(schema_registry, unique, written, reader, value, read):
    payload = ConfluentAvroSerializer(schema_registry, written).serialize(unique, value)
    found = ConfluentAvroDeserializer(schema_registry, reader_schema=reader).deserialize(unique, payload)
    assert found == read
    assert {key: type(one) for key, one in found.items()} == {key: type(one) for key, one in read.items()}


def test_a_field_without_a_default_that_no_message_has_is_refused(schema_registry, unique):
    payload = ConfluentAvroSerializer(schema_registry, record(A)).serialize(unique, {"a": 1})
    with pytest.raises(DecodeError, match=r"plant\.Load: SchemaResolutionError"):
        ConfluentAvroDeserializer(schema_registry, reader_schema=record(A, B)).deserialize(unique, payload)


def test_an_incompatible_schema_is_refused_with_the_subject_and_the_remedy(schema_registry, unique):
    ConfluentAvroSerializer(schema_registry, record(A)).serialize(unique, {"a": 1})
    with pytest.raises(EncodeError) as refused:
        ConfluentAvroSerializer(schema_registry, record(A, B)).serialize(unique, {"a": 1, "b": "x"})
    text = str(refused.value)
    assert text.startswith(
        f"ConfluentAvroSerializer: the schema is not compatible with what is registered as '{unique}-value': "
    )
    assert "/fields/1" in text or "'b'" in text
    assert text.endswith("Give new fields a default, keep the types of old ones, or register under another subject.")


def test_a_compatible_schema_becomes_the_next_version(schema_registry, unique):
    old = ConfluentAvroSerializer(schema_registry, record(A)).serialize(unique, {"a": 1})
    new = ConfluentAvroSerializer(schema_registry, record(A, B_DEFAULT)).serialize(unique, {"a": 1})
    assert old[:5] != new[:5]
    reader = ConfluentAvroDeserializer(schema_registry)
    assert [reader.deserialize(unique, one) for one in (old, new)] == [{"a": 1}, {"a": 1, "b": "none"}]


def test_a_schema_is_not_registered_unless_that_was_asked_for(schema_registry, unique):
    with pytest.raises(EncodeError, match=f"not registered as '{unique}-value': .* set auto_register = true"):
        ConfluentAvroSerializer(schema_registry, record(A), auto_register=False).serialize(unique, {"a": 1})
    registered = ConfluentAvroSerializer(schema_registry, record(A)).serialize(unique, {"a": 1})
    later = ConfluentAvroSerializer(schema_registry, record(A), auto_register=False)
    assert later.serialize(unique, {"a": 1}) == registered


@pytest.mark.parametrize(
    ("strategy", "subject"),
    [
        ("topic", "{topic}-value"),
        ("record", "plant.Load"),
        ("topic_record", "{topic}-plant.Load"),
        (lambda topic, record: f"{record}@{topic}", "plant.Load@{topic}"),
    ],
)
def test_a_schema_is_registered_under_the_name_that_the_strategy_gives(mock, strategy, subject):
    serializer = ConfluentAvroSerializer(mock, record(A), subject_name_strategy=strategy)
    serializer.serialize("ml", {"a": 1})
    assert serializer._registry.client.get_subjects() == [subject.format(topic="ml")]
