"""A twin on Kafka with a real registry: lifecycle events as JSON, predictions as Avro, steered by Avro."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from tests.avro.conftest import CHANGE, PREDICTION
from tests.kafka.independent import Cluster, run

from dynamic_des import DynamicRealtimeEnvironment, KafkaIngress, SimParameter
from dynamic_des_avro import ConfluentAvroDeserializer

SNIPPET = Path(__file__).parents[1] / "docs" / "snippets" / "avro_ml_predictions.py"


@pytest.fixture(autouse=True)
def no_loop_is_left():
    yield
    asyncio.set_event_loop(None)


async def _read(bootstrap, topic, count):
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def _send(bootstrap, topic, value):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


def test_the_articles_twin_writes_json_and_avro_on_one_connection_and_is_steered_by_avro(
    kafka, schema_registry, unique
):
    """The article's program word for word, but for the addresses and the names of the topics."""
    text = (
        SNIPPET.read_text().replace("localhost:9092", kafka.bootstrap).replace("http://localhost:8081", schema_registry)
    )
    ml, lifecycle, control = f"{unique}-ml", f"{unique}-lifecycle", f"{unique}-control"
    text = text.replace('"ml-predictions"', repr(ml)).replace('"sim-lifecycle"', repr(lifecycle))
    Cluster(kafka.bootstrap).create(ml, lifecycle, control)
    article = {"__name__": "article"}
    exec(compile(text, str(SNIPPET), "exec", dont_inherit=True), article)
    with SchemaRegistryClient({"url": schema_registry}) as client:
        encode = AvroSerializer(client, CHANGE, conf={"subject.name.strategy.type": "TOPIC"})
        change = encode(
            {"path": "Line_A.variables.speed", "value": 7}, SerializationContext(control, MessageField.VALUE)
        )
        run(_send(kafka.bootstrap, control, change))
        ingress = KafkaIngress(
            topic=control,
            bootstrap_servers=kafka.bootstrap,
            topic_deserializers={control: ConfluentAvroDeserializer(schema_registry)},
            auto_offset_reset="earliest",
        )
        with DynamicRealtimeEnvironment(factor=0) as env:
            env.registry.register_sim_parameter(SimParameter("Line_A", variables={"speed": 1}))
            env.setup_ingress([ingress])
            env.setup_egress([article["egress"]])
            speed = env.registry.get("Line_A.variables.speed")

            def task():
                if speed.value != 7:
                    yield speed.wait_for_change()
                env.publish_event("task-1", {"status": "started", "speed": speed.value})
                prediction = {"task_id": "task-1", "confidence": 0.75, "event_type": "prediction"}
                env.publish_event("task-1", prediction)
                env.publish_event("task-1", {**prediction, "confidence": "high"})
                env.publish_event("task-1", {"status": "finished"})

            env.run(until=env.process(task()))
        report = env.report().sinks[0]
        assert report.set_aside == 1
        plain = [json.loads(one) for one in run(_read(kafka.bootstrap, lifecycle, 2))]
        records = [one for one in plain if one["stream_type"] == "event"]
        assert [one["value"] for one in records] == [{"status": "started", "speed": 7}, {"status": "finished"}]
        [binary] = run(_read(kafka.bootstrap, ml, 1))
        decode = AvroDeserializer(client, conf={"subject.name.strategy.type": "TOPIC"})
        assert decode(binary, SerializationContext(ml, MessageField.VALUE)) == {"task_id": "task-1", "confidence": 0.75}


def test_a_configuration_file_names_serializers_schemas_and_models(unique, tmp_path):
    (tmp_path / "line_m.py").write_text(
        "from dataclasses_avroschema.pydantic import AvroBaseModel\n"
        "class Prediction(AvroBaseModel):\n    task_id: str\n    confidence: float\n"
        "def build(env):\n    env.publish_event('task', {'task_id': 'a', 'confidence': 0.5})\n"
    )
    (tmp_path / "prediction.avsc").write_text('{"type": "record", "name": "P", "fields": []}')
    (tmp_path / "twin.toml").write_text(
        f"""
[simulation]
model = "line_m:build"
factor = 0
until = 1

[egress.ml]
type = "kafka"
bootstrap_servers = "127.0.0.1:9"

[egress.ml.topic_serializers]
glue = {{ type = "avro-glue", registry_name = "r", region_name = "eu-central-1", schema = "prediction.avsc" }}
ml = {{ type = "avro-confluent", registry_url = "mock://{unique}", schema = "line_m:Prediction" }}

[egress.lines]
type = "file"
path = "lines.bin"
system = false
serializer = {{ type = "avro-confluent", registry_url = "mock://{unique}", schema = "line_m:Prediction" }}
"""
    )
    command = [sys.executable, "-W", "error", "-m", "dynamic_des", "check", "twin.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    file = tmp_path / "twin.toml"
    file.write_text(
        file.read_text().replace('schema = "prediction.avsc"', 'schema = "missing.avsc", regoin_name = "x"')
    )
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "egress.ml.topic_serializers.glue" in done.stdout + done.stderr
    assert "Did you mean 'region_name'?" in done.stdout + done.stderr


def test_a_schema_file_is_looked_for_beside_the_configuration_file_and_beside_the_program(unique, tmp_path):
    """From another working folder, where a file of the same name holds something else."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / "p.avsc").write_text(PREDICTION)
    (elsewhere / "p.avsc").write_text('{"type": "record", "name": "Wrong", "fields": []}')
    (elsewhere / "here.avsc").write_text(PREDICTION)
    (home / "line_s.py").write_text(
        "def build(env):\n    env.publish_event('task', {'task_id': 'a', 'confidence': 0.5})\n"
    )
    serializer = f'serializer = {{ type = "avro-confluent", registry_url = "mock://{unique}", schema = "%s" }}'
    (home / "twin.toml").write_text(
        f"""
[simulation]
model = "line_s:build"
factor = 0
until = 1

[egress.beside]
type = "file"
path = "beside.bin"
system = false
{serializer % "p.avsc"}

[egress.here]
type = "file"
path = "here.bin"
system = false
{serializer % "here.avsc"}
"""
    )
    (home / "program.py").write_text(
        "from dynamic_des_avro import ConfluentAvroSerializer\n"
        f"s = ConfluentAvroSerializer('mock://{unique}', schema='p.avsc')\n"
        "print(len(s.serialize('ml', {'task_id': 'a', 'confidence': 0.5})))\n"
    )

    def output(*arguments):
        command = [sys.executable, "-W", "error", *map(str, arguments)]
        done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    output("-m", "dynamic_des", "run", home / "twin.toml")
    value = b"\x02a\0\0\0\0\0\0\xe0?"
    assert (elsewhere / "beside.bin").read_bytes()[5:] == value + b"\n"
    assert (elsewhere / "here.bin").read_bytes()[5:] == value + b"\n"
    assert output(home / "program.py") == f"{5 + len(value)}\n"


def test_nobody_imports_a_cloud_for_nothing():
    code = """
import sys, importlib
importlib.import_module(sys.argv[1])
clients = {"boto3", "botocore", "confluent_kafka", "jsonschema", "google.protobuf", "dataclasses_avroschema"}
print(sorted(clients & set(sys.modules)))
"""

    def loaded(module):
        done = subprocess.run(
            [sys.executable, "-c", code, module], capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.strip()

    assert loaded("dynamic_des_avro") == "[]"
    assert loaded("dynamic_des_avro.glue") == "['boto3', 'botocore']"
    assert loaded("dynamic_des_avro.confluent") == "['confluent_kafka']"
