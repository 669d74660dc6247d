"""What was written, back as one table: whatever the folders are called, and while files become others."""

import asyncio
import gzip
import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import duckdb
import pytest
from tests.storage.conftest import files, publish, rows, values

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des.errors import ConfigError
from dynamic_des.testing import make_batch, make_run
from dynamic_des_storage import JsonlEgress, ParquetEgress, read, reading


def by_line(record):
    return {"line": record["value"]["line"]}


def with_three_files(make, folder):
    """Return an egress that has written three times ten records."""
    egress = make(folder, router=())
    asyncio.run(egress.open(make_run("a")))
    for first in (1, 11, 21):
        egress.write(make_batch([{"n": number} for number in range(10)], first))
    return egress


def test_files_that_become_one_while_they_are_read_are_read_once(tmp_path, make, monkeypatch):
    egress = with_three_files(make, tmp_path)
    content, read_by_then = reading._content, []

    def merge_after_the_second(place, name):
        found = content(place, name)
        read_by_then.append(name)
        if len(read_by_then) == 2:
            asyncio.run(egress.close())
        return found

    monkeypatch.setattr(reading, "_content", merge_after_the_second)
    assert sorted(read(tmp_path)["seq"].to_pylist()) == list(range(1, 31))
    assert len(files(tmp_path)) == 1


def test_a_killed_merge_that_happens_while_files_are_read_doubles_nothing(tmp_path, make, monkeypatch):
    egress = with_three_files(make, tmp_path)
    content, begun = reading._content, []

    def merge_and_die(place, name):
        if not begun:
            begun.append(name)
            egress._place.remove = lambda name: None
            asyncio.run(egress.close())
        return content(place, name)

    monkeypatch.setattr(reading, "_content", merge_and_die)
    assert sorted(read(tmp_path)["seq"].to_pylist()) == list(range(1, 31))
    assert len(files(tmp_path, "records_*")) == 3


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["007", "7"], ["007", "7"]),
        (["1", "20260131120000"], [1, 20260131120000]),
        ([1, None], [1, None]),
        (["", None], [None, None]),
        (["1", "x"], ["1", "x"]),
        (["../a/b", "c=d e%25"], ["../a/b", "c=d e%25"]),
    ],
    ids=repr,
)
def test_a_partition_is_a_column_that_says_what_the_router_said(tmp_path, make, lines, found):
    publish(make(tmp_path, router=by_line), [{"line": line, "n": 1} for line in lines])
    assert read(tmp_path).sort_by("seq")["line"].to_pylist() == found
    assert {path.parent.parent for path in files(tmp_path)} == {tmp_path}


def test_names_of_the_twin_s_own_are_text_also_when_all_are_numbers(tmp_path, make):
    publish(make(tmp_path, router=["date", "sim_id"]), [{"sim_id": "7"}, {"sim_id": "8"}, {}])
    assert read(tmp_path).sort_by("seq")["sim_id"].to_pylist() == ["7", "8", None]


def test_a_field_that_is_called_like_a_router_s_partition_has_another_name(tmp_path, make):
    publish(make(tmp_path, router=by_line), [{"line": 1.5}, {"line": 2.5}], batch_size=1)
    table = read(tmp_path).sort_by("seq")
    assert (table["line"].to_pylist(), table["value_line"].to_pylist()) == (["1.5", "2.5"], [1.5, 2.5])
    if make is ParquetEgress:
        lake = f"read_parquet('{tmp_path}/**/*.parquet', hive_partitioning=true, union_by_name=true)"
        assert duckdb.sql(f"SELECT line, value_line FROM {lake} ORDER BY seq").fetchall() == [
            ("1.5", 1.5),
            ("2.5", 2.5),
        ]


@pytest.mark.parametrize(
    "answer", [{"line": "x" * 300}, {"line": "\ud800"}, {"seq": 1}, {"": 1}, {".dynamic-des": 1}, {"../x": 1}, None, 7]
)
def test_a_record_that_has_no_folder_is_set_aside_alone(tmp_path, make, answer):
    report = publish(
        make(tmp_path, router=lambda record: answer if record["seq"] == 2 else {"line": 1}), [{"n": 1}] * 3
    )
    assert (report.written, report.set_aside) == (2, 1)
    assert read(tmp_path)["seq"].to_pylist() == [1, 3]


def test_a_partition_that_is_there_twice_is_an_error(tmp_path, make):
    with pytest.raises(ConfigError, match=r"\['date', 'date'\] has one partition twice"):
        make(tmp_path, router=["date", "date"])


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "later", "found"),
    [
        (1, 2.5, [1.0, 2.5]),
        (1, "on", ["1.0", '"on"']),
        ([], [1], ["[]", "[1]"]),
        ("a", [1, "b"], ["a", '[1,"b"]']),
        (2**60, 1.5, [str(2**60), "1.5"]),
        ({"a": 1}, 5, ['{"a":1.0}', "5.0"]),
        ({"a": b"\xff"}, 5, ["\"{'a': b'\\\\xff'}\"", "5.0"]),
        ({"a": 1}, {"b": 1}, [{"a": 1.0, "b": None}, {"a": None, "b": 1.0}]),
        (date(2026, 1, 1), NOON, ['"2026-01-01"', '"2026-01-01T12:00:00+00:00"']),
        (NOON, NOON.astimezone(ZoneInfo("Europe/Berlin")), [NOON, NOON]),
        (None, 5, [None, 5.0]),
    ],
    ids=repr,
)
def test_what_two_runs_wrote_differently_comes_back_in_one_column(tmp_path, before, later, found):
    for number, value in enumerate([before, later]):
        publish(ParquetEgress(tmp_path), [{"x": value, "run": number}])
    assert read(tmp_path).sort_by("run")["x"].to_pylist() == found


@pytest.mark.parametrize(("text", "found"), [("on", ['"on"', "1.0"]), ([1, "b"], ["1.0", '[1,"b"]'])])
def test_parquet_and_lines_in_one_folder_come_back_in_one_table(tmp_path, text, found):
    publish(ParquetEgress(tmp_path), [{"x": 1}])
    publish(JsonlEgress(tmp_path), [{"x": text}])
    assert sorted(read(tmp_path)["x"].to_pylist()) == found


def test_integers_of_any_length_come_back_from_lines(tmp_path):
    publish(JsonlEgress(tmp_path), [{"x": 2**70, "y": 2**63}])
    assert values(tmp_path) == [{"x": 2**70, "y": 2**63}]


def test_one_file_alone_can_be_read(tmp_path, make):
    publish(make(tmp_path), [{"x": 1}])
    (file,) = files(tmp_path)
    assert rows(file)[0]["value"] == {"x": 1.0}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"seq": 1}\n{"seq": \n', r"a\.jsonl, line 2: not JSON"),
        ("a.jsonl", b"[1]\n", r"a\.jsonl, line 1: \[1\] is no record"),
        ("a.parquet", b"PAR1 PAR1", r"a\.parquet: no complete Parquet file"),
        ("a.jsonl.gz", gzip.compress(b'{"seq": 1}\n' * 99)[:-20], r"a\.jsonl\.gz: .*[Tt]runcated"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read(tmp_path)


def test_the_framework_s_own_records_come_back_alike_from_both_formats(tmp_path, make):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("L", variables={"n": 0}))
        env.setup_egress([make(tmp_path, system=True, router=["stream_type"])])
        env.publish_event("part", {"status": "turned"})
        env.post("L.variables.n", 3)
        env.run(1)
    table = read(tmp_path).sort_by("stream_type")
    assert table["stream_type"].to_pylist() == ["event", "system"]
    assert (table["sys_seq"].to_pylist(), table["status"].to_pylist()) == ([None, 1], ["turned", None])
    assert json.loads(table["detail"][1].as_py())["status"] == "applied"
    assert "source" not in table.column_names


def test_fields_that_differ_in_their_case_only_are_columns_for_readers_that_mind_no_case(tmp_path):
    publish(ParquetEgress(tmp_path, router=lambda _: {"Line": "x"}), [{"Key": 1, "n": 2, "N": 3, "line": 4}])
    lake = f"read_parquet('{tmp_path}/**/*.parquet', hive_partitioning=true, union_by_name=true)"
    columns = 'key, "value_Key", n, "value_N", "Line", value_line'
    assert duckdb.sql(f"SELECT {columns} FROM {lake}").fetchall() == [("part-0", 1.0, 2.0, 3.0, "x", 4.0)]
    assert len(set(map(str.lower, read(tmp_path).column_names))) == len(read(tmp_path).column_names)
