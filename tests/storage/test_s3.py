"""An object store: S3 through moto, with faults."""

import pytest
from pyarrow import fs
from tests.storage.conftest import publish, rows, values
from tests.storage.s3 import FaultyS3

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des_storage import read
from dynamic_des_storage.stores import filesystem_and_path

VALUES = [{"n": float(number), "text": "x" * (number % 7)} for number in range(60)]


@pytest.fixture(scope="module")
def server():
    server = FaultyS3()
    yield server
    server.close()


@pytest.fixture
def lake(server, request):
    return f"s3://lake/{abs(hash(request.node.name))}"


def objects(server, lake):
    store, root = filesystem_and_path(lake, server.filesystem)
    return [info.path for info in store.get_file_info(fs.FileSelector(root, recursive=True)) if info.is_file]


def test_batches_become_one_object_for_each_partition(server, lake, make):
    report = publish(make(lake, filesystem=server.filesystem, router=["stream_type"]), VALUES, batch_size=10)
    assert (report.written, report.retried) == (60, 0)
    assert len(objects(server, lake)) == 1
    assert sorted(read(lake, filesystem=server.filesystem)["n"].to_pylist()) == [value["n"] for value in VALUES]


@pytest.mark.parametrize("fault", ["refuse", "lose_answer"])
def test_no_fault_loses_or_doubles_a_record(server, lake, make, fault):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([make(lake, filesystem=server.filesystem)], batch_size=10)
        for round_, value in enumerate(VALUES):
            if round_ in (10, 40):
                env.run(env.now + 1)
                setattr(server, fault, 6)  # more than the client tries by itself
            env.publish_event("p", value)
        env.run(env.now + 1)
    report = env.report().sinks[0]
    assert (report.written, report.lost) == (60, 0)
    assert report.retried >= 1
    found = read(lake, filesystem=server.filesystem)["seq"].to_pylist()
    assert sorted(found) == list(range(1, 61))


def test_a_file_system_of_ones_own_is_used(tmp_path, make):
    inside = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    publish(make("runs/a", filesystem=inside), VALUES, batch_size=7)
    assert values(tmp_path / "runs" / "a") == VALUES
    assert len(rows(tmp_path / "runs" / "a")) == 60
