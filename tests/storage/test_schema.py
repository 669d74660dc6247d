"""What the columns hold: inferred, declared, and when something else comes later."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pydantic import BaseModel
from tests.storage.conftest import publish, values

from dynamic_des.errors import ConfigError
from dynamic_des_storage import ParquetEgress, read

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 7, 1, 12, tzinfo=BERLIN)


def kinds(path):
    return {field.name: str(field.type) for field in read(path).schema}


def aside(caplog):
    return [line.partition("set aside; ")[2] for line in caplog.messages if "set aside" in line]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ([1, 2.5], "double"),
        ([1, 2], "double"),
        ([2**53 + 1, 7], "int64"),
        ([2**70, 1], "string"),
        ([2**60 + 1, 0.5], "string"),
        ([True, False], "bool"),
        (["a", ""], "string"),
        (["a", 1, None, [2]], "string"),
        ([b"\xff", b""], "binary"),
        ([NOON, NOON], "timestamp[us, tz=Europe/Berlin]"),
        ([NOON.replace(tzinfo=None)] * 2, "timestamp[us]"),
        ([NOON, NOON.astimezone(UTC)], "timestamp[us, tz=UTC]"),
        ([date(2026, 1, 1)] * 2, "date32[day]"),
        ([{"a": [1, 2], "b": {"c": "x"}}] * 2, "struct<a: list<element: double>, b: struct<c: string>>"),
        ([[], [1.5]], "list<element: double>"),
        ([[], []], "string"),
        ([{}, {}], "string"),
    ],
    ids=repr,
)
def test_the_first_batch_says_what_a_field_holds_and_nothing_of_it_is_lost(tmp_path, given, kind):
    assert publish(ParquetEgress(tmp_path), [{"x": one} for one in given]).written == len(given)
    assert kinds(tmp_path)["x"] == kind
    assert values(tmp_path) == [{} if one is None and kind != "string" else {"x": one} for one in given]


def test_a_number_that_is_none_stays_a_number(tmp_path):
    publish(ParquetEgress(tmp_path), [{"x": math.nan}, {"x": None}, {"y": 1}])
    column = read(tmp_path)["x"].to_pylist()
    assert math.isnan(column[0])
    assert column[1:] == [None, None]


@pytest.mark.parametrize(
    ("first", "later", "stored"),
    [
        (1.5, 7, 7.0),
        (1.5, "2.25", 2.25),
        (1.5, Decimal("0.5"), 0.5),
        (1.5, timedelta(minutes=1), 60.0),
        (2**53 + 1, 4.0, 4),
        ("a", 5, "5"),
        ("a", [1], "[1]"),
        (NOON, "2026-07-01T10:00:00+00:00", NOON),
        (date(2026, 1, 1), "2026-01-02", date(2026, 1, 2)),
        ([1.0], (2, 3), [2.0, 3.0]),
        ({"a": 1.0}, {"a": 3}, {"a": 3.0}),
    ],
    ids=repr,
)
def test_what_comes_later_is_cast_to_what_came_first(tmp_path, first, later, stored):
    assert publish(ParquetEgress(tmp_path), [{"x": first}, {"x": later}], batch_size=1).set_aside == 0
    assert values(tmp_path)[1] == {"x": stored}


@pytest.mark.parametrize(
    ("first", "later", "reason"),
    [
        (1.5, "on", "x: 'on' is no double"),
        (1.5, True, "x: True is no double"),
        (1.5, 2**53 + 1, "x: 9007199254740993 is no double"),
        (2**53 + 1, 2.5, "x: 2.5 is no int64"),
        (2**53 + 1, 2**70, "x: 1180591620717411303424 is no int64"),
        (True, 1, "x: 1 is no bool"),
        ("a", "\ud800", "x: '\\ud800' is no string ('utf-8' codec can't encode"),
        (NOON, datetime(2026, 1, 1), "x: datetime.datetime(2026, 1, 1, 0, 0) is no timestamp"),
        ([1.5], {"a": 1}, "x: {'a': 1} is not a list"),
        ([1.5], [1, "b"], "x.item: 'b' is no double"),
        ({"a": {"b": 1}}, {"a": {"b": "c"}}, "x.a.b: 'c' is no double"),
        ({"a": 1}, 5, "x: 5 is not a dictionary"),
        ("a", object(), "has no JSON form"),
    ],
    ids=repr,
)
def test_what_cannot_be_cast_is_set_aside_with_the_reason_and_alone(tmp_path, caplog, first, later, reason):
    given = [{"x": first}, {"x": first}, {"x": later}, {"x": first}]
    report = publish(ParquetEgress(tmp_path), given, batch_size=2)
    assert (report.written, report.set_aside) == (3, 1)
    assert read(tmp_path)["seq"].to_pylist() == [1, 2, 4]
    assert reason in aside(caplog)[0]


DRIFT = [{"a": 1, "n": {"x": 1}}, {"a": 2, "b": "new", "n": {"x": 2, "y": 3}}, {"a": 3, "n": {"x": 4}}]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("evolve", DRIFT),
        ("ignore", [{"a": 1, "n": {"x": 1}}, {"a": 2, "n": {"x": 2}}, {"a": 3, "n": {"x": 4}}]),
        ("refuse", [DRIFT[0], DRIFT[2]]),
    ],
)
def test_new_fields_follow_the_policy(tmp_path, caplog, policy, expected):
    publish(ParquetEgress(tmp_path, new_fields=policy), DRIFT, batch_size=1)
    found = values(tmp_path)
    for value in found:
        value["n"] = {name: item for name, item in value["n"].items() if item is not None}
    assert found == expected
    if policy == "ignore":
        assert "the field 'b' is new and left out" in caplog.text
        assert "the field 'n.y' is new and left out" in caplog.text
    if policy == "refuse":
        assert "b: is a new field. Declare it" in aside(caplog)[0]


def test_a_field_that_was_always_none_is_not_new(tmp_path):
    publish(ParquetEgress(tmp_path, new_fields="refuse"), [{"a": None}, {"a": 5}], batch_size=1)
    assert values(tmp_path) == [{}, {"a": 5.0}]


class Task(BaseModel):
    part: int
    status: str | None = None
    at: datetime
    tags: list[str] = []


DECLARED = pa.schema([("part", pa.int32()), ("status", pa.string())])


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (DECLARED, {"part": "int32", "status": "string"}),
        (Task, {"part": "int64", "status": "string", "at": "timestamp[us, tz=UTC]", "tags": "list<element: string>"}),
        ({"part": "int64", "status": "json"}, {"part": "int64", "status": "string"}),
    ],
    ids=["Arrow", "pydantic", "table"],
)
def test_a_declared_schema_holds_from_the_first_record_on(tmp_path, schema, expected):
    publish(ParquetEgress(tmp_path, schema=schema), [{"part": 7}, {"part": 2.5}, {"part": "8"}])
    assert {name: kind for name, kind in kinds(tmp_path).items() if name in expected} == expected
    assert read(tmp_path)["part"].to_pylist() == [7, 8]


@pytest.mark.parametrize("schema", [{"a": "int65"}, 5, {"a": None}])
def test_a_schema_that_is_none_is_an_error_that_says_what_to_give(tmp_path, schema):
    with pytest.raises(ConfigError, match=r"schema: .*Give"):
        ParquetEgress(tmp_path, schema=schema)


def test_a_field_that_is_called_like_a_column_has_another_name(tmp_path):
    publish(ParquetEgress(tmp_path), [{"key": "k", "seq": 9, "stream_type": "x"}])
    row = read(tmp_path).to_pylist()[0]
    assert (row["key"], row["value_key"], row["seq"], row["value_seq"]) == ("part-0", "k", 1, 9.0)
    assert (row["stream_type"], row["value_stream_type"]) == ("event", "x")
