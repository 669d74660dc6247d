"""Every form of a change that is seen on the wire, and every malformed one."""

import math

import pytest

from dynamic_des import BaseIngress, MemoryEgress, MemoryIngress, Message
from dynamic_des.bridge.decoding import to_change
from dynamic_des.errors import DecodeError

ONE = [
    b'{"path_id": "L.variables.n", "value": 5}',
    b'{"path": "L.variables.n", "value": 5}',
    b'{"param_path": "L.variables.n", "param_value": 5}',
    '{"path": "L.variables.n", "param_value": 5}',
    bytearray(b'{"path": "L.variables.n", "value": 5}'),
    {"path": "L.variables.n", "value": 5},
    ("L.variables.n", 5),
    [("L.variables.n", 5)],
    b'[{"path": "L.variables.n", "value": 5}]',
    b'{"changes": [{"path": "L.variables.n", "value": 5}]}',
    b'{"path": "L.variables.n", "value": "5"}',
]


@pytest.mark.parametrize("payload", ONE, ids=repr)
def test_every_form_is_applied(live_env, payload):
    (change,) = changes_after(live_env, payload)
    assert change["status"] == "applied"
    assert live_env.registry.get("L.variables.n").value == 5


TWO = [
    b'[{"path": "L.variables.n", "value": 1}, {"path_id": "L.variables.m", "value": %s}]',
    b'{"changes": [{"path": "L.variables.n", "value": 1}, {"param_path": "L.variables.m", "param_value": %s}]}',
]


@pytest.mark.parametrize("form", TWO)
def test_a_list_is_one_atomic_change(live_env, form):
    first, second = changes_after(live_env, form % b'"no number"', form % b"2")
    assert first["status"] == "refused"
    assert first["updates"] == [["L.variables.n", 1], ["L.variables.m", "no number"]]
    assert "L.variables.m" in first["reason"]
    assert second["status"] == "applied"
    assert [live_env.registry.get(f"L.variables.{name}").value for name in "nm"] == [1, 2]


@pytest.mark.parametrize("form", TWO)
def test_nothing_of_a_refused_list_is_in_force(live_env, form):
    (change,) = changes_after(live_env, form % b"null")
    assert change["status"] == "refused"
    assert live_env.registry.get("L.variables.n").value == 0


@pytest.mark.parametrize(
    "payload",
    [
        b'{"path": "L.variables.n", "value": 5, "at": 3, "id": "op-7"}',
        b'[{"path": "L.variables.n", "value": 5}, {"path": "L.variables.m", "value": 5, "at": 3, "id": "op-7"}]',
        b'{"changes": [{"path": "L.variables.n", "value": 5}], "at": 3, "id": "op-7"}',
        b'{"changes": [{"path": "L.variables.n", "value": 5, "at": 3.0, "id": "op-7"}], "at": 3}',
    ],
)
def test_at_and_id_are_understood_wherever_they_stand(env, sink, payload):
    source = MemoryIngress()
    env.setup_ingress([source])
    source.send(payload)
    source.end()
    seen = []

    def model():
        value = yield env.registry.get("L.variables.n").wait_for_change()
        seen.append((env.now, value))

    env.run(until=env.process(model()))
    assert seen == [(3, 5)]
    (change,) = sink.system_values("system.changes")
    assert (change["id"], change["status"], change["sim_time"]) == ("op-7", "applied", 3)
    assert change["source"] == "MemoryIngress"


def test_a_whole_number_is_an_id_as_well():
    assert to_change({"path": "a", "value": 1, "id": 42}, Message(b""), "s").id == "42"


DEEP: list = []
for _ in range(5000):
    DEEP = [DEEP]


class Spiteful(dict):
    def __contains__(self, key):
        raise RuntimeError("no")


MALFORMED = {
    "a 3-tuple": (("a", 1, 2), "has 3 parts"),
    "text": ("no JSON", "not JSON"),
    "a lone surrogate": ("\ud800", "JsonDeserializer: UnicodeEncodeError"),
    "None": (None, "None is not a change"),
    "a number": (7, "7 is not a change"),
    "an object": (object(), "is not a change"),
    "a list as path": ({"path": ["a"], "value": 1}, "the path ['a'] is not text"),
    "a list as path on the wire": (b'{"path": ["L"], "value": 1}', "the path ['L'] is not text"),
    "a tuple with a number for a path": ((7, 1), "the path 7 is not text"),
    "an empty path": (b'{"path": "", "value": 1}', "the path '' is not text"),
    "no path": (b'{"pth": "a", "value": 1}', "names no path. Did you mean 'path'?"),
    "no value": (b'{"path": "a"}', "has no value"),
    "bytes that are not JSON": (b"\xff\xfe\x00", "not JSON"),
    "half a document": (b'{"path": "L.variables.n", "value": ', "not JSON"),
    "NaN, which is not JSON": (b'{"path": "L.variables.x", "value": NaN}', "not JSON"),
    "nothing": (b"", "not JSON"),
    "empty text": ("", "not JSON"),
    "an empty list": (b"[]", "[] is not a change"),
    "an empty dictionary": (b"{}", "names no path"),
    "no changes": (b'{"changes": []}', '"changes" is [], not a list of changes'),
    "changes of the wrong kind": (b'{"changes": 5}', '"changes" is 5'),
    "a list of text": (b'["L.variables.n", 5]', "'L.variables.n' is not a change"),
    "10 MB": (b'{"path": "L.variables.n", "value": "%s"}' % (b"x" * 10_000_000), "1048576 are allowed"),
    "deep nesting on the wire": (b"[" * 100_000 + b"]" * 100_000, "not JSON"),
    "deep nesting in Python": (DEEP, "is not a change"),
    "what raises when it is looked at": (Spiteful(), "RuntimeError: no"),
    "at NaN": ({"path": "a", "value": 1, "at": math.nan}, 'the time "at" nan'),
    "at infinity": ({"path": "a", "value": 1, "at": math.inf}, 'the time "at" inf'),
    "at true": (b'{"path": "a", "value": 1, "at": true}', 'the time "at" True'),
    "at text": (b'{"path": "a", "value": 1, "at": "3"}', "the time \"at\" '3'"),
    "at a number beyond floats": ({"path": "a", "value": 1, "at": 10**400}, 'the time "at" 1000'),
    "two times": (b'[{"path":"a","value":1,"at":1},{"path":"b","value":1,"at":2}]', 'several times "at": [1, 2]'),
    "an id that is a list": (b'{"path": "a", "value": 1, "id": []}', 'the "id" []'),
    "an unknown path": (b'{"path": "L.variables.nn", "value": 1}', "no such path. Did you mean 'L.variables.n'?"),
    "a value of the wrong type": (b'{"path": "L.variables.n", "value": true}', "is a flag, not a whole number"),
    "a value that is a deep nest": ({"path": "L.variables.n", "value": DEEP}, "is not a"),
}


@pytest.mark.parametrize(("payload", "reason"), MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_refused_reported_counted_acknowledged_and_the_rest_goes_on(live_env, payload, reason):
    source = MemoryIngress()
    refused, applied = changes_after(live_env, payload, ("L.variables.n", 9), source=source)
    assert refused["status"] == "refused"
    assert reason in refused["reason"]
    assert len(refused["reason"]) < 1000
    assert refused["source"] == "MemoryIngress"
    assert applied["status"] == "applied"
    assert live_env.registry.get("L.variables.n").value == 9
    assert (live_env._steering.changes_refused, live_env._steering.changes_applied) == (1, 1)
    live_env.teardown()
    assert source.settled == 2


def test_a_reason_names_the_ingress_and_the_place(live_env):
    class Topic(BaseIngress):
        async def messages(self):
            yield Message(b"garbage", {"t/0": 18}, {"topic": "t", "offset": 17, "headers": ["secret"]})

    egress = MemoryEgress()
    live_env.setup_egress([egress])
    live_env.setup_ingress({"control": Topic()})
    live_env.run()
    (change,) = egress.system_values("system.changes")
    assert change["reason"].startswith("control (topic t, offset 17): not JSON")
    assert change["source"] == "control"


def test_a_reason_is_found_quickly_among_many_unknown_keys(live_env):
    (change,) = changes_after(live_env, {f"key_{number}": number for number in range(200_000)})
    assert "names no path" in change["reason"]


def test_what_the_model_does_with_a_value_later_does_not_change_the_report(live_env):
    egress = MemoryEgress()
    live_env.setup_egress([egress], flush_interval=60)
    live_env.post("L.variables.table", {"a": 1})

    def model():
        yield live_env.timeout(0)
        live_env.registry.get("L.variables.table").value["a"] = 2

    live_env.process(model())
    live_env.run()
    assert egress.system_values("system.changes")[0]["updates"] == [["L.variables.table", {"a": 1}]]


def test_a_tuple_of_the_right_length_is_not_taken_for_a_list():
    with pytest.raises(DecodeError, match="has 1 parts"):
        to_change(("a",), Message(b""), "s")


def changes_after(env, *payloads, source=None):
    """Send what is given, wait until all of it is dealt with, and return the reports."""
    egress, source = MemoryEgress(), source or MemoryIngress()
    env.setup_egress([egress])
    env.setup_ingress([source])
    for payload in payloads:
        source.send(payload)
    source.end()
    env.run()
    return egress.system_values("system.changes")
