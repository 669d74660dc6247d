"""AWS Glue, as moto has it: byte for byte what the other library writes, and back."""

import re
from uuid import UUID

import pytest
from aws_schema_registry import DataAndSchema, SchemaRegistryClient
from aws_schema_registry.avro import AvroSchema
from aws_schema_registry.codec import encode
from aws_schema_registry.serde import KafkaDeserializer, KafkaSerializer
from tests.avro.conftest import PREDICTION

from dynamic_des import ConfigError, DecodeError, EncodeError, PermanentError, UnavailableError
from dynamic_des.testing import make_batch
from dynamic_des_avro import GlueAvroDeserializer, GlueAvroSerializer

VALUE = {"task_id": "task-1", "confidence": 0.25}


def test_avro_is_byte_compatible_in_both_directions(glue):
    theirs = SchemaRegistryClient(glue.client, glue.name)
    other = KafkaSerializer(theirs).serialize("ml", DataAndSchema(VALUE, AvroSchema(PREDICTION)))
    ours = GlueAvroSerializer(glue.name, PREDICTION, **glue.options).serialize("ml", VALUE)
    assert ours == other
    assert KafkaDeserializer(theirs).deserialize("ml", ours).data == VALUE
    assert GlueAvroDeserializer(glue.name, **glue.options).deserialize("ml", other) == VALUE


def test_compressed_values_are_byte_compatible_in_both_directions(glue):
    ours = GlueAvroSerializer(glue.name, PREDICTION, compression="zlib", **glue.options).serialize("ml", VALUE)
    plain = GlueAvroSerializer(glue.name, PREDICTION, **glue.options).serialize("ml", VALUE)
    assert ours == encode(plain[18:], UUID(bytes=plain[2:18]), compression=True)
    assert KafkaDeserializer(SchemaRegistryClient(glue.client, glue.name)).deserialize("ml", ours).data == VALUE
    assert GlueAvroDeserializer(glue.name, **glue.options).deserialize("ml", ours) == VALUE


def test_a_new_version_is_registered_and_read_with_the_readers_schema(glue):
    wider = PREDICTION.replace("}]}", '}, {"name": "model", "type": "string", "default": "v1"}]}')
    old = GlueAvroSerializer(glue.name, PREDICTION, **glue.options).serialize("ml", VALUE)
    new = GlueAvroSerializer(glue.name, wider, **glue.options).serialize("ml", {**VALUE, "model": "v2"})
    assert old[2:18] != new[2:18]
    reader = GlueAvroDeserializer(glue.name, reader_schema=wider, **glue.options)
    assert [reader.deserialize("ml", one) for one in (old, new)] == [{**VALUE, "model": "v1"}, {**VALUE, "model": "v2"}]


def test_a_schema_is_not_registered_unless_that_was_asked_for(glue):
    serializer = GlueAvroSerializer(glue.name, PREDICTION, auto_register=False, **glue.options)
    with pytest.raises(EncodeError, match=r"the schema 'ml-value' cannot be used .* or set auto_register = true\.$"):
        serializer.serialize("ml", VALUE)
    with pytest.raises(glue.client.exceptions.EntityNotFoundException):
        glue.client.get_schema(SchemaId={"RegistryName": glue.name, "SchemaName": "ml-value"})


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x03", b"\x03\x00" + b"1" * 15, b"\x04\x00" + b"1" * 16, b"\x03\x01" + b"1" * 16, b"\x03\x05" + b"1" * 17],
)
def test_what_is_not_of_this_format_is_refused_without_asking_aws(payload):
    absent = {"endpoint_url": "http://127.0.0.1:9", "region_name": "eu-central-1"}
    with pytest.raises(DecodeError, match="GlueAvroDeserializer: "):
        GlueAvroDeserializer("plant", **absent).deserialize("ml", payload)


def test_an_unknown_version_is_refused(glue):
    with pytest.raises(DecodeError, match="Glue has no schema version"):
        GlueAvroDeserializer(glue.name, **glue.options).deserialize("ml", b"\x03\x00" + b"1" * 16 + b"x")


def test_glue_out_of_reach_is_told_from_a_schema_that_is_refused(glue):
    absent = {**glue.options, "endpoint_url": "http://127.0.0.1:9"}
    with pytest.raises(UnavailableError, match=r"Glue cannot be asked: EndpointConnectionError"):
        GlueAvroSerializer(glue.name, PREDICTION, **absent).serialize("ml", VALUE)


def test_refused_credentials_are_final(glue, monkeypatch):
    from botocore.exceptions import ClientError

    refusal = ClientError(
        {"Error": {"Code": "AccessDeniedException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "GetSchema"
    )
    serializer = GlueAvroSerializer(glue.name, PREDICTION, **glue.options)

    def refuse(**_):
        raise refusal

    monkeypatch.setattr(serializer._registry.client, "get_schema_by_definition", refuse)
    with pytest.raises(PermanentError, match="AWS refuses the credentials"):
        serializer.serialize("ml", VALUE)


def test_a_region_that_is_missing_is_said(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(ConfigError, match=re.escape("Give region_name, or set AWS_REGION.")):
        GlueAvroSerializer("plant", PREDICTION)


@pytest.fixture
def checked(glue, monkeypatch):
    """A function: let Glue take these looks to check a version, which moto does not do, and end with this status."""
    monkeypatch.setattr("dynamic_des_avro.glue_registry._PAUSE_S", 0)

    def answered(looks, status):
        serializer = GlueAvroSerializer(glue.name, PREDICTION, **glue.options)
        client, asked = serializer._registry.client, []
        create, get = client.create_schema, client.get_schema_version

        def create_schema(**arguments):
            return {**create(**arguments), "SchemaVersionStatus": "PENDING"}

        def get_schema_version(**arguments):
            asked.append(arguments)
            return {**get(**arguments), "Status": "PENDING" if len(asked) < looks else status}

        monkeypatch.setattr(client, "create_schema", create_schema)
        monkeypatch.setattr(client, "get_schema_version", get_schema_version)
        return serializer, asked

    return answered


def test_a_version_whose_compatibility_is_being_checked_is_waited_for(checked, glue):
    serializer, asked = checked(3, "AVAILABLE")
    encoded = serializer.serialize("ml", VALUE)
    assert len(asked) == 3
    assert GlueAvroDeserializer(glue.name, **glue.options).deserialize("ml", encoded) == VALUE


def test_a_check_that_takes_too_long_is_no_refusal_and_the_records_wait(checked):
    serializer, asked = checked(1000, "AVAILABLE")
    batch = make_batch([VALUE])
    with pytest.raises(UnavailableError, match="Glue still checks the compatibility of the schema 'ml-value'"):
        batch.encode(serializer, "ml")
    assert batch.refused == []
    assert len(asked) == 20


@pytest.mark.parametrize("status", ["FAILURE", "DELETING"])
def test_an_incompatible_schema_is_refused_with_its_name_and_the_remedy_and_its_records_are_set_aside(checked, status):
    serializer, asked = checked(2, status)
    batch = make_batch([VALUE, VALUE])
    assert batch.encode(serializer, "ml") == [None, None]
    assert len(asked) == 2  # the refusal is remembered
    reason = (
        "EncodeError: GlueAvroSerializer: the schema is not compatible with what is registered as 'ml-value': the "
        f"version is {status}. Give new fields a default, keep the types of old ones, or use another name."
    )
    assert batch.refused == [(1, reason), (2, reason)]
