"""The contract of core's test kit, for every format."""

import json

import pytest
from google.type import date_pb2
from tests.avro.conftest import PREDICTION

from dynamic_des.testing import SerializerContract, make_batch
from dynamic_des_avro import (
    ConfluentAvroDeserializer,
    ConfluentAvroSerializer,
    ConfluentJsonDeserializer,
    ConfluentJsonSerializer,
    ConfluentProtobufDeserializer,
    ConfluentProtobufSerializer,
    GlueAvroDeserializer,
    GlueAvroSerializer,
)

RECORD = json.dumps(
    {
        "type": "record",
        "name": "Record",
        "fields": [
            {"name": "stream_type", "type": "string"},
            {"name": "seq", "type": "long"},
            {"name": "sim_ts", "type": "double"},
            {"name": "timestamp", "type": "string"},
            {"name": "key", "type": "string"},
            {"name": "value", "type": json.loads(PREDICTION)},
        ],
    }
)
VALUES = [{"task_id": f"task-{number}", "confidence": 0.1 + number} for number in range(5)]


@pytest.fixture(autouse=True)
def address(request, unique):
    request.instance.url = f"mock://{unique}"


class TestAvroOfWholeRecords(SerializerContract):
    def make_serializer(self):
        return ConfluentAvroSerializer(self.url, RECORD, payload="record")

    def make_deserializer(self):
        return ConfluentAvroDeserializer(self.url)

    def records(self):
        return list(make_batch(VALUES))


class TestAvroOfModels(TestAvroOfWholeRecords):
    def make_serializer(self):
        return ConfluentAvroSerializer(self.url, PREDICTION)

    def records(self):
        return VALUES


class TestGlue(TestAvroOfWholeRecords):
    @pytest.fixture(autouse=True)
    def registry(self, glue):
        self.glue = glue

    def make_serializer(self):
        return GlueAvroSerializer(self.glue.name, RECORD, payload="record", **self.glue.options)

    def make_deserializer(self):
        return GlueAvroDeserializer(self.glue.name, **self.glue.options)


class TestJson(SerializerContract):
    def make_serializer(self):
        return ConfluentJsonSerializer(self.url, '{"title": "Record", "type": "object"}', payload="record")

    def make_deserializer(self):
        return ConfluentJsonDeserializer(self.url)


class TestProtobuf(SerializerContract):
    def make_serializer(self):
        return ConfluentProtobufSerializer(self.url, date_pb2.Date)

    def make_deserializer(self):
        return ConfluentProtobufDeserializer(self.url, date_pb2.Date)

    def records(self):
        return [{"year": 2026, "month": 11, "day": day} for day in (20, 21)]
