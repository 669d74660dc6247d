"""A folder of several runs stays one data set."""

import duckdb
import pandas
import polars
import pyarrow.parquet as pq
import pytest
from tests.storage.conftest import files, publish, values

from dynamic_des_storage import ParquetEgress, read

FIRST = {"tags": ["a"], "n": 1, "s": {"a": 1, "l": [{"x": 1}]}, "seq": 5, "u": None, "j": []}
LATER = {"j": [1], "tags": [], "seq": "8", "n": "7", "s": {"a": None, "l": []}, "u": "new"}


def test_a_later_run_writes_what_the_files_of_earlier_ones_hold(tmp_path):
    for value in (FIRST, {key: item for key, item in LATER.items() if key != "u"}):
        assert publish(ParquetEgress(tmp_path, target_file_size=0), [value]).set_aside == 0
    kinds = [{field.name: field.type for field in pq.read_schema(file)} for file in files(tmp_path)]
    assert kinds[0] == kinds[1]
    lake = f"{tmp_path}/**/*.parquet"
    assert sorted(polars.read_parquet(lake)["n"].to_list()) == [1.0, 7.0]
    assert sorted(pandas.read_parquet(tmp_path)["n"].tolist()) == [1.0, 7.0]
    assert duckdb.sql(f"SELECT sum(n), sum(value_seq), max(j) FROM read_parquet('{lake}')").fetchall() == [
        (8, 13, "[]")
    ]


def test_what_a_later_run_has_besides_is_new_and_what_it_has_not_is_left_out(tmp_path):
    publish(ParquetEgress(tmp_path), [{"a": 1, "n": {"x": 1}}])
    publish(ParquetEgress(tmp_path, new_fields="refuse"), [{"b": 2, "n": {"y": 2}}, {"b": 3, "c": 4}], batch_size=1)
    names = [{name for name in pq.read_schema(file).names if name in "abcn"} for file in files(tmp_path)]
    assert sorted(map(sorted, names)) == [["a", "n"], ["b", "n"]]
    assert {"b": 2.0, "n": {"x": None, "y": 2.0}} in values(tmp_path)


@pytest.mark.parametrize("later", ["on", True, [1], {"a": 1}, 2**60 + 1], ids=repr)
def test_what_does_not_fit_is_written_as_it_is_and_said(tmp_path, caplog, later):
    publish(ParquetEgress(tmp_path), [{"x": 1.5}])
    assert publish(ParquetEgress(tmp_path), [{"x": later}]).set_aside == 0
    assert "the field 'x' is double in files of an earlier run, and now" in caplog.text
    assert read(tmp_path).num_rows == 2


def test_a_declared_schema_comes_before_what_files_hold(tmp_path):
    publish(ParquetEgress(tmp_path), [{"x": 1.5}])
    publish(ParquetEgress(tmp_path, schema={"x": "string"}), [{"x": "2"}])
    assert {str(pq.read_schema(file).field("x").type) for file in files(tmp_path)} == {"double", "string"}


def test_a_file_that_is_damaged_says_nothing(tmp_path):
    publish(ParquetEgress(tmp_path), [{"x": 1.5}])
    for name in ("records_x_1-2_y.parquet", "other.parquet"):
        (tmp_path / "stream_type=event" / name).write_bytes(b"PAR1")
    assert publish(ParquetEgress(tmp_path), [{"x": "2"}]).set_aside == 0
