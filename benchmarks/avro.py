"""Messages a second with Avro, as ratios to raw fastavro: ours, Confluent's own, aws-glue-schema-registry's.

    python benchmarks/avro.py

The bar: at most 1.3 times the time of raw fastavro. The registries are in memory; all schemas are known when the clock starts.
Rounds of all contenders are interleaved and the fastest of each counts, because the machine has other work.
"""

import json
import time
from io import BytesIO
from types import SimpleNamespace
from uuid import UUID

from aws_schema_registry import DataAndSchema
from aws_schema_registry.avro import AvroSchema
from aws_schema_registry.serde import KafkaDeserializer, KafkaSerializer
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro import parse_schema, schemaless_reader, schemaless_writer

from dynamic_des_avro import ConfluentAvroDeserializer, ConfluentAvroSerializer
from dynamic_des_avro.avro import AvroReader, AvroWriter
from dynamic_des_avro.avro import AvroSchema as OurSchema
from dynamic_des_avro.glue_registry import header_of, unframed

ROUNDS, COUNT = 15, 5000
SMALL = {
    "type": "record",
    "name": "Prediction",
    "fields": [{"name": "task_id", "type": "string"}, {"name": "confidence", "type": "double"}],
}
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


def contenders(schema, value):
    """Return name → (write, read) of everybody, each a function without arguments."""
    text, parsed, topic = json.dumps(schema), parse_schema(schema), "ml"
    record = {"stream_type": "event", "sim_ts": 1.0, "timestamp": "", "key": "k", "value": value, "seq": 1}

    def raw_write():
        buffer = BytesIO()
        schemaless_writer(buffer, parsed, value)
        return buffer.getvalue()

    raw = raw_write()
    ours, reader = (
        ConfluentAvroSerializer(f"mock://{schema['name']}", text),
        ConfluentAvroDeserializer(f"mock://{schema['name']}"),
    )
    framed = ours.serialize(topic, record)
    client, context = ours._registry.client, SerializationContext(topic, MessageField.VALUE)
    options = {"subject.name.strategy.type": "TOPIC"}
    theirs, their_reader = AvroSerializer(client, text, conf=options), AvroDeserializer(client, conf=options)
    assert theirs(value, context) == framed

    version = UUID(int=7)
    known = SimpleNamespace(version_id=version, definition=text, data_format="AVRO")
    registry = SimpleNamespace(get_or_register_schema_version=lambda **_: KNOWN, get_schema_version=lambda _: KNOWN)
    from aws_schema_registry.schema import SchemaVersion

    KNOWN = SchemaVersion("ml-value", version, text, "AVRO", "AVAILABLE")
    glue, glue_reader, both = (
        KafkaSerializer(registry),
        KafkaDeserializer(registry),
        DataAndSchema(value, AvroSchema(text)),
    )
    our_schema = OurSchema(text)
    our_glue, our_glue_reader = (
        AvroWriter(our_schema, header_of(known.version_id, compressed=False)),
        AvroReader(our_schema),
    )
    glue_framed = glue.serialize(topic, both)
    assert our_glue.write(value) == glue_framed

    return {
        "raw fastavro": (raw_write, lambda: schemaless_reader(BytesIO(raw), parsed, None)),
        "avro-confluent": (lambda: ours.serialize(topic, record), lambda: reader.deserialize(topic, framed)),
        "Confluent's own": (lambda: theirs(value, context), lambda: their_reader(framed, context)),
        "avro-glue": (lambda: our_glue.write(value), lambda: our_glue_reader.read(unframed("", glue_framed)[1])),
        "aws-glue-schema-registry": (
            lambda: glue.serialize(topic, both),
            lambda: glue_reader.deserialize(topic, glue_framed),
        ),
    }


def seconds(call):
    begin = time.perf_counter()
    for _ in range(COUNT):
        call()
    return time.perf_counter() - begin


def main():
    for title, schema, value in (
        ("2 fields", SMALL, {"task_id": "task-001", "confidence": 0.93}),
        ("14 fields", LARGE, LARGE_VALUE),
    ):
        everybody = contenders(schema, value)
        for way, name in enumerate(("write", "read")):
            best = dict.fromkeys(everybody, float("inf"))
            for _ in range(ROUNDS):
                for who, calls in everybody.items():
                    best[who] = min(best[who], seconds(calls[way]))
            raw = best["raw fastavro"]
            print(f"{title}, {name}:")
            for who, took in best.items():
                print(f"  {who:<26} {COUNT / took:>9,.0f}/s  {took / raw:5.2f} × the time of raw fastavro")


if __name__ == "__main__":
    main()
