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
    yield SimpleNamespace(name=unique, options=glue_server, client=client)
    client.delete_registry(RegistryId={"RegistryName": unique})  # an account has room for few
    client.close()


@pytest.fixture(scope="session")
def messages():
    """Classes of Protobuf messages by name, each with a value: the first of a file, another one, one inside of it."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="plant.proto", package="plant", syntax="proto3")
    load, part = file.message_type.add(name="Load"), file.message_type.add(name="Part")
    size, kind = part.nested_type.add(name="Size"), file.enum_type.add(name="Kind")
    for number, name in enumerate(("RAW", "DONE")):
        kind.value.add(name=name, number=number)
    size.field.add(name="mm", number=1, type=kinds.TYPE_INT64, label=kinds.LABEL_OPTIONAL)
    load.field.add(name="name", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    load.field.add(name="share", number=2, type=kinds.TYPE_DOUBLE, label=kinds.LABEL_OPTIONAL)
    many = {"label": kinds.LABEL_REPEATED}
    part.field.add(name="sizes", number=1, type=kinds.TYPE_MESSAGE, type_name=".plant.Part.Size", **many)
    part.field.add(name="kind", number=2, type=kinds.TYPE_ENUM, type_name=".plant.Kind", label=kinds.LABEL_OPTIONAL)
    part.field.add(name="notes", number=3, type=kinds.TYPE_STRING, **many)
    descriptor_pool.Default().Add(file)
    found = descriptor_pool.Default().FindFileByName("plant.proto")
    classes = {name: message_factory.GetMessageClass(one) for name, one in found.message_types_by_name.items()}
    inner = message_factory.GetMessageClass(found.message_types_by_name["Part"].nested_types_by_name["Size"])
    return {
        "Load": (classes["Load"], {"name": "saw", "share": 0.5}),
        "Part": (classes["Part"], {"sizes": [{"mm": 2**60}, {"mm": -1}], "kind": "DONE", "notes": ["a", ""]}),
        "Part.Size": (inner, {"mm": 3}),
    }


@pytest.fixture(scope="session")
def importing():
    """The class of a message whose file imports two others, one of which imports a third, and one of Google's."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

    kinds = descriptor_pb2.FieldDescriptorProto

    def file(name, message, fields, imports=()):
        made = descriptor_pb2.FileDescriptorProto(name=name, package="works", syntax="proto3", dependency=imports)
        found = made.message_type.add(name=message)
        for number, (field, kind) in enumerate(fields.items(), 1):
            type_ = kinds.TYPE_MESSAGE if isinstance(kind, str) else kind
            inner = {"type_name": kind} if isinstance(kind, str) else {}
            found.field.add(name=field, number=number, type=type_, label=kinds.LABEL_OPTIONAL, **inner)
        descriptor_pool.Default().Add(made)

    assert timestamp_pb2.DESCRIPTOR.name == "google/protobuf/timestamp.proto"  # it is in the pool
    file("works/size.proto", "Size", {"mm": kinds.TYPE_INT64})
    file("works/part.proto", "Part", {"name": kinds.TYPE_STRING, "size": ".works.Size"}, ["works/size.proto"])
    file(
        "works/order.proto",
        "Order",
        {"part": ".works.Part", "gap": ".works.Size", "due": ".google.protobuf.Timestamp"},
        ["works/part.proto", "works/size.proto", "google/protobuf/timestamp.proto"],
    )
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName("works.Order"))
