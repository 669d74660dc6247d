"""The example is steered with psql."""

import os
import subprocess
import sys
from pathlib import Path

from dynamic_des.testing.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_is_steered_with_psql(postgres):
    command = [sys.executable, "-m", "dynamic_des", "run", "examples/postgres/line.toml"]
    environment = {**os.environ, "POSTGRES_DSN": postgres.dsn()}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as run:
        there = "SELECT to_regclass('line_records') IS NOT NULL AND to_regclass('line_changes') IS NOT NULL"
        assert wait_until(lambda: postgres.psql(there) == "t", 30)
        assert wait_until(lambda: postgres.psql("SELECT count(*) FROM line_records") != "0", 30)
        postgres.psql("INSERT INTO line_changes (path, value) VALUES ('Line_A.resources.lathe.current_cap', '3')")
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 0, said
    assert postgres.psql("SELECT value->>'lathes' FROM line_records ORDER BY seq DESC LIMIT 1") == "3"
