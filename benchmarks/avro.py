"""Messages a second with Avro, as ratios to raw fastavro: ours, Confluent's own, aws-glue-schema-registry's.

    python benchmarks/avro.py

The bar: at most 1.3 times as long as raw fastavro. The registries are in memory; all schemas are known when the clock
starts. Rounds of all are interleaved and the fastest of each counts, because the machine has other work.
"""

import json
import time
from io import BytesIO
from uuid import UUID

from aws_schema_registry import DataAndSchema
from aws_schema_registry.avro import AvroSchema
from aws_schema_registry.schema import SchemaVersion
from aws_schema_registry.serde import KafkaDeserializer, KafkaSerializer
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro import parse_schema, schemaless_reader, schemaless_writer

from dynamic_des_avro import (
    ConfluentAvroDeserializer,
    ConfluentAvroSerializer,
    GlueAvroDeserializer,
    GlueAvroSerializer,
)

TOPIC = "ml"
ROUNDS, COUNT = 15, 5000
SMALL = {
    "type": "record",
    "name": "Prediction",
    "fields": [{"name": "task_id", "type": "string"}, {"name": "confidence", "type": "double"}],
}
SMALL_VALUE = {"task_id": "task-001", "confidence": 0.93}
LARGE = {
    "type": "record",
    "name": "Part",
    "fields": [
        *({"name": f"text_{number}", "type": "string"} for number in range(4)),
        *({"name": f"measure_{number}", "type": "double"} for number in range(6)),
        {"name": "count", "type": "long"},
        {"name": "good", "type": "boolean"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "samples", "type": {"type": "array", "items": "double"}},
    ],
}
LARGE_VALUE = {
    **{f"text_{number}": "some words" for number in range(4)},
    **{f"measure_{number}": number / 7 for number in range(6)},
    "count": 7, "good": True, "note": "fine", "samples": [0.5] * 10,
}  # fmt: skip


class Raw:
    """What one would write by hand."""

    def __init__(self, schema):
        self._schema = parse_schema(schema)

    def serialize(self, topic, data):
        buffer = BytesIO()
        schemaless_writer(buffer, self._schema, data["value"])
        return buffer.getvalue()

    def deserialize(self, topic, payload):
        return schemaless_reader(BytesIO(payload), self._schema, None)


class OneVersion:
    """A registry in Glue with one version of one schema, for both libraries; the clients are not measured."""

    def __init__(self, text):
        self._version = SchemaVersion("ml-value", UUID(int=7), text, "AVRO", "AVAILABLE")

    def get_or_register_schema_version(self, **_):
        return self._version

    def get_schema_version(self, _):
        return self._version

    def identify(self, *_, **__):
        return self._version.version_id

    def definition(self, _):
        return self._version.definition


def contenders(schema, value):
    """Return name → ((write, its last argument), (read, its last argument)) of everybody."""
    text, url = json.dumps(schema), f"mock://{schema['name']}"
    record = {"stream_type": "event", "sim_ts": 1.0, "timestamp": "", "key": "k", "value": value, "seq": 1}
    raw = Raw(schema)
    ours, reader = ConfluentAvroSerializer(url, text), ConfluentAvroDeserializer(url)
    framed = ours.serialize(TOPIC, record)
    client, context = ours._registry.client, SerializationContext(TOPIC, MessageField.VALUE)
    options = {"subject.name.strategy.type": "TOPIC"}
    write, read = AvroSerializer(client, text, conf=options), AvroDeserializer(client, conf=options)
    assert write(value, context) == framed

    registry = OneVersion(text)
    glue, glue_reader = KafkaSerializer(registry), KafkaDeserializer(registry)
    our_glue = GlueAvroSerializer("plant", text, region_name="eu-central-1")
    our_glue_reader = GlueAvroDeserializer("plant", region_name="eu-central-1")
    our_glue._registry = our_glue_reader._registry = registry
    both = DataAndSchema(value, AvroSchema(text))
    glue_framed = glue.serialize(TOPIC, both)
    assert our_glue.serialize(TOPIC, record) == glue_framed

    return {
        "raw fastavro": ((raw.serialize, record), (raw.deserialize, raw.serialize(TOPIC, record))),
        "avro-confluent": ((ours.serialize, record), (reader.deserialize, framed)),
        "Confluent's own": (
            (lambda _, data: write(data, context), value),
            (lambda _, data: read(data, context), framed),
        ),
        "avro-glue": ((our_glue.serialize, record), (our_glue_reader.deserialize, glue_framed)),
        "aws-glue-schema-registry": ((glue.serialize, both), (glue_reader.deserialize, glue_framed)),
    }


def seconds(call, data):
    begin = time.perf_counter()
    for _ in range(COUNT):
        call(TOPIC, data)
    return time.perf_counter() - begin


def main():
    for title, schema, value in (("2 fields", SMALL, SMALL_VALUE), ("14 fields", LARGE, LARGE_VALUE)):
        everybody = contenders(schema, value)
        for way, name in enumerate(("write", "read")):
            best = dict.fromkeys(everybody, float("inf"))
            for _ in range(ROUNDS):
                for who, calls in everybody.items():
                    best[who] = min(best[who], seconds(*calls[way]))
            raw = best["raw fastavro"]
            print(f"{title}, {name}:")
            for who, took in best.items():
                print(f"  {who:<26} {COUNT / took:>9,.0f}/s  {took / raw:5.2f} times as long as raw fastavro")


if __name__ == "__main__":
    main()
