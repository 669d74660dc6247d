"""Any value becomes JSON, and comes back as it was or says that it cannot."""

import json
from collections import namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from math import inf, nan
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dynamic_des.bridge.exact_json import NotRepeatableError, from_json, to_json


class Colour(Enum):
    RED = 1


class Size(StrEnum):
    LARGE = "large"


class Stubborn:
    def __repr__(self):
        raise RuntimeError("no text either")


def there_and_back(value):
    return from_json(json.loads(json.dumps(to_json(value), ensure_ascii=False).encode()))


def containing_itself():
    value = {}
    value["first"], value["second"] = value, [value]
    return value


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


AS_THEY_WERE = [
    None, True, 3, -0.0, inf, "text", "\ud800", "\ud83d\ude00 \U0001f600", 10**5000, -(10**700), b"\xff",
    bytearray(b"a"),
    1 + 2j, range(1, 10, 3), Decimal("1.50"), Decimal("sNaN"), Fraction(1, 3), UUID(int=5),
    timedelta(days=1, seconds=2),
    date(2026, 1, 2), time(1, 2, 3, 4), datetime(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC),
    datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("UTC"), fold=1),
    (1, (2, [3])), {1, 2}, frozenset({"a"}), [{"a": (1,)}], {1: "a", "b": 2}, {(1, 2): b"3"},
    {"$": "tuple", "of": [1]}, {},
    np.float64(2.5), np.float32(0.1), np.bool_(True), np.int64(5), np.datetime64("2026-01-02"),
    nested(60), {None: {b"": 1}},
]  # fmt: skip


@pytest.mark.parametrize("value", AS_THEY_WERE, ids=range(len(AS_THEY_WERE)))
def test_a_value_comes_back_equal_and_of_its_type(value):
    back = there_and_back(value)
    assert type(back) is type(value)
    if isinstance(value, Decimal) and value.is_snan():
        assert back.is_snan()
    else:
        assert back == value
    assert getattr(back, "tzinfo", None) == getattr(value, "tzinfo", None)
    assert getattr(back, "fold", 0) == getattr(value, "fold", 0)


def test_nan_and_arrays_come_back():
    assert there_and_back([nan])[0] != there_and_back(nan)
    for array in (np.arange(6.0).reshape(2, 3), np.array(["2026-01-01"], "M8[us]"), np.array([1 + 2j]), np.array(5)):
        back = there_and_back(array)
        assert type(back) is np.ndarray
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert (back == array).all()


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED,
        Size.LARGE,
        Stubborn(),
        object(),
        containing_itself(),
        nested(5000),
        namedtuple("Point", "x")(1),
        np.array([object()]),
        {"inside": [Colour.RED]},
    ],
    ids=["enum", "text enum", "stubborn", "object", "itself", "deep", "named tuple", "array of objects", "inside"],
)
def test_what_has_no_form_is_written_as_text_and_not_read_back_as_something_else(value):
    with pytest.raises(NotRepeatableError):
        there_and_back(value)


def test_a_copy_is_made():
    value = {"list": [1], "array": np.zeros(2)}
    form = to_json(value)
    value["list"].append(2)
    value["array"][0] = 1
    back = from_json(form)
    assert back["list"] == [1]
    assert back["array"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "form", [{"$": "nothing", "of": 1}, {"$": "tuple"}, {"$": "int", "of": []}, {"$": [], "of": 1}]
)
def test_what_is_no_form_is_refused(form):
    with pytest.raises(ValueError, match="is not the form of a value"):
        from_json(form)
