"""Messages a second with Avro, as ratios to raw fastavro: ours, Confluent's own, aws-glue-schema-registry's.

    python benchmarks/avro.py

The bar: at most 1.3 times as long as raw fastavro. The registries are in memory; all schemas are known when the clock
starts. Rounds of all are interleaved and the fastest of each counts, because the machine has other work.

At the end: the longest gap of the event loop while a registry takes 2 s to answer (bar: 50 ms), beside that of the same
loop while nothing goes on.
"""

import asyncio
import json
import subprocess
import sys
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

from dynamic_des import BaseEgress, DynamicRealtimeEnvironment
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


LATE_REGISTRY = """
import http.server, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(2)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"id": 7}')

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Watched(BaseEgress):
    """Has its records encoded as sinks do, and looks how long the loop stands still."""

    def __init__(self, serializer):
        self._serializer = serializer
        self.gap_s = {"nothing": 0.0, "asking": 0.0}

    async def open(self, run):
        self._goes_on = "nothing"
        self._watch = asyncio.create_task(self._look())

    async def _look(self):
        await asyncio.sleep(0.5)  # what a loop does at its beginning
        while True:
            goes_on, before = self._goes_on, time.perf_counter()
            await asyncio.sleep(0.001)
            self.gap_s[goes_on] = max(self.gap_s[goes_on], time.perf_counter() - before)

    async def write(self, batch):
        if not batch.system:
            self._goes_on = "asking"
            await asyncio.to_thread(batch.encode, self._serializer, TOPIC)
            self._goes_on = "nothing"

    async def close(self):
        self._watch.cancel()


def gaps_s():
    """Return the loop's longest gap while nothing goes on for 2 s, and while the registry is waited for."""
    server = subprocess.Popen(
        [sys.executable, "-c", LATE_REGISTRY], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        egress = Watched(ConfluentAvroSerializer(url, json.dumps(SMALL)))
        with DynamicRealtimeEnvironment(factor=1.0) as env:
            env.setup_egress([egress], flush_interval=0.01)

            def model():
                yield env.timeout(2.5)
                env.publish_event("task", SMALL_VALUE)
                yield env.timeout(2.5)

            env.run(until=env.process(model()))
            assert env.report().sinks[0].written == 1
        return egress.gap_s["nothing"], egress.gap_s["asking"]
    finally:
        server.kill()
        server.wait()


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
    idle_s, asking_s = gaps_s()
    print("longest gap of the loop while a registry answers after 2 s, and while nothing goes on:")
    print(f"  {asking_s * 1000:.1f} ms, {idle_s * 1000:.1f} ms")


if __name__ == "__main__":
    main()
