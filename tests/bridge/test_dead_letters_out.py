"""A record that can never be written goes to the dead letters alone; the accounts hold to the last record."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.letters import GOOD, Letters, Parted, lines
from tests.bridge.test_faulty_sinks import PUBLISHED, books, publish

from dynamic_des import ConsoleEgress, FileEgress, MemoryEgress
from dynamic_des.bridge import dead_letters
from dynamic_des.errors import ConfigError, PermanentError


@pytest.fixture
def hasty(monkeypatch):
    """The end of a run waits for letters only for a moment."""
    monkeypatch.setattr(dead_letters, "_OPTIONS", replace(dead_letters._OPTIONS, drain_timeout=0.05))


def test_a_letter_has_the_record_its_sink_and_the_reason(env, tmp_path):
    path = tmp_path / "aside.jsonl"
    env.setup_egress({"table": faults.Refusing(2)}, dead_letters=path)
    env.publish_event("part-1", {"status": "queued"})
    env.publish_event("part-2", {"status": "queued", "when": datetime(2026, 1, 2, tzinfo=UTC), "load": math.nan})
    env.run()
    (letter,) = lines(path)
    assert datetime.fromisoformat(letter.pop("timestamp")).utcoffset() is not None
    record = letter["value"].pop("record")
    assert record.pop("timestamp") == env.start_datetime.isoformat(timespec="microseconds")
    assert record == {
        "stream_type": "event",
        "sim_ts": 0.0,
        "key": "part-2",
        "value": {"status": "queued", "when": "2026-01-02T00:00:00+00:00", "load": "nan"},
        "seq": 2,
    }
    assert letter == {
        "stream_type": "dead_letter",
        "sim_ts": 0.0,
        "key": "table",
        "value": {"sink": "table", "reason": "violates a constraint"},
        "seq": 1,
    }


def test_what_has_no_form_in_the_sinks_format_has_one_in_the_letter(env, tmp_path):
    class Spiteful:
        def __repr__(self):
            raise RuntimeError("no")

    nest = [object()]
    for _ in range(200):
        nest = [nest]
    good, path = faults.Encoding(), tmp_path / "aside.jsonl"
    env.setup_egress([good], dead_letters=path)
    values = [object, Spiteful(), nest, {"a": 1, "b": {1j}}, b"\xff", "fine", "\ud800"]
    for value in values:
        env.publish_event("e", {"x": value})
    env.run()
    assert good.seqs == [6]
    kept = [(letter["value"]["record"]["seq"], letter["value"]["record"]["value"]["x"]) for letter in lines(path)]
    assert [seq for seq, _ in kept] == [1, 2, 3, 4, 5, 7]
    assert dict(kept)[1] == "<class 'object'>"
    assert dict(kept)[2] == "<Spiteful>"
    assert dict(kept)[4]["a"] == 1
    assert dict(kept)[5] == {"base64": "/w=="}
    assert dict(kept)[7] == "\\ud800"
    assert books(env) == {"written": 1, "set aside": 6, "dropped": 0, "waiting": 0}
    report = env.report()
    assert (report.sinks[0].dead_lettered, report.lost) == (6, 0)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    refused=st.sets(st.integers(1, 300), max_size=60),
    batch_size=st.integers(1, 70),
    outbox=st.sampled_from([40, 1000]),
    failing=st.integers(0, 3),
    hopeless=st.sets(st.integers(1, 60), max_size=3),
)
def test_written_and_dead_lettered_and_dropped_is_published(refused, batch_size, outbox, failing, hopeless):
    egress, destination = faults.Refusing(*refused), Letters(failing=failing, refusing=hopeless)
    with make_environment(factor=0) as env:
        options = {
            "batch_size": batch_size,
            "outbox_size": outbox,
            "on_full": "drop_oldest" if outbox < 300 else "block",
        }
        env.setup_egress([egress], dead_letters=destination, **options)
        publish(env, 300)
        env.run()
    (report,) = env.report().sinks
    lost = len(hopeless & set(range(1, report.set_aside + 1)))
    assert report.written + report.set_aside + report.dropped == 300
    assert report.dead_lettered == report.set_aside - lost
    assert (report.lost, report.waiting) == (report.dropped + lost, 0)
    kept = [value["record"]["seq"] for value in destination.values]
    assert kept == sorted(set(kept))
    assert set(kept) <= refused
    assert sorted(egress.seqs) == egress.seqs
    assert not set(kept) & set(egress.seqs)
    if not hopeless and outbox >= 300:
        assert set(kept) == refused


@pytest.mark.usefixtures("hasty")
def test_while_the_letters_take_no_more_the_sink_waits_and_nobody_else(monkeypatch):
    monkeypatch.setattr(dead_letters, "LETTERS", 3)
    egress, good, destination = faults.Refusing(*range(1, 10)), MemoryEgress(), Letters(gate=True)
    with make_environment(factor=0) as env:
        env.setup_egress([egress], dead_letters=destination, batch_size=5, drain_timeout=0.05)
        env.setup_egress([good])
        publish(env, 20)
        env.run()
        assert len(good.records) == 20
        (sink, _) = env.report().sinks
        assert (
            sink.written + sink.set_aside + sink.waiting >= 20
        )  # the batch in hand stands in two accounts till it is done
        assert egress.seqs == []
        assert len(env._bridge.dead_letters[0]._waiting) == 3
        destination.gate.set()
        env._bridge.sinks[0].options.__dict__["drain_timeout"] = 10.0
        env.run()
        assert books(env) == {"written": 11, "set aside": 9, "dropped": 0, "waiting": 0}
        assert [value["record"]["seq"] for value in destination.values] == list(range(1, 10))
        assert egress.seqs == list(range(10, 21))


def test_when_the_destination_fails_for_good_the_sink_goes_on_and_it_is_said(caplog):
    egress = faults.Refusing(5, 1500)
    with make_environment(factor=0) as env:
        env.setup_egress([egress], dead_letters=Letters(gives_up=True), batch_size=100)
        publish(env)
        env.run()
        assert books(env) == {"written": PUBLISHED - 2, "set aside": 2, "dropped": 0, "waiting": 0}
    assert "dead_letters:Letters: failed, so what can go nowhere else is lost: wrong password" in caplog.text
    report = env.report()
    assert (report.sinks[0].dead_lettered, report.lost) == (0, 2)


def test_a_sink_that_fails_for_good_keeps_its_accounts(caplog):
    class Ending(faults.Refusing):
        async def write(self, batch):
            if len(self.seqs) >= 199:
                raise PermanentError("the table was dropped")
            return await super().write(batch)

    destination = Letters()
    with make_environment(factor=0) as env:
        env.setup_egress([Ending(7)], dead_letters=destination, batch_size=100)
        publish(env)
        env.run()
        assert books(env) == {"written": 199, "set aside": 1, "dropped": 0, "waiting": PUBLISHED - 200}
    assert [value["record"]["seq"] for value in destination.values] == [7]
    assert env.report().lost == PUBLISHED - 200


def test_one_destination_serves_both_directions_and_several_sinks(live_env):
    destination = Letters()
    sinks = {"one": faults.Refusing(1), "two": faults.Refusing(1, 2)}
    live_env.setup_egress(sinks, dead_letters=destination)
    live_env.setup_ingress(
        {"control": Parted([("a", b"x"), ("a", GOOD)])}, on_poison="dead_letter", dead_letters=destination
    )
    live_env.publish_event("e", {})
    live_env.publish_event("e", {})
    live_env.run()
    live_env.teardown()
    assert sorted(letter["key"] for letter in destination.letters) == ["control", "one", "two", "two"]
    assert destination.seqs == [1, 2, 3, 4]
    assert len(destination.runs) == 1


def test_a_system_record_that_cannot_be_written_is_kept_as_well(env):
    destination = Letters()
    env.setup_egress([faults.Encoding()], dead_letters=destination)
    env.post("L.variables.name", object())
    env.run()
    (value,) = destination.values
    assert value["record"]["sys_seq"] == 1
    assert value["record"]["path_id"] == "system.changes"
    assert env.report().sinks[0].dead_lettered == 0  # which counts the model's records


def test_a_record_that_no_letter_can_be_sent_for_does_not_go_round_in_circles(env, caplog):
    destination = Letters(refusing={1, 2})
    env.setup_egress([faults.Refusing(1, 2)], dead_letters=destination)
    env.publish_event("e", {})
    env.publish_event("e", {})
    env.run()
    env.teardown()
    assert destination.letters == []
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "dead_letters:Letters: a letter of Refusing cannot be written and is lost: too large"
    ]
    assert env.report().lost == 2


def test_the_end_says_what_went_where(caplog):
    with make_environment(factor=0) as env:
        env.setup_egress([faults.Refusing(1, 2)], dead_letters=Letters(refusing={2}))
        publish(env, 10)
        env.run()
    said = caplog.text
    assert "egress Refusing: 8 records written, 1 records set aside, 1 records set aside to the dead letters" in said
    assert "egress dead_letters:Letters: 1 records written, 1 records set aside" in said


@pytest.mark.parametrize("kind", ["file", "console", "json console", "memory"])
def test_every_egress_of_core_takes_letters(env, tmp_path, capsys, kind):
    path = tmp_path / "letters.jsonl"
    destination = {
        "file": lambda: FileEgress(path),
        "console": ConsoleEgress,
        "json console": lambda: ConsoleEgress("json"),
        "memory": MemoryEgress,
    }[kind]()
    env.setup_egress([faults.Refusing(1)], dead_letters=destination)
    env.publish_event("part-1", {"status": "queued"})
    env.run()
    env.teardown()
    out = capsys.readouterr().out
    if kind == "console":
        assert out.startswith(
            "[DLQ] t=0.000 Refusing: sink=Refusing reason=violates a constraint record=stream_type=event"
        )
        return
    text = {"file": lambda: path.read_text(), "json console": lambda: out, "memory": lambda: None}[kind]()
    letter = destination.records[0] if kind == "memory" else json.loads(text)
    assert letter["stream_type"] == "dead_letter"
    assert letter["value"]["record"]["key"] == "part-1"


def test_the_older_form_of_an_egress_takes_letters(env):
    destination = faults.Seeds()
    env.setup_egress([faults.Refusing(1, 3)], dead_letters=destination)
    publish(env, 5)
    env.run()
    assert destination.seqs == [1, 2]


@pytest.mark.parametrize(
    ("given", "text"),
    [(7, "dead_letters is 7. Give the path"), (".", "'.', which is a folder"), ([], "dead_letters is []")],
)
def test_an_option_that_makes_no_sense_is_refused(env, given, text):
    with pytest.raises(ConfigError) as error:
        env.setup_egress([MemoryEgress()], dead_letters=given)
    assert text in str(error.value)
