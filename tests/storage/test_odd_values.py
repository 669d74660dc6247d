"""Names and values that nobody expects: each is written as it is, or set aside alone with the reason."""

import json
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import Enum
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel
from tests.storage.conftest import files, publish, values

from dynamic_des.errors import ConfigError
from dynamic_des_storage import ParquetEgress, read


class Colour(Enum):
    RED = "red"


class Empty(BaseModel):
    pass


class Node(BaseModel):
    part: int
    child: "Node | None" = None
    empty: Empty | None = None


def written(folder, given, *, batch_size=1, **options):
    """Publish values, a batch for each; return the report, and by seq what is in the folder."""
    report = publish(ParquetEgress(folder, **options), given, batch_size)
    table = read(folder)
    return report, dict(zip(table["seq"].to_pylist(), values(folder), strict=True))


@pytest.mark.parametrize("name", ["a.b", "a/b", "", " ", "ü x", "a\0b"])
@pytest.mark.parametrize("nested", [False, True], ids=["top", "nested"])
def test_a_field_keeps_its_name_whatever_is_in_it(tmp_path, name, nested):
    given = [{"b": 1, name: 2}, {"b": 3, f"{name}.new": 4}]
    report, found = written(tmp_path, [{"n": one} for one in given] if nested else given)
    assert report.set_aside == 0
    inner = [
        {key: item for key, item in (one["n"] if nested else one).items() if item is not None} for one in found.values()
    ]
    assert inner == given


def test_a_name_that_is_no_text_is_set_aside_alone(tmp_path):
    given = [{"a": 1}, {"a": 2, "\ud800": 1}, {"a": 3}, {"n": {"\ud800": 1}}, {"n": {"x": 1}}]
    report, found = written(tmp_path, given, batch_size=100)
    assert report.set_aside == 2
    assert list(found) == [1, 3, 5]


def test_names_within_a_value_that_are_no_text_become_text(tmp_path):
    _, found = written(tmp_path, [{"n": {"a": 1}}, {"n": {"a": 2, 7: 5}}])
    assert found[2] == {"n": {"a": 2.0, "7": 5.0}}


@pytest.mark.parametrize("policy", ["ignore", "refuse"])
@pytest.mark.parametrize("wrap", [lambda inner: inner, lambda inner: [inner], lambda inner: {"deep": inner}])
def test_a_field_within_a_value_that_was_always_none_is_not_new(tmp_path, policy, wrap):
    given = [{"n": wrap({"a": 1, "b": None})}, {"n": wrap({"a": 2, "b": "x"})}]
    report, found = written(tmp_path, given, new_fields=policy)
    assert report.set_aside == 0
    assert found[2] == {"n": wrap({"a": 2.0, "b": "x"})}


@pytest.mark.parametrize(
    "later",
    ["1e400", "1_000", Decimal("0.12345678901234567890123"), "0.12345678901234567890123", 10**400],
    ids=repr,
)
def test_a_number_that_no_double_says_is_set_aside(tmp_path, later):
    report, _ = written(tmp_path, [{"x": 1}, {"x": later}])
    assert (report.written, report.set_aside) == (1, 1)


@pytest.mark.parametrize(
    ("value", "kind", "stored"),
    [
        (Colour.RED, "string", "red"),
        (UUID(int=5), "string", str(UUID(int=5))),
        (np.datetime64("2026-01-01T00:00:00.000001", "ns"), "timestamp[us]", datetime(2026, 1, 1, 0, 0, 0, 1)),
        (np.timedelta64(1_500_000_000, "ns"), "double", 1.5),
        (time(1, 2), "string", "01:02:00"),
        (time(1, 2, tzinfo=UTC), "string", "01:02:00+00:00"),
        (np.array(["2026-01-01"], "datetime64[ns]"), "list<element: timestamp[us]>", [datetime(2026, 1, 1)]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("first", [True, False])
def test_a_value_of_a_library_is_what_it_says(tmp_path, value, kind, stored, first):
    given = [{"x": value}] if first else [{"x": value}, {"x": value}]
    _, found = written(tmp_path, given)
    assert str(read(tmp_path).schema.field("x").type) == kind
    assert [one["x"] for one in found.values()] == [stored] * len(given)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"d": inner}])
def test_what_is_nested_deeper_than_readers_go_is_json_in_there(tmp_path, wrap):
    deep = 1
    for _ in range(60):
        deep = wrap(deep)
    written(tmp_path, [{"x": deep}])
    (file,) = files(tmp_path, "*.parquet")
    found = pq.read_table(file)["x"].to_pylist()[0]
    while not isinstance(found, str):
        found, deep = (found["d"], deep["d"]) if isinstance(found, dict) else (found[0], deep[0])
    assert json.loads(found) == deep


REQUIRED = pa.schema(
    [
        pa.field("a", pa.int64(), nullable=False),
        pa.field("n", pa.struct([pa.field("b", pa.int64(), nullable=False)])),
        pa.field("s", pa.list_(pa.field("item", pa.int64(), nullable=False))),
    ]
)


def test_a_record_without_a_field_that_must_be_there_is_set_aside_alone(tmp_path):
    given = [{"a": 1}, {"b": 2}, {"a": None}, {"a": 4, "n": {}}, {"a": 5, "n": {"b": 1}}, {"a": 6, "s": [1, None]}, 7]
    report, found = written(tmp_path, given, schema=REQUIRED, batch_size=100)
    assert report.set_aside == 4
    assert found == {1: {"a": 1}, 5: {"a": 5, "n": {"b": 1}}, 7: {"value": 7.0}}


def test_a_model_within_itself_and_one_without_fields_are_json(tmp_path):
    node = {"part": 1, "child": {"part": 2, "child": None}, "empty": {"x": 1}}
    _, found = written(tmp_path, [node], schema=Node, new_fields="refuse")
    assert found[1] == node


@pytest.mark.parametrize(
    "options",
    [{"compression": "zst"}, {"schema": pa.schema([("a", pa.float16()), ("b", pa.month_day_nano_interval())])}],
)
def test_what_pyarrow_cannot_write_at_all_is_said_at_once(tmp_path, options):
    with pytest.raises(ConfigError, match=r"zst|interval"):
        ParquetEgress(tmp_path, **options)


def test_a_declared_time_in_seconds_takes_no_part_of_one(tmp_path):
    schema = pa.schema([("t", pa.timestamp("s"))])
    noon = datetime(2026, 1, 1, 12)
    report, found = written(tmp_path, [{"t": noon}, {"t": noon.replace(microsecond=5)}], schema=schema, batch_size=100)
    assert report.set_aside == 1
    assert found == {1: {"t": noon}}


def test_a_record_that_raises_what_nobody_foresaw_is_set_aside_alone(tmp_path, make, monkeypatch, caplog):
    parts = make._parts

    def surprised(egress, batch):
        if any(record["value"].get("poison") for record in batch):
            raise AttributeError("nobody foresaw this")
        return parts(egress, batch)

    monkeypatch.setattr(make, "_parts", surprised)
    report = publish(make(tmp_path), [{"n": 1}, {"n": 2}, {"poison": True}, {"n": 4}])
    assert (report.written, report.set_aside) == (3, 1)
    assert sorted(read(tmp_path)["seq"].to_pylist()) == [1, 2, 4]
    assert "seq 3: AttributeError: nobody foresaw this" in caplog.text


def test_names_within_a_value_that_differ_in_their_case_only_are_json_and_later_set_aside(tmp_path):
    given = [{"n": {"A": 1, "a": 2}, "m": {"A": 1}}, {"n": {"A": 3}}, {"m": {"a": 4}}, {"m": {"A": 5}}]
    report, found = written(tmp_path, given)
    assert report.set_aside == 1
    assert found == {1: {"n": {"A": 1, "a": 2}, "m": {"A": 1.0}}, 2: {"n": {"A": 3}}, 4: {"m": {"A": 5.0}}}
    (first, *_) = files(tmp_path, "*.parquet")
    assert pq.read_schema(first).field("n").type == pa.string()


@pytest.mark.parametrize("empty", [[], None, [{}], [None], [{"l": []}]], ids=repr)
def test_lists_of_structures_may_be_empty_later(tmp_path, empty):
    report, found = written(tmp_path, [{"x": [{"a": 1, "l": [{"b": 1}]}]}, {"x": empty}, {"n": {"x": empty}}])
    assert report.set_aside == 0
    assert found[1] == {"x": [{"a": 1.0, "l": [{"b": 1.0}]}]}
