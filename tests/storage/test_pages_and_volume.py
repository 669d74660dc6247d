import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from tests.storage.conftest import files

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des_storage import ParquetEgress

ROOT = Path(__file__).resolve().parents[2]


def output_of(*arguments):
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_block_of_the_readme_runs_and_prints_what_it_says():
    output_of("tests/docs/run_page.py", "plugins/storage/README.md")


def test_the_forecast_says_how_many_lathes_are_enough():
    assert output_of("examples/storage/forecast.py").splitlines() == [
        "2 lathes: 465 parts, which wait 183 s on average",
        "3 lathes: 478 parts, which wait 15 s on average",
        "4 lathes: 478 parts, which wait 3 s on average",
    ]


@pytest.mark.parametrize("records", [20_000, pytest.param(5_000_000, marks=pytest.mark.full)])
def test_every_record_of_a_run_is_counted_back(tmp_path, make, records):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([make(tmp_path, router=(), target_file_size=64 << 20)], batch_size=20_000)

        def model():
            for number in range(records):
                env.publish_event("part", {"number": number, "status": "finished"})
                yield env.timeout(0.125)

        env.process(model())
        env.run()
    assert env.report().sinks[0].written == records
    found = files(tmp_path)
    if make is ParquetEgress:
        column = ds.dataset(found, format="parquet").to_table(columns=["seq"])["seq"].to_numpy()
        assert (len(column), int(column.sum())) == (records, records * (records + 1) // 2)
    else:
        assert sum(path.read_bytes().count(b"\n") for path in found) == records
    assert len(found) < 30
