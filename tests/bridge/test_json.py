"""Records as JSON, and what has no JSON form."""

import dataclasses
import enum
import json
import math
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath

import numpy as np
import pytest
from pydantic import BaseModel

from dynamic_des import BaseEgress, Batch, JsonDeserializer, JsonSerializer, MessageSerializer
from dynamic_des.errors import DecodeError, EncodeError


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Task(BaseModel):
    status: str = "done"
    value: float = 1.5


@dataclasses.dataclass
class Part:
    number: int = 1


FORMS = [
    (math.nan, "null"),
    (math.inf, "null"),
    (-math.inf, "null"),
    ([1.0, math.nan], "[1.0,null]"),
    (2**63, "9223372036854775808"),
    (2**64, "18446744073709551616"),
    (-(2**70), "-1180591620717411303424"),
    ({"a": [2**70, math.nan, "ü"]}, '{"a":[1180591620717411303424,null,"ü"]}'),
    (np.float64(0.5), "0.5"),
    (np.float32(0.5), "0.5"),
    (np.int64(7), "7"),
    (np.uint64(2**63), "9223372036854775808"),
    (np.bool_(True), "true"),
    (np.array([[1, 2], [3, 4]]), "[[1,2],[3,4]]"),
    (np.array([1.0, math.nan]), "[1.0,null]"),
    (np.arange(6).reshape(2, 3).T, "[[0,3],[1,4],[2,5]]"),
    (np.array(["a", "b"]), '["a","b"]'),
    (np.datetime64("2024-01-02T03:04:05"), '"2024-01-02T03:04:05"'),
    (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), '"2024-01-02T03:04:05+00:00"'),
    (date(2024, 1, 2), '"2024-01-02"'),
    (time(3, 4, 5), '"03:04:05"'),
    (Task(), '{"status":"done","value":1.5}'),
    (Part(), '{"number":1}'),
    (Colour.RED, '"red"'),
    (Level.HIGH, "3"),
    (Decimal("1.50"), '"1.50"'),
    (Fraction(1, 3), '"1/3"'),
    (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
    (PurePosixPath("a/b"), '"a/b"'),
    ({3, 1, 2}, "[1,2,3]"),
    (frozenset("ab"), '["a","b"]'),
    ((1, (2,)), "[1,[2]]"),
    (b"text", '"text"'),
    ({1: "a", 2.5: "b", None: "d"}, '{"1":"a","2.5":"b","null":"d"}'),
    ({True: "a", False: "b"}, '{"true":"a","false":"b"}'),
    ({np.int64(3): 1}, '{"3":1}'),
    ({Colour.RED: 1, 2**70: 2}, '{"red":1,"1180591620717411303424":2}'),
]


@pytest.mark.parametrize(("value", "expected"), FORMS, ids=lambda part: repr(part)[:40])
def test_every_value_has_its_form(value, expected):
    assert JsonSerializer().serialize("", value).decode() == expected


@pytest.mark.parametrize(("value", "expected"), FORMS, ids=lambda part: repr(part)[:40])
def test_it_has_the_same_form_beside_an_integer_of_more_than_64_bits(value, expected):
    big = JsonSerializer().serialize("", [value, 2**80]).decode()
    assert big == f"[{expected},{2**80}]"


@pytest.mark.parametrize("depth", [10, 250, 400])
def test_nested_values_are_written_whole(depth):
    value: object = 1
    for _ in range(depth):
        value = [value]
    assert JsonSerializer().serialize("", value) == b"[" * depth + b"1" + b"]" * depth


ENDLESS: list = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), "JSON: a object has no JSON form. Publish numbers, text, lists and dictionaries."),
        ({"a": [1j]}, "JSON: a complex has no JSON form."),
        ({(1, 2): 3}, "JSON: a tuple cannot be the key of a JSON object."),
        ("\ud800", "surrogates not allowed"),
        (b"\xff", "invalid start byte"),
        (ENDLESS, "recursion"),
    ],
    ids=lambda part: repr(part)[:30],
)
def test_what_has_no_form_is_an_error_that_names_it(value, text):
    with pytest.raises(EncodeError) as error:
        JsonSerializer().serialize("", value)
    assert text in str(error.value)
    assert error.value.__cause__ is not None


@pytest.mark.parametrize("payload", [b"", b"{", b"NaN", b"[1,]", b"\xff", b'"\\ud800"'])
def test_what_is_not_json_is_an_error_that_shows_it(payload):
    with pytest.raises(DecodeError, match=r"not JSON .*Send one JSON document"):
        JsonDeserializer().deserialize("", payload)


def records(*values):
    payloads = [{"seq": place + 1, "value": value} for place, value in enumerate(values)]
    return Batch(payloads, dict)


def test_a_batch_is_encoded_once_and_what_cannot_be_is_none():
    class Counting(JsonSerializer):
        calls = 0

        def serialize(self, topic, data):
            self.calls += 1
            return super().serialize(topic, data)

    batch, serializer = records(1, object(), 3), Counting()
    assert batch.encode(serializer) == [b'{"seq":1,"value":1}', None, b'{"seq":3,"value":3}']
    assert batch.encode(serializer)[1] is None
    assert serializer.calls == 3
    assert [seq for seq, _ in batch.refused] == [2]


LINES = [
    {"seq": 1, "value": 'a "},{\\"seq\\": b'},
    {"seq": 2, "value": {"x": [1, {"y": None}]}},
    {"seq": 3, "value": "null"},
]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_many_lines_at_once_are_what_each_is_alone(count):
    serializer = JsonSerializer()
    alone = b"".join(serializer.serialize("", record) + b"\n" for record in LINES[:count])
    assert serializer.serialize_lines(LINES[:count]) == alone


@pytest.mark.parametrize("value", [2**70, object(), "\ud800", math.nan, [{"seq": 1}, {"seq": 2}]], ids=repr)
def test_what_can_only_be_encoded_alone_is_left_to_that(value):
    assert JsonSerializer().serialize_lines([*LINES, {"seq": 4, "value": value}]) is None


def test_one_serializer_never_gets_the_bytes_of_another():
    class Fixed(MessageSerializer):
        def __init__(self, answer):
            self.answer = answer

        def serialize(self, topic, data):
            return self.answer

    batch = records(1)
    for number in range(100):  # each is gone before the next is made, which then may have the same id
        assert batch.encode(Fixed(b"%d" % number)) == [b"%d" % number]


def test_a_serializer_that_returns_no_bytes_has_not_encoded():
    class Text(MessageSerializer):
        def serialize(self, topic, data):
            return "text"

    batch = records(1)
    assert batch.encode(Text()) == [None]
    assert batch.refused == [(1, "EncodeError: Text: serialize returned 'text', not bytes.")]


def test_a_sink_gets_records_that_json_can_hold(env):
    class Lines(BaseEgress):
        lines = ()

        async def write(self, batch):
            self.lines = [*self.lines, *batch.encode(JsonSerializer())]

    egress = Lines()
    env.setup_egress([egress])
    env.publish_event("task", {"nan": math.nan, "big": 2**70, "array": np.arange(3), "task": Task()})
    env.run()
    (line,) = egress.lines
    assert json.loads(line)["value"] == {"nan": None, "big": 2**70, "array": [0, 1, 2], "task": Task().model_dump()}


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (1.5, 0),
        (None, 0),
        ("null", 0),
        (math.nan, 1),
        ([math.inf, None, -math.inf, 1], 2),
        ({"a": {"b": (math.nan, 2**70)}, "c": None}, 1),
        ({math.nan, 1.0}, 1),
        (np.float32("nan"), 1),
        (np.array([[1.0, math.nan], [math.inf, 2.0]]), 2),
        (np.arange(3), 0),
        (Task(value=math.nan), 1),
        (Part(math.inf), 1),
        ([Decimal("NaN"), Colour.RED, b"null", None], 0),
    ],
    ids=lambda part: repr(part)[:40],
)
def test_numbers_without_a_form_in_json_are_counted(value, count):
    batch = records(0, value, None)
    batch.encode(JsonSerializer())
    assert batch.nulled == ({2: count} if count else {})
    assert batch.refused == []


def test_a_serializer_that_is_not_derived_from_the_base_class_may_count_nothing():
    class Bare:
        def serialize(self, topic, data):
            return b"null"

    batch = records(math.nan)
    assert batch.encode(Bare()) == [b"null"]
    assert batch.nulled == {}
