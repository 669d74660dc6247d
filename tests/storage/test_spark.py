"""Spark reads a folder as one data set: with an interpreter that has pyspark (half a gigabyte, and Java)."""

import json
import os
import subprocess

import pytest
from tests.storage.test_files import mixed

from dynamic_des_storage import ParquetEgress

SCRIPT = """
import json, sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.read.option("mergeSchema", "true").parquet(sys.argv[1]).createOrReplaceTempView("lake")
rows = spark.sql(
    "SELECT stream_type, sim_id, count(DISTINCT seq), sum(part), sum(value) FROM lake GROUP BY 1, 2 ORDER BY 1, 2"
).collect()
print(json.dumps([list(row) for row in rows]))
"""


@pytest.mark.full
def test_spark_takes_a_folder_for_one_data_set(tmp_path):
    python = os.environ.get("SPARK_PYTHON")
    if not python:
        pytest.skip("not run: set SPARK_PYTHON to an interpreter that has pyspark")
    mixed(ParquetEgress(tmp_path, router=["stream_type", "date", "sim_id"], target_file_size=0))
    command = [python, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [
        ["event", "Line_0", 150, 22350.0, None],
        ["event", "Line_1", 150, 22500.0, None],
        ["telemetry", "Line_0", 150, None, 11175.0],
        ["telemetry", "Line_1", 150, None, 11250.0],
    ]
