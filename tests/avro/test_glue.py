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
