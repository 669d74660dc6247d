"""Registries: in memory, Glue's by moto, and schemas that the tests share."""

import json
from types import SimpleNamespace

import pytest

PREDICTION = json.dumps(
    {
        "type": "record",
        "name": "PredictionEvent",
        "namespace": "plant.ml",
        "fields": [{"name": "task_id", "type": "string"}, {"name": "confidence", "type": "double"}],
    }
)
CHANGE = json.dumps(
    {
        "type": "record",
        "name": "Change",
        "fields": [{"name": "path", "type": "string"}, {"name": "value", "type": ["long", "double", "string"]}],
    }
)


@pytest.fixture
def mock(unique):
    """The address of a registry in memory."""
    return f"mock://{unique}"


@pytest.fixture(scope="session")
def glue_server():
    """Arguments for boto3: AWS Glue, as moto has it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "endpoint_url": f"http://{host}:{port}",
        "region_name": "eu-central-1",
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    server.stop()


@pytest.fixture
def glue(glue_server, unique):
    """A registry in Glue: its name, boto3's arguments, and a client."""
    import boto3

    client = boto3.client("glue", **glue_server)
    client.create_registry(RegistryName=unique)
    return SimpleNamespace(name=unique, options=glue_server, client=client)
