"""FileEgress: one JSON document a line; no half lines, no duplicates, nothing lost."""

import json
import os

import pytest
from tests.bridge.conftest import make_environment
from tests.bridge.test_faulty_sinks import books, publish

from dynamic_des import FileEgress, JsonSerializer, MessageSerializer


def lines_of(path):
    content = path.read_bytes()
    assert content == b"" or content.endswith(b"\n"), "half a line"
    return [json.loads(line) for line in content.splitlines()]


def sequence(path):
    return [line["seq"] for line in lines_of(path) if "seq" in line]


class FullDisk:
    """A file on a disk that is full from time to time: it takes a few bytes, then none."""

    def __init__(self, file, failing, truncating=True):
        self.file = file
        self.failing = failing
        self.truncating = truncating

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        if not self.failing:
            return self.file.write(data)
        if self.failing[0] > 0:
            taken = self.file.write(bytes(data)[: self.failing[0]])
            self.failing[0] = -1
            return taken
        self.failing.pop(0)
        raise OSError(28, "No space left on device")

    def truncate(self, size):
        if not self.truncating:
            self.truncating = True
            raise OSError(5, "Input/output error")
        return self.file.truncate(size)


class OnFullDisk(FileEgress):
    """Every write meets a full disk after so many bytes, as often as ``failing`` says."""

    def __init__(self, path, failing, truncating=True):
        super().__init__(path)
        self.failing = failing
        self.truncating = truncating

    async def open(self, run):
        await super().open(run)
        self._file = FullDisk(self._file, self.failing, self.truncating)
        self.truncating = True


def test_every_record_is_a_line(tmp_path, env):
    env.setup_egress([FileEgress(tmp_path / "out" / "records.jsonl")])
    env.publish_event("task-1", {"status": "done"})
    env.publish_telemetry("x", 0.5)
    env.post("L.variables.n", 1)
    env.run()
    first, second, third = lines_of(tmp_path / "out" / "records.jsonl")
    assert (first["key"], first["value"], first["seq"]) == ("task-1", {"status": "done"}, 1)
    assert (second["path_id"], second["value"], second["seq"]) == ("x", 0.5, 2)
    assert (third["path_id"], third["sys_seq"]) == ("system.changes", 1)


def test_system_records_may_be_left_out(tmp_path, env):
    env.setup_egress([FileEgress(tmp_path / "f", system=False)])
    env.publish_telemetry("x", 1)
    env.post("L.variables.n", 1)
    env.run()
    assert len(lines_of(tmp_path / "f")) == 1


@pytest.mark.parametrize("truncating", [True, False], ids=["taken back at once", "taken back when it is opened again"])
@pytest.mark.parametrize("failing", [[5], [1, 300, 7], [10_000_000, 3]])
def test_a_full_disk_leaves_no_half_lines_and_no_duplicates(tmp_path, failing, truncating):
    with make_environment(factor=0) as env:
        env.setup_egress([OnFullDisk(tmp_path / "f", list(failing), truncating)], batch_size=100)
        publish(env)
        env.run()
        assert books(env) == {"written": 2000, "set aside": 0, "dropped": 0, "waiting": 0}
    assert sequence(tmp_path / "f") == list(range(1, 2001))


def test_what_a_file_held_is_replaced_or_kept(tmp_path):
    for append, expected in [(False, 1), (True, 2), (True, 3), (False, 1)]:
        with make_environment(factor=0) as env:
            env.setup_egress([FileEgress(tmp_path / "f", append=append)])
            env.publish_telemetry("x", 1)
        assert sequence(tmp_path / "f") == [1] * expected


def test_half_a_line_of_a_writer_that_died_does_not_spoil_the_next(tmp_path):
    (tmp_path / "f").write_bytes(b'{"seq":1}\n{"se')
    with make_environment(factor=0) as env:
        env.setup_egress([FileEgress(tmp_path / "f", append=True)])
        env.publish_telemetry("x", 1)
    first, half, last = (tmp_path / "f").read_bytes().splitlines()
    assert (first, half) == (b'{"seq":1}', b'{"se')
    assert json.loads(last)["value"] == 1


@pytest.mark.parametrize("rotate", [lambda path: path.rename(path.with_suffix(".1")), os.unlink])
def test_a_file_that_was_moved_or_removed_is_made_anew(tmp_path, rotate):
    path = tmp_path / "f.jsonl"
    with make_environment(factor=0) as env:
        env.setup_egress([FileEgress(path)])
        publish(env, 10)
        env.run()
        rotate(path)
        publish(env, 10)
        env.run()
    assert sequence(path) == list(range(11, 21))
    if path.with_suffix(".1").exists():
        assert sequence(path.with_suffix(".1")) == list(range(1, 11))


def test_the_same_egress_in_a_second_environment_goes_on(tmp_path):
    egress = FileEgress(tmp_path / "f")
    for _ in range(2):
        with make_environment(factor=0) as env:
            env.setup_egress([egress])
            env.publish_telemetry("x", 1)
    assert sequence(tmp_path / "f") == [1, 1]


def test_a_record_without_a_json_form_is_set_aside(tmp_path, caplog):
    with make_environment(factor=0) as env:
        env.setup_egress([FileEgress(tmp_path / "f")])
        for value in (1, object(), 3):
            env.publish_telemetry("x", value)
        env.run()
        assert books(env) == {"written": 2, "set aside": 1, "dropped": 0, "waiting": 0}
    assert sequence(tmp_path / "f") == [1, 3]
    assert "1 of 3 records set aside; seq 2: EncodeError: JSON: a object has no JSON form" in caplog.text


def test_a_serializer_of_ones_own_makes_the_lines(tmp_path, env):
    class Values(MessageSerializer):
        def serialize(self, topic, data):
            return JsonSerializer().serialize(topic, data["value"])

    env.setup_egress([FileEgress(tmp_path / "f", system=False, serializer=Values())])
    for number in range(3):
        env.publish_telemetry("x", number)
    env.run()
    assert (tmp_path / "f").read_bytes() == b"0\n1\n2\n"


def test_a_folder_and_a_pipe_are_refused(tmp_path, env, caplog):
    os.mkfifo(tmp_path / "pipe")
    env.setup_egress([FileEgress(tmp_path), FileEgress(tmp_path / "pipe")], drain_timeout=5)
    env.publish_telemetry("x", 1)
    env.run()
    assert f"FileEgress: {tmp_path} is a folder. Give the path of a file." in caplog.text
    assert f"FileEgress: {tmp_path / 'pipe'} is not a regular file" in caplog.text
    assert caplog.text.count("1 records are not written") == 2


def test_a_folder_that_cannot_be_made_is_tried_again(tmp_path):
    (tmp_path / "blocked").write_bytes(b"")
    with make_environment(factor=0) as env:
        env.setup_egress([FileEgress(tmp_path / "blocked" / "f")], drain_timeout=0.02)
        env.publish_telemetry("x", 1)
        env.run()
        (tmp_path / "blocked").unlink()
        env._bridge.sinks[0].options.__dict__["drain_timeout"] = 10.0
    assert sequence(tmp_path / "blocked" / "f") == [1]
