"""The journal is written whatever comes in, and says so when the disk fails it."""

import errno
import json
import logging
import threading

import pytest

from dynamic_des import ConfigError, DynamicRealtimeEnvironment, MemoryEgress, SimParameter
from dynamic_des.bridge import journal as module
from dynamic_des.bridge.journal import JournalWriter, read_journal
from dynamic_des.bridge.replay import DivergedError, replay
from dynamic_des.messages import Change, Outcome

PATH = "L.variables.x"
LIMIT_S = 60
HEADER = {"name": "line", "seed": 1, "initial_time": 0, "start_time": "2026-01-01T00:00:00+00:00", "parameters": {}}
APPLIED = Outcome("applied")


def itself():
    position = {}
    position["part"] = position
    return position


ODD = {
    "tuple as a key of a position": Change(((PATH, 2.0),), position={("topic", 0): 5}),
    "bytes as a key of a position": Change(((PATH, 2.0),), position={b"a": 5}),
    "half a surrogate pair in a position": Change(((PATH, 2.0),), position={"file": "\udcff"}),
    "position that contains itself": Change(((PATH, 2.0),), position=itself()),
    "half a surrogate pair in a path": Change((("L.\udcff", 2.0),)),
    "half a surrogate pair in a value": Change(((PATH, "\ud800"),)),
    "integer of 5000 digits": Change(((PATH, 10**5000),)),
    "tuple as a key of a value": Change(((PATH, {(1, 2): 3}),)),
    "lists where none belong": Change(((["L"], 2.0),), id=["id"], position=[1]),
    "an object": Change(((PATH, object()),), id=object()),
}


def note_some(writer, *changes):
    for change in changes:
        writer.note_change(1.0, 1, change, APPLIED)


def lines_of(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_any_change_becomes_a_line_and_those_after_it_too(tmp_path, change, caplog):
    writer = JournalWriter(tmp_path / "journal", HEADER)
    plain = Change(((PATH, 1.0),))
    note_some(writer, plain, change, plain)
    writer.close()
    assert [entry["seq"] for entry in read_journal(writer.path).entries] == [1, 2, 3]
    assert caplog.text == ""


def test_an_unexpected_error_costs_its_line_alone_and_the_end_of_the_run_says_so(tmp_path, monkeypatch, caplog):
    original = module._line

    def failing(entry):
        if entry.get("seq") == 2:
            raise RuntimeError("unforeseen")
        return original(entry)

    monkeypatch.setattr(module, "_line", failing)
    writer = JournalWriter(tmp_path / "journal", HEADER)
    writer.note_start(0, 0, None, "")
    note_some(writer, *[Change(((PATH, 1.0),))] * 3)
    writer.note_end(1.0, 1, "empty")
    assert writer.lost == 1
    assert "a line cannot be written: RuntimeError: unforeseen" in caplog.text
    assert "is incomplete: 1 of its lines are not written" in caplog.text
    writer.close()
    assert [entry.get("seq") for entry in lines_of(writer.path)[2:4]] == [1, 3]
    with pytest.raises(ConfigError, match="line 4: change 2 is missing: found 3"):
        read_journal(writer.path)


class Disk:
    """Stands in for ``AppendedFile.append``'s way to the disk: full, or hanging, while told to."""

    def __init__(self, writer, monkeypatch):
        self.room = 10**9
        self.stuck = False  # what was written cannot be taken back either
        self.hangs = threading.Event()
        self.released = threading.Event()
        self._file = writer._file._file
        monkeypatch.setattr(writer._file, "_file", self)

    def write(self, data):
        if self.hangs.is_set():
            assert self.released.wait(LIMIT_S)
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._file.write(data[: self.room])
        self.room -= written
        return written

    def truncate(self, size):
        if self.stuck:
            raise OSError(errno.EIO, "Input/output error")
        return self._file.truncate(size)

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.fixture
def writer(tmp_path):
    writer = JournalWriter(tmp_path / "journal", HEADER)
    assert writer.flush()
    return writer


@pytest.mark.parametrize("stuck", [False, True], ids=["", "and cannot take back what it took"])
def test_a_disk_that_is_full_for_a_while_leaves_no_half_line_and_no_gap(writer, monkeypatch, caplog, stuck):
    caplog.set_level(logging.INFO, "dynamic_des.journal")
    disk = Disk(writer, monkeypatch)
    disk.stuck = stuck
    disk.room = 250  # a line and a half
    writer.note_start(0, 0, None, "")
    note_some(writer, *[Change(((PATH, 1.0),))] * 5)
    writer.note_end(1.0, 1, "empty")
    if not stuck:
        assert len(lines_of(writer.path)) == 1
        assert writer.path.read_bytes().endswith(b"\n")
    assert caplog.text.count("cannot be written at the moment: No space left on device") == 1
    assert caplog.text.count("is incomplete: 7 of its lines are not written (No space left on device)") == 1
    disk.room, disk.stuck = 10**9, False
    assert writer.flush()
    assert caplog.text.count("is written again; nothing was left out") == 1
    writer.close()
    assert len(read_journal(writer.path).entries) == 7
    assert caplog.text.count("is incomplete") == 1


def test_a_disk_that_stays_full_is_given_up_when_memory_is_full_too(writer, monkeypatch, caplog):
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    disk = Disk(writer, monkeypatch)
    disk.room = 0
    note_some(writer, *[Change(((PATH, 1.0),))] * 100)
    writer.close()
    assert writer.lost > 50
    assert "is incomplete: 101 of its lines are not written" in caplog.text


def test_a_disk_that_hangs_holds_up_the_run_once_and_not_for_ever(writer, monkeypatch, caplog):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.05)
    disk = Disk(writer, monkeypatch)
    disk.hangs.set()
    for number in range(3):
        writer.note_start(number, 0, None, "")
        writer.note_end(number + 1, 0, "empty")
        monkeypatch.setattr(module, "_PATIENCE_S", LIMIT_S)
    assert not writer.flush()
    assert caplog.text.count("the disk has not answered for 0.05 s") == 1
    assert "is incomplete: 6 of its lines are not written" in caplog.text
    writer.close()
    disk.hangs.clear()
    disk.released.set()
    writer._thread.join(LIMIT_S)
    assert len(read_journal(writer.path).entries) == 6


def test_a_flush_that_is_asked_for_while_another_is_written_is_not_forgotten(writer, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", LIMIT_S)
    disk = Disk(writer, monkeypatch)
    for number in range(1, 30):
        disk.released.clear()
        disk.hangs.set()
        note_some(writer, Change(((PATH, 1.0),)))
        answers = []
        asking = [threading.Thread(target=lambda said=answers: said.append(writer.flush())) for _ in range(2)]
        asking[0].start()
        disk.hangs.clear()
        disk.released.set()
        asking[1].start()
        for thread in asking:
            thread.join(LIMIT_S)
            assert not thread.is_alive()
        assert writer.flush()
        assert len(lines_of(writer.path)) == 1 + number
    writer.close()


# -- what is missing from a journal -----------------------------------------------------------------------------


def make(value=0.0):
    env = DynamicRealtimeEnvironment(factor=0, lag_monitor_interval=0, seed=1)
    env.registry.register_sim_parameter(
        SimParameter("L", variables={"x": value, "list": [1], "table": {}, "free": None})
    )
    egress = MemoryEgress()
    env.setup_egress([egress])

    def process():
        while True:
            values = {path: env.registry.get(path).value for path in env.registry.paths()}
            env.publish_event("values", {"text": repr(values)})
            yield env.timeout(1)

    env.process(process())
    return env, egress


def published(egress):
    return [(record["sim_ts"], record["value"]) for record in egress.records if "seq" in record]


def repeated(path):
    env, egress = make()
    with env:
        replay(read_journal(path), env)
    return published(egress)


@pytest.fixture
def four_runs(tmp_path):
    env, egress = make()
    with env:
        env.setup_journal(tmp_path / "journal")
        for number in range(1, 5):
            env.post(PATH, float(number))
            env.run(until=5 * number)
    assert repeated(tmp_path / "journal") == published(egress)
    return tmp_path / "journal"


def test_a_journal_without_any_one_line_is_refused_with_file_and_line(four_runs):
    lines = four_runs.read_bytes().splitlines(keepends=True)
    assert len(lines) == 14
    for gone in range(1, 13):
        four_runs.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
        with pytest.raises(
            ConfigError, match=r"journal, line \d+: .* is missing.*\. Give the journal as the run wrote"
        ):
            read_journal(four_runs)


def test_a_journal_without_a_whole_run_is_refused(four_runs):
    lines = four_runs.read_bytes().splitlines(keepends=True)
    four_runs.write_bytes(b"".join(lines[:3] + lines[6:]))
    with pytest.raises(ConfigError, match="line 4: .* is missing"):
        read_journal(four_runs)
    four_runs.write_bytes(b"".join(lines[:10] + lines[13:]))
    with pytest.raises(ConfigError, match="line 11: run 4 is missing"):
        read_journal(four_runs)


@pytest.mark.parametrize("key", ["processed", "updates", "status"])
def test_a_change_without_one_of_its_keys_is_refused(four_runs, key):
    lines = lines_of(four_runs)
    del lines[2][key]
    four_runs.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ConfigError, match=f"line 3: '{key}' is missing"):
        read_journal(four_runs)


def test_a_header_without_a_seed_is_refused(tmp_path):
    (tmp_path / "journal").write_text('{"format": 2, "name": "line"}\n')
    with pytest.raises(ConfigError, match="line 1: 'seed' is missing"):
        read_journal(tmp_path / "journal")


# -- what is repeated, and what is not --------------------------------------------------------------------------


def test_steps_between_and_after_runs_are_repeated(tmp_path):
    env, egress = make()
    with env:
        env.setup_journal(tmp_path / "journal")
        env.run(until=2.5)
        for number in range(3):
            env.step()
            env.post(PATH, float(number + 1))
        env.step()
        env.run(until=20)
        env.post(PATH, 9.0)
        while env.now < 21:
            env.step()
    assert published(egress)[-1][0] == 21.0
    assert repeated(tmp_path / "journal") == published(egress)


def test_a_parameter_that_was_changed_between_two_runs_from_outside_of_the_model_is_noticed(tmp_path):
    env, _ = make()
    with env:
        env.setup_journal(tmp_path / "journal")
        env.run(until=2.5)
        env.registry.update(PATH, 7.0)
        env.run(until=5)
    with pytest.raises(DivergedError, match=r"line 4: the parameters at the start of run 2 .* use env\.post there"):
        repeated(tmp_path / "journal")


@pytest.mark.parametrize(
    ("name", "value"),
    [("list", (1, 2)), ("table", {1: "a"}), ("table", {(1, 2): {"at": b"3"}}), ("free", {1, 2}), ("free", 10**3000)],
    ids=["tuple", "integer as a key", "tuple as a key", "set", "long integer"],
)
def test_a_value_that_json_has_no_form_for_is_repeated_as_it_was(tmp_path, name, value):
    env, egress = make()
    with env:
        env.setup_journal(tmp_path / "journal")
        env.run(until=2.5)
        answer = env.post(f"L.variables.{name}", value)
        env.run(until=5)
    assert answer.result().status == "applied"
    assert repeated(tmp_path / "journal") == published(egress)


def test_a_value_that_cannot_be_repeated_is_named_and_a_refused_one_does_no_harm(tmp_path):
    env, egress = make()
    with env:
        env.setup_journal(tmp_path / "journal")
        refused = env.post(PATH, threading.Lock())
        env.run(until=2.5)
    assert refused.result().status == "refused"
    assert repeated(tmp_path / "journal") == published(egress)
    env, _ = make()
    with env:
        env.setup_journal(tmp_path / "journal")
        env.post("L.variables.free", threading.Thread())
        env.run(until=2.5)
    with pytest.raises(
        DivergedError, match=r"line 3: change 1 cannot be repeated: .* \(of type Thread\)\. Send numbers"
    ):
        repeated(tmp_path / "journal")
