"""Spark reads a folder as one data set: with an interpreter that has pyspark (half a gigabyte, and Java)."""

import json
import os
import subprocess
from datetime import date, time

import pytest
from tests.storage.conftest import publish
from tests.storage.test_files import mixed

from dynamic_des_storage import ParquetEgress

SCRIPT = """
import json, sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.read.option("mergeSchema", "true").parquet(sys.argv[1]).createOrReplaceTempView("lake")
rows = spark.sql(sys.argv[2]).collect()
print(json.dumps([list(row) for row in rows]))
"""


@pytest.fixture
def spark():
    """Runs a script with an interpreter that has pyspark, and returns the JSON of its last line."""
    python = os.environ.get("SPARK_PYTHON")
    if not python:
        pytest.skip("not run: set SPARK_PYTHON to an interpreter that has pyspark")

    def run(folder, query):
        done = subprocess.run([python, "-c", SCRIPT, folder, query], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.full
def test_spark_takes_a_folder_for_one_data_set(tmp_path, spark):
    mixed(ParquetEgress(tmp_path, router=["stream_type", "date", "sim_id"], target_file_size=0))
    sums = "count(DISTINCT seq), sum(part), sum(value)"
    assert spark(tmp_path, f"SELECT stream_type, sim_id, {sums} FROM lake GROUP BY 1, 2 ORDER BY 1, 2") == [
        ["event", "Line_0", 150, 22350.0, None],
        ["event", "Line_1", 150, 22500.0, None],
        ["telemetry", "Line_0", 150, None, 11175.0],
        ["telemetry", "Line_1", 150, None, 11250.0],
    ]


@pytest.mark.full
def test_spark_reads_a_folder_whatever_its_fields_are_called_and_hold(tmp_path, spark):
    odd = {"Key": 1, "x.y": 2, "": 3, "a, b{}": 4, "at": time(1, 2), "day": date(2026, 1, 1), "n": {"A": 1, "a": 2}}
    publish(ParquetEgress(tmp_path, target_file_size=0), [odd, {**odd, "late": {"b": [1]}}], batch_size=1)
    query = "SELECT value_Key, `x.y`, at, CAST(day AS string), n, late.b[0] FROM lake ORDER BY seq"
    first = [1.0, 2.0, "01:02:00", "2026-01-01", '{"A":1,"a":2}']
    assert spark(tmp_path, query) == [[*first, None], [*first, 1.0]]
