"""Which files there are, and who can read them."""

import asyncio
import gc
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import duckdb
import pandas
import polars
import pytest
from tests.storage.conftest import files, publish, rows, values

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des.errors import ConfigError
from dynamic_des.testing import make_batch, make_run
from dynamic_des_storage import JsonlEgress, ParquetEgress, read, to_pandas, to_polars

VALUES = [{"n": float(number), "text": "x" * (number % 7)} for number in range(600)]


def mixed(egress, batch_size=100):
    with DynamicRealtimeEnvironment(factor=0, name="twin") as env:
        env.setup_egress([egress], batch_size=batch_size)
        for number in range(300):
            env.publish_event("p", {"part": number, "path_id": f"Line_{number % 2}.mill"})
            env.publish_telemetry(f"Line_{number % 2}.lathe.load", number / 2)
        env.run(1)


def test_small_batches_become_one_file(tmp_path, make):
    publish(make(tmp_path, router=()), VALUES, batch_size=7)
    assert len(files(tmp_path)) == 1
    assert values(tmp_path) == VALUES


def test_a_file_is_full_at_its_target_size(tmp_path, make):
    publish(make(tmp_path, router=(), target_file_size=10_000), VALUES, batch_size=20)
    found = files(tmp_path)
    assert 2 <= len(found) <= 15
    assert values(tmp_path) == VALUES


def test_without_a_target_every_batch_is_a_file(tmp_path, make):
    publish(make(tmp_path, router=(), target_file_size=0), VALUES, batch_size=50)
    assert len(files(tmp_path)) == 12


def test_a_file_is_full_after_its_time(tmp_path, make, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("dynamic_des_storage.segments.monotonic", lambda: now[0])
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([make(tmp_path, router=(), rotate_after_s=60)], batch_size=1)
        for _ in range(9):
            now[0] += 25
            env.publish_event("p", {"n": 1})
            env.run(env.now + 1)
    assert len(files(tmp_path)) == 3
    assert len(rows(tmp_path)) == 9


def test_a_file_is_full_after_its_time_when_its_folder_gets_nothing_more(tmp_path, make, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("dynamic_des_storage.segments.monotonic", lambda: now[0])
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([make(tmp_path, router=["sim_id"], rotate_after_s=60)], batch_size=1)
        for line in ("A", "A", "B", "B"):
            now[0] += 25
            env.publish_event("p", {"sim_id": line})
            env.run(env.now + 1)
        assert len(files(tmp_path / "sim_id=A")) == 1


@pytest.mark.parametrize(("compression", "ending"), [("none", ".jsonl"), ("gzip", ".jsonl.gz"), ("zstd", ".jsonl.zst")])
def test_json_lines_of_several_batches_are_one_compressed_file_for_everybody(tmp_path, compression, ending):
    publish(JsonlEgress(tmp_path, compression=compression), VALUES, batch_size=50)
    (path,) = files(tmp_path)
    assert path.name.endswith(ending)
    assert duckdb.sql(f"SELECT count(*), sum(value.n) FROM read_json('{path}')").fetchall() == [(600, 179700.0)]
    assert len(polars.read_ndjson(path)) == 600
    if compression != "zstd":  # for which pandas needs a package more
        assert len(pandas.read_json(path, lines=True)) == 600
    assert values(tmp_path) == VALUES


def test_all_readers_take_a_folder_for_one_data_set(tmp_path):
    mixed(ParquetEgress(tmp_path, router=["stream_type", "date", "sim_id"], target_file_size=0))
    with DynamicRealtimeEnvironment(factor=0) as env:
        day = env.start_datetime.strftime("%Y-%m-%d")
    assert {str(path.parent.relative_to(tmp_path)) for path in files(tmp_path)} == {
        f"stream_type={kind}/date={day}/sim_id=Line_{line}" for kind in ("event", "telemetry") for line in (0, 1)
    }
    count = "count(*) FILTER (stream_type = 'event'), sum(part), sum(value)"
    query = f"SELECT {count} FROM read_parquet('{tmp_path}/**/*.parquet', hive_partitioning=true, union_by_name=true)"
    assert duckdb.sql(query).fetchall() == [(300, 44850.0, 22425.0)]
    (tmp_path / ".dynamic-des").mkdir()
    (tmp_path / ".dynamic-des" / "left-by-a-killed-process.tmp").write_bytes(b"PAR1")
    found = polars.read_parquet(tmp_path / "**/*.parquet", hive_partitioning=True, missing_columns="insert")
    assert found["value"].sum() == 22425.0
    assert len(pandas.read_parquet(tmp_path)) == 600
    assert to_pandas(tmp_path)["part"].sum() == 44850.0
    assert to_polars(tmp_path)["sim_id"].unique().sort().to_list() == ["Line_0", "Line_1"]
    assert sorted(read(tmp_path)["seq"].to_pylist()) == list(range(1, 601))


@pytest.mark.parametrize("time", [7200, Fraction(7200)], ids=["by columns", "record by record"])
def test_the_day_of_a_partition_is_that_of_the_time_stamp_in_its_zone(tmp_path, make, time):
    start = datetime(2026, 6, 30, 23, tzinfo=timezone(timedelta(hours=2)))  # 21:00 in UTC
    with DynamicRealtimeEnvironment(factor=0, logical_start_time=start) as env:
        env.setup_egress([make(tmp_path, router=["date"])])
        env.publish_event("late", {"n": 1})
        env.run(time)
        env.publish_event("early", {"n": 2})
    assert {path.parent.name for path in files(tmp_path)} == {"date=2026-06-30", "date=2026-07-01"}
    assert [row["timestamp"] for row in rows(tmp_path)] == [start, start + timedelta(hours=2)]


def test_a_reader_that_is_not_installed_is_named_with_what_installs_it(tmp_path, make, monkeypatch):
    publish(make(tmp_path), VALUES[:1])
    for name, function in (("pandas", to_pandas), ("polars", to_polars)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ImportError, match=rf"{name} is not installed: pip install 'dynamic-des-storage\[{name}\]'"):
            function(tmp_path)


def test_a_function_may_be_the_router_and_what_it_fails_for_is_set_aside(tmp_path, make, caplog):
    def router(record):
        return {"shift": "early/late" if record["value"]["n"] < 2 else None, "n": 1 / (3 - record["value"]["n"])}

    report = publish(make(tmp_path, router=router), [{"n": number} for number in range(4)])
    assert (report.written, report.set_aside) == (3, 1)
    assert "router: ZeroDivisionError" in caplog.text
    assert {path.parent.parent.name for path in files(tmp_path)} == {
        "shift=early%2Flate",
        "shift=__HIVE_DEFAULT_PARTITION__",
    }


def test_a_partition_that_is_not_known_is_an_error_with_the_nearest_name(tmp_path, make):
    with pytest.raises(ConfigError, match=r"no partition 'stream_typ'\. Did you mean 'stream_type'\?"):
        make(tmp_path, router=["stream_typ"])


def test_two_runs_are_beside_each_other(tmp_path, make):
    publish(make(tmp_path), VALUES[:5])
    publish(make(tmp_path), VALUES[:5])
    assert len(rows(tmp_path)) == 10


def test_a_merge_that_was_interrupted_doubles_nothing_and_is_completed_by_the_next_run(tmp_path, monkeypatch):
    from dynamic_des_storage import merging

    with monkeypatch.context() as killed:
        killed.setattr(merging, "_remove_obsolete", lambda *_: None)
        publish(ParquetEgress(tmp_path, router=()), VALUES, batch_size=100)
    assert len(files(tmp_path, "*.parquet")) == 6
    assert values(tmp_path) == VALUES
    publish(ParquetEgress(tmp_path, router=()), [{"n": -1.0}])
    assert len(files(tmp_path, "*.parquet")) == 2
    assert not (tmp_path / ".dynamic-des").exists()


def test_numbers_that_json_does_not_have_are_counted(tmp_path):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([JsonlEgress(tmp_path)])
        env.publish_event("p", {"n": float("nan"), "none": None})
        env.publish_event("p", {"n": 1.0, "none": None})
        env.run(1)
        assert env.report().sinks[0].nulled == 1
    assert values(tmp_path) == [{}, {"n": 1.0}]


def test_reading_nothing_says_what_to_give(tmp_path):
    with pytest.raises(FileNotFoundError, match="no Parquet and no JSON lines file"):
        read(tmp_path)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB that is nearly full; unmounted at the end."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("not run: this user may not mount a disk")
    yield disk
    gc.collect()  # a disk is busy as long as a file of it is open, such as one that an exception's traceback holds
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_waited_for_and_nothing_is_corrupt_or_lost(tmp_path, small_disk, make):
    hog = small_disk / "hog"
    hog.write_bytes(b"x" * 900_000)
    values_ = [{"n": float(number), "noise": os.urandom(60).hex()} for number in range(4000)]
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([make(small_disk / "lake", router=())], batch_size=100, drain_timeout=0.5)
        for value in values_[:3000]:
            env.publish_event("p", value)
        env.run(1)
        full = env.report().sinks[0]
        assert "No space left" in full.reason
        assert read(small_disk / "lake")["seq"].to_pylist() == list(range(1, full.written + 1))
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        for value in values_[3000:]:
            env.publish_event("p", value)
        env._bridge.sinks[0].options.__dict__["drain_timeout"] = 20.0
        env.run(2)
    assert env.report().sinks[0].lost == 0
    assert sorted(read(small_disk / "lake")["seq"].to_pylist()) == list(range(1, 4001))


CONFIGURATION = """
[simulation]
model = "line:build"
factor = 0

[parameters.L.variables]
n = 0

[ingress.plan]
type = "jsonl"
path = "changes.jsonl"

[egress.lake]
type = "parquet"
path = "lake"
router = ["stream_type"]
schema = "line:SCHEMA"
compression = "snappy"
system = true
batch_size = 10

[egress.lines]
type = "jsonl"
path = "lines"
router = "line:router"
compression = "zstd"
rotate_after_s = 3600
"""

MODEL = """
import pyarrow

SCHEMA = pyarrow.schema([("part", pyarrow.int64())])

def router(record):
    return {"kind": record["stream_type"]}

def build(env):
    def work():
        for number in range(25):
            yield env.timeout(1)
            env.publish_event(f"part-{number}", {"part": number, "n": env.registry.get("L.variables.n").value})
    env.process(work())
"""


def test_a_configuration_file_can_name_all_of_it(tmp_path):
    (tmp_path / "twin.toml").write_text(CONFIGURATION)
    (tmp_path / "line.py").write_text(MODEL)
    (tmp_path / "changes.jsonl").write_text(json.dumps({"at": 10, "path": "L.variables.n", "value": 1}) + "\n")
    command = [sys.executable, "-m", "dynamic_des", "run", "twin.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [row["value"] for row in rows(tmp_path / "lines")] == [
        {"part": float(number), "n": float(number >= 9), "kind": "event"} for number in range(25)
    ]
    table = read(tmp_path / "lake")
    assert str(table.schema.field("part").type) == "int64"
    assert set(table["stream_type"].to_pylist()) == {"event", "system"}


def test_importing_core_imports_no_arrow():
    code = "import sys, dynamic_des; dynamic_des.DynamicRealtimeEnvironment; assert 'pyarrow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("limit", ["_MOST_OPEN", "_MOST_WAITING", "_MOST_TO_READ", "_MOST_PARKED"])
def test_a_run_with_more_folders_than_files_may_be_open_writes_one_file_for_each_all_the_same(
    tmp_path, make, monkeypatch, limit
):
    monkeypatch.setattr("dynamic_des_storage.storage_egress._MOST_OPEN", 3)
    monkeypatch.setattr(f"dynamic_des_storage.storage_egress.{limit}", 3)
    publish(make(tmp_path, router=["sim_id"]), [{"sim_id": f"L{n % 7}", "n": n} for n in range(210)], batch_size=21)
    expected = {"_MOST_TO_READ": (7, 31), "_MOST_PARKED": (7, 31)}.get(limit, (7, 7))
    assert expected[0] <= len(files(tmp_path)) <= expected[1]
    assert [value["n"] for value in values(tmp_path)] == list(range(210))


def test_parts_that_somebody_took_away_are_not_waited_for(tmp_path, make, monkeypatch):
    monkeypatch.setattr("dynamic_des_storage.storage_egress._MOST_OPEN", 0)
    egress = make(tmp_path, router=())
    asyncio.run(egress.open(make_run("a")))
    for first in (1, 11, 21):
        egress.write(make_batch([{"n": n} for n in range(first, first + 10)], first))
    files(tmp_path)[1].unlink()
    asyncio.run(egress.close())
    assert [value["n"] for value in values(tmp_path)] == [*range(1, 11), *range(21, 31)]


def test_a_twin_that_leaves_the_folder_does_not_disturb_another(tmp_path, make):
    first, second = make(tmp_path, target_file_size=0), make(tmp_path, target_file_size=0)
    for egress in (first, second):
        asyncio.run(egress.open(make_run("a")))
        egress.write(make_batch([{"n": 1}], 1))
    asyncio.run(first.close())
    assert not (tmp_path / ".dynamic-des").exists()
    second.write(make_batch([{"n": 2}], 2))
    assert sorted(read(tmp_path)["seq"].to_pylist()) == [1, 1, 2]
