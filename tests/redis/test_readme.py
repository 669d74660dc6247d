"""The page of the distribution does what it says."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_block_of_the_page_runs(redis_server):
    command = [sys.executable, "-W", "error", "tests/docs/run_page.py", "plugin-redis/README.md"]
    environment = {**os.environ, "REDIS_URL": redis_server.url}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
