"""A refused message goes to the dead letters as it was received, and is acknowledged only then."""

import base64
from dataclasses import replace
from datetime import datetime

import pytest
from tests.bridge.conftest import make_environment
from tests.bridge.letters import GOOD, Letters, Parted, lines, wait_until, wait_until_taken

from dynamic_des import BaseIngress, MemoryEgress, MemoryIngress, Message
from dynamic_des.bridge import dead_letters, source
from dynamic_des.errors import ConfigError

BAD = b"garbage"


def run(env, ingress, destination, **options):
    env.setup_ingress({"control": ingress}, on_poison="dead_letter", dead_letters=destination, **options)
    env.run()


def test_a_letter_has_the_message_as_received_and_all_that_is_known_of_it(live_env, tmp_path):
    class Topic(BaseIngress):
        async def messages(self):
            info = {"topic": "t", "partition": 3, "offset": 17, "headers": [("trace", b"\xff\x00"), ("who", b"me")]}
            yield Message(b'{"path": "L.variables.n", "value": "many"}', {"t/3": 18}, info)

    path = tmp_path / "new" / "refused.jsonl"
    run(live_env, Topic(), path)
    live_env.teardown()
    (letter,) = lines(path)
    assert datetime.fromisoformat(letter.pop("timestamp")).utcoffset() is not None
    assert letter.pop("sim_ts") >= 0
    reason = letter["value"].pop("reason")
    assert "L.variables.n" in reason
    assert "'many'" in reason
    assert letter == {
        "stream_type": "dead_letter",
        "key": "control",
        "value": {
            "source": "control",
            "payload": '{"path": "L.variables.n", "value": "many"}',
            "encoding": "utf-8",
            "position": {"t/3": 18},
            "info": {
                "topic": "t",
                "partition": 3,
                "offset": 17,
                "headers": [["trace", {"base64": "/wA="}], ["who", "me"]],
            },
        },
        "seq": 1,
    }


@pytest.mark.parametrize(
    ("payload", "text", "encoding"),
    [
        (b"caf\xc3\xa9\n\x00", "caf\u00e9\n\x00", "utf-8"),
        (b"\xff\xfe\x00", base64.b64encode(b"\xff\xfe\x00").decode(), "base64"),
        (bytearray(b"ab"), "ab", "utf-8"),
        ("no JSON", "no JSON", "utf-8"),
        ("\ud800", base64.b64encode(b"\xed\xa0\x80").decode(), "base64"),
        (b"x" * 10_000_000, "x" * 10_000_000, "utf-8"),
        (("L.variables.nn", 3), '{"path":"L.variables.nn","value":3}', "json"),
        (("a", 1, 2), '["a",1,2]', "json"),
        ({"path": ["a"], "value": 10**30}, '{"path":["a"],"value":1%s}' % ("0" * 30), "json"),
        (None, "null", "json"),
        (object, "<class 'object'>", "repr"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_nothing_of_the_payload_is_lost(live_env, payload, text, encoding):
    destination = Letters()
    run(live_env, Parted([("a", payload)]), destination)
    (value,) = destination.values
    assert (value["payload"], value["encoding"]) == (text, encoding)


def test_whatever_the_reason_a_message_is_refused_for_it_becomes_a_letter(live_env):
    live_env.registry.set_bounds("L.variables.x", min=0, max=1)
    refused = [BAD, b'{"pth": 1}', ("L.variables.nn", 1), ("L.variables.x", 2), ("L.variables.n", True)]
    destination, ingress = Letters(), Parted([("a", payload) for bad in refused for payload in (bad, GOOD)])
    run(live_env, ingress, destination)
    live_env.teardown()
    reasons = [value["reason"] for value in destination.values]
    for reason, part in zip(reasons, ["not JSON", "names no path", "no such path", "2", "is a flag"], strict=True):
        assert part in reason
    assert destination.seqs == [1, 2, 3, 4, 5]
    assert ingress.acknowledged == {"a": 10}
    (report,) = live_env.report().sources
    assert (report.received, report.refused, report.dead_lettered, report.undelivered) == (10, 5, 5, 0)
    assert live_env.report().lost == 0


def test_a_letter_can_be_sent_again(live_env, tmp_path):
    path = tmp_path / "refused.jsonl"
    run(live_env, Parted([("a", ("L.variables.later", 3)), ("a", b'{"path": "L.variables.later", "value": 4}')]), path)
    live_env.teardown()
    with make_environment(factor=1) as env:
        again = MemoryIngress()
        env.setup_ingress([again])
        for letter in lines(path):
            again.send(letter["value"]["payload"].replace("later", "n"))
        again.end()
        env.run()
        assert env.registry.get("L.variables.n").value == 4
        assert env.changes_applied == 2


@pytest.fixture
def hasty(monkeypatch):
    """The end of a run waits for letters only for a moment."""
    monkeypatch.setattr(dead_letters, "_OPTIONS", replace(dead_letters._OPTIONS, drain_timeout=0.05))


@pytest.mark.usefixtures("hasty")
def test_a_message_is_acknowledged_only_when_its_letter_is_written(live_env):
    destination = Letters(gate=True)
    ingress = Parted([("a", GOOD), ("a", BAD), ("a", GOOD), ("b", GOOD)])
    live_env.setup_ingress([ingress], on_poison="dead_letter", dead_letters=destination)
    live_env.run(until=0.02)
    destination.entered.wait(5)
    ingress.wait_for({"a": 1, "b": 1})  # what follows in other parts goes on; what follows in its own is applied, too
    assert live_env.changes_applied == 3
    destination.gate.set()
    ingress.wait_for({"a": 3, "b": 1})


@pytest.mark.parametrize(
    "trouble",
    [{"failing": 1}, {"failing": 7}, {"absent": 1}, {"absent": 5}, {"absent": 3, "failing": 3}],
    ids=str,
)
@pytest.mark.parametrize("factor", [0, 0.001])
def test_a_destination_that_recovers_gets_every_letter_once_and_in_order(trouble, factor):
    destination = Letters(**trouble)
    ingress = Parted([("a", payload) for number in range(200) for payload in (b"%d" % number, GOOD)])
    with make_environment(factor=factor) as env:
        env.setup_ingress([ingress], on_poison="dead_letter", dead_letters=destination)
        env.run(until=env.process(wait_until(env, lambda: env.changes_applied == 200)))
    assert [value["payload"] for value in destination.values] == [str(number) for number in range(200)]
    assert destination.seqs == list(range(1, 201))
    assert ingress.acknowledged == {"a": 400}
    assert env.report().lost == 0


@pytest.mark.usefixtures("hasty")
def test_a_destination_that_hangs_does_not_hold_up_the_model_nor_the_end_and_it_is_said(caplog):
    destination = Letters(gate=True)
    ingress = Parted([("a", GOOD), ("a", BAD), ("a", GOOD)])
    with make_environment(factor=0.001) as env:
        env.setup_ingress([ingress], on_poison="dead_letter", dead_letters=destination)
        env.run(until=env.process(wait_until(env, lambda: env.changes_applied == 2)))
    assert "egress dead_letters:Letters: 1 records are not written: it did not take them within" in caplog.text
    assert ingress.acknowledged == {"a": 1}
    assert env.report().lost == 1


@pytest.mark.usefixtures("hasty")
def test_what_waits_for_a_broken_destination_is_bounded_and_the_ingress_waits(monkeypatch):
    monkeypatch.setattr(dead_letters, "LETTERS", 10)
    pulled = []

    class Endless(BaseIngress):
        async def messages(self):
            for number in range(10_000):
                pulled.append(number)
                yield Message(b"%d" % number, {"a": number + 1})

    destination = Letters(gate=True)
    with make_environment(factor=0.001) as env:
        env.setup_ingress([Endless()], on_poison="dead_letter", dead_letters=destination, inbox_size=5)
        env.run(until=env.process(wait_until(env, lambda: env.changes_refused >= 10)))
        env.run(until=env.now + 100)
        assert 10 <= env.changes_refused <= 10 + 5 + 1
        assert len(pulled) <= 10 + 5 + 1
        destination.gate.set()
        env.run(until=env.process(wait_until(env, lambda: len(destination.letters) == 10_000)))
    assert [value["payload"] for value in destination.values] == [str(number) for number in range(10_000)]


@pytest.mark.usefixtures("hasty")
def test_the_bound_counts_bytes_as_well(monkeypatch):
    monkeypatch.setattr(dead_letters, "_BYTES", 5_000_000)
    destination = Letters(gate=True)
    ingress = Parted([("a", b"x" * 2_000_000) for _ in range(20)])
    with make_environment(factor=0.001) as env:
        env.setup_ingress([ingress], on_poison="dead_letter", dead_letters=destination, inbox_size=1)
        env.run(until=env.process(wait_until(env, lambda: env.changes_refused >= 3)))
        env.run(until=env.now + 50)
        assert env.changes_refused in (3, 4)
        destination.gate.set()
        env.run(until=env.process(wait_until(env, lambda: len(destination.letters) == 20)))


@pytest.mark.usefixtures("hasty")
def test_an_ingress_whose_letters_wait_holds_up_no_other(monkeypatch):
    monkeypatch.setattr(dead_letters, "LETTERS", 2)
    destination, other = Letters(gate=True), Parted([("b", GOOD)] * 500)
    with make_environment(factor=0.001) as env:
        env.setup_ingress([Parted([("a", BAD)] * 100)], on_poison="dead_letter", dead_letters=destination)
        env.setup_ingress([other])
        env.run(until=env.process(wait_until(env, lambda: env.changes_applied == 500)))
        other.wait_for({"b": 500})
        destination.gate.set()


def test_a_destination_that_fails_for_good_is_loud_bounded_and_acknowledges_nothing(live_env, monkeypatch, caplog):
    monkeypatch.setattr(source, "LETTERS", 5)
    ingress = Parted([("a", GOOD)] + [("a", BAD)] * 100)
    egress = Letters(gives_up=True)
    live_env.setup_ingress({"control": ingress}, on_poison="dead_letter", dead_letters=egress, inbox_size=2)
    live_env.run()
    live_env.teardown()
    assert "dead_letters:Letters: failed, so what can go nowhere else is lost: wrong password" in caplog.text
    assert "ingress control: failed: 5 refused messages wait for dead_letters:Letters: wrong password" in caplog.text
    report = live_env.report()
    assert 5 <= report.sources[0].undelivered <= 5 + 2 + 1
    assert report.lost == report.sources[0].undelivered
    assert ingress.acknowledged in ({}, {"a": 1})


def test_a_letter_that_its_destination_refuses_is_said_counted_and_holds_up_nothing(live_env, caplog):
    destination = Letters(refusing={2})
    ingress = Parted([("a", BAD)] * 3 + [("a", GOOD)])
    run(live_env, ingress, destination)
    live_env.teardown()
    assert destination.seqs == [1, 3]  # and no letter about a letter
    assert ingress.acknowledged == {"a": 4}
    said = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage() for record in said] == [
        "dead_letters:Letters: a letter of control cannot be written and is lost: too large"
    ]
    (report,) = live_env.report().sources
    assert (report.refused, report.dead_lettered, report.undelivered) == (3, 2, 1)
    assert live_env.report().lost == 1


def test_letters_that_wait_at_the_end_are_drained(live_env):
    destination = Letters(failing=3)
    ingress = Parted([("a", BAD)] * 50)
    live_env.setup_ingress([ingress], on_poison="dead_letter", dead_letters=destination)
    wait_until_taken(live_env, 50)
    live_env.teardown()  # nothing ran: teardown itself takes up what arrived
    assert len(destination.letters) == 50
    assert ingress.acknowledged == {"a": 50}


def test_what_the_snapshot_brings_may_be_refused_too(live_env):
    class Starting(BaseIngress):
        async def snapshot(self):
            return [Message(BAD, {"s": 1}, {"row": 1}), ("L.variables.n", 5), None]

    destination = Letters()
    run(live_env, Starting(), destination)
    assert live_env.registry.get("L.variables.n").value == 5
    assert [value["payload"] for value in destination.values] == ["garbage", "null"]
    assert [value["info"] for value in destination.values] == [{"row": 1}, {}]


def test_the_older_form_has_letters_as_well(live_env):
    class Seeds(BaseIngress):
        async def run(self, ingress_queue):
            for item in (("a", 1, 2), None, BAD, Message(BAD, {"a": 1}), ("L.variables.n", 1)):
                ingress_queue.put(item)

    destination = Letters()
    run(live_env, Seeds(), destination)
    assert [value["payload"] for value in destination.values] == ['["a",1,2]', "null", "garbage", "garbage"]
    assert live_env.registry.get("L.variables.n").value == 1


def test_one_destination_is_opened_once_for_several_connectors(live_env, tmp_path):
    destination = Letters()
    path = tmp_path / "refused.jsonl"
    for place in (destination, destination, path, str(path), tmp_path / "x" / ".." / "refused.jsonl"):
        live_env.setup_ingress([Parted([("a", BAD)] * 10)], on_poison="dead_letter", dead_letters=place)
    live_env.run()
    live_env.teardown()
    assert len(destination.runs) == 1
    assert destination.seqs == list(range(1, 21))
    assert {letter["key"] for letter in destination.letters} == {"Parted", "Parted-2"}
    assert [letter["seq"] for letter in lines(path)] == list(range(1, 31))
    names = [one.name for one in live_env.report().dead_letters]
    assert names == ["dead_letters:Letters", "dead_letters:refused.jsonl"]


def test_numbers_of_letters_are_told_apart_from_the_models_and_from_those_of_other_runs(live_env):
    destination = Letters()
    run(live_env, Parted([("a", BAD)]), destination)
    assert destination.runs[0].name == f"twin/dead-letters/{live_env.run_id}"
    assert destination.runs[0].run_id == live_env.run_id


def test_what_becomes_of_each_message_is_published_all_the_same(live_env):
    egress = MemoryEgress()
    live_env.setup_egress([egress])
    run(live_env, Parted([("a", BAD), ("a", GOOD)]), Letters())
    assert [change["status"] for change in egress.system_values("system.changes")] == ["refused", "applied"]


def test_an_egress_of_the_model_takes_no_letters(env):
    egress = MemoryEgress()
    env.setup_egress([egress])
    with pytest.raises(ConfigError, match="this MemoryEgress takes the model's records. Give another object"):
        env.setup_ingress([MemoryIngress()], on_poison="dead_letter", dead_letters=egress)
    other = MemoryEgress()
    env.setup_ingress([MemoryIngress()], on_poison="dead_letter", dead_letters=other)
    with pytest.raises(ConfigError, match="MemoryEgress-2 takes dead letters already"):
        env.setup_egress([other])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"on_poison": "dead_letter"}, "on_poison is 'dead_letter', and dead_letters is missing. Give"),
        ({"dead_letters": "x.jsonl"}, "on_poison is 'skip', so that nothing would go to dead_letters"),
        ({"on_poison": "stop", "dead_letters": "x.jsonl"}, "on_poison is 'stop', so that nothing"),
        ({"on_poison": "dead_letter", "dead_letters": 5}, "dead_letters is 5. Give the path of a file, or an egress."),
        ({"on_poison": "dead_letter", "dead_letters": ""}, "dead_letters is ''."),
        ({"on_poison": "dead_letter", "dead_letters": "."}, "dead_letters is '.', which is a folder."),
        ({"on_poison": "dead_letters"}, "on_poison is 'dead_letters'. Give 'skip', 'dead_letter' or 'stop'."),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(env, options, text):
    with pytest.raises(ConfigError) as error:
        env.setup_ingress([MemoryIngress()], **options)
    assert text in str(error.value)
