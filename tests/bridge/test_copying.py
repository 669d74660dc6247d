"""What the model changes after publishing does not change what was published."""

import enum
import types
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from tests.bridge import faults
from tests.bridge.conftest import make_environment

from dynamic_des import DynamicRealtimeEnvironment, JsonSerializer, MemoryEgress
from dynamic_des.sim.records import freeze


class Model(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str = "a"
    items: list[Any] = []
    anything: Any = None
    array: np.ndarray | None = None


@dataclass
class Data:
    name: str = "a"
    items: list[Any] = field(default_factory=list)


class Colour(enum.Enum):
    RED = "red"


class Thing:
    """A foreign object."""

    def __init__(self, inside):
        self.inside = inside

    def __eq__(self, other):
        return isinstance(other, Thing) and self.inside == other.inside

    __hash__ = None


Point = namedtuple("Point", "x y")

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.decimals(allow_nan=False),
    st.datetimes(timezones=st.just(UTC)),
    st.just(Colour.RED),
    st.sampled_from([np.float64(1.5), np.int64(7), np.bool_(True), np.float32(0.5)]),
    st.sets(st.integers(), max_size=3),
    st.lists(st.integers(0, 9), max_size=3).map(np.array),
    st.binary(max_size=5).map(bytearray),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(OrderedDict),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(types.MappingProxyType),
        st.tuples(inner, inner),
        st.tuples(inner, inner).map(lambda pair: Point(*pair)),
        st.builds(Data, items=st.lists(inner, max_size=2)),
        st.builds(Model, items=st.lists(inner, max_size=2), anything=inner),
        st.lists(st.integers(), max_size=2).map(Thing),
    ),
    max_leaves=12,
)


def spoil(value):
    """Change everything in ``value`` that can be changed."""
    if isinstance(value, np.ndarray):
        value[...] = -1
    elif isinstance(value, types.MappingProxyType):
        for item in value.values():
            spoil(item)
    elif isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["spoilt"] = True
    elif isinstance(value, (list, bytearray)):
        for item in list(value):
            spoil(item)
        value.append(7)
    elif isinstance(value, set):
        value.add("spoilt")
    elif isinstance(value, tuple):
        for item in value:
            spoil(item)
    elif isinstance(value, (Data, Model)):
        spoil(value.items)
        spoil(getattr(value, "anything", None))
        value.name = "spoilt"
    elif isinstance(value, Thing):
        spoil(value.inside)


def look(value):
    """Return a text that shows everything in ``value``."""
    if isinstance(value, dict):
        return f"dict[{', '.join(f'{key!r}: {look(item)}' for key, item in value.items())}]"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}[{', '.join(look(item) for item in value)}]"
    if isinstance(value, (set, frozenset)):
        return f"set{sorted(map(repr, value))}"
    return f"Thing({look(value.inside)})" if isinstance(value, Thing) else repr(value)


@settings(max_examples=300, deadline=None)
@given(value=VALUES)
def test_nothing_that_is_done_to_a_value_later_reaches_the_copy(value):
    frozen = freeze(value)
    before = look(frozen)
    spoil(value)
    assert look(frozen) == before


@settings(max_examples=50, deadline=None)
@given(value=st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
def test_the_same_holds_from_publication_to_the_sink(value):
    egress = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress])
        env.publish_event("task", value)
        env.publish_telemetry("metric", value)
        expected = look(freeze(value))
        spoil(value)
    assert [look(record["value"]) for record in egress.records] == [expected, expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, {"b": (2, [3])}]}, {"a": [1, {"b": (2, [3])}]}),
        (Model(items=[1, [2]]), {"name": "a", "items": [1, [2]], "anything": None, "array": None}),
        (Data(items=[Data()]), {"name": "a", "items": [{"name": "a", "items": []}]}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (UserDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": [1]}), {"a": [1]}),
        (Point(1, [2]), [1, [2]]),
        ({1, 2}, frozenset({1, 2})),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (deque([1, 2]), deque([1, 2])),
        (Colour.RED, Colour.RED),
        (Decimal("1.5"), Decimal("1.5")),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
        (np.float64(1.5), 1.5),
    ],
    ids=repr,
)
def test_what_a_value_becomes(value, expected):
    assert freeze(value) == expected
    assert type(freeze(value)) is type(expected) or isinstance(value, np.generic)


def test_the_array_in_a_pydantic_model_is_copied_too():
    model = Model(array=np.zeros(2), anything=Thing([1]))
    frozen = freeze(model)
    model.array[0] = 1
    model.anything.inside.append(2)
    assert frozen["array"].tolist() == [0, 0]
    assert frozen["anything"].inside == [1]


def test_a_set_of_objects_becomes_a_list_in_a_fixed_order():
    @dataclass(frozen=True)
    class Part:
        number: int

    assert freeze({Part(2), Part(1)}) == [{"number": 1}, {"number": 2}]


def test_an_event_of_the_model_is_not_copied_with_its_whole_environment():
    event = simpy.Environment().event()
    assert freeze({"event": event})["event"] is event


def test_what_cannot_be_copied_is_published_as_it_is():
    generator = (number for number in range(3))
    assert freeze(generator) is generator


@settings(max_examples=200, deadline=None)
@given(value=VALUES)
def test_a_copy_has_a_json_form_exactly_when_the_value_has_one(value):
    def dump(given):
        try:
            return JsonSerializer().serialize("", given)
        except Exception as error:
            return type(error)

    frozen = dump(freeze(value))
    assert isinstance(frozen, bytes) or frozen.__name__ == "EncodeError"


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def containing_itself():
    value = {"a": 1}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    "value", [nested(5000), {"deep": nested(5000)}, containing_itself()], ids=["list", "in", "self"]
)
def test_a_value_that_nothing_can_copy_is_set_aside_alone(value):
    sink = faults.Encoding()
    with make_environment(factor=0) as env:
        env.setup_egress([sink])
        env.publish_event("a", value)
        env.publish_telemetry("b", value)
        env.publish_event("c", 1)
    report = env.report().sinks[0]
    assert (report.written, report.set_aside, sink.seqs) == (1, 2, [3])


class RaisesWhenLookedAt:
    def __getattr__(self, name):
        raise RuntimeError("no attributes")


class RaisesWhenDumped:
    def model_dump(self):
        raise RuntimeError("no dump")


class RaisesWhenRead(dict):
    def items(self):
        raise RuntimeError("no items")


@pytest.mark.parametrize("value", [RaisesWhenLookedAt(), RaisesWhenDumped(), RaisesWhenRead(a=1)], ids=repr)
def test_a_value_that_raises_is_set_aside_alone_too(value):
    sink = faults.Encoding()
    with make_environment(factor=0) as env:
        env.setup_egress([sink])
        env.publish_event("a", {"in": value})
        env.publish_event("c", 1)
    report = env.report().sinks[0]
    assert (report.written, report.set_aside, sink.seqs) == (1, 1, [2])
