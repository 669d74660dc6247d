"""The example is steered with redis-cli."""

import os
import subprocess
import sys
from pathlib import Path

from dynamic_des.testing.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_is_steered_with_redis_cli(redis_server):
    command = [sys.executable, "-m", "dynamic_des", "run", "examples/redis/line.toml"]
    environment = {**os.environ, "REDIS_URL": redis_server.url}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as run:
        assert wait_until(lambda: redis_server.cli("XLEN", "line_records") != "0", 30)
        redis_server.cli("XADD", "line_control", "*", "path", "Line_A.resources.lathe.current_cap", "value", "3")
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 0, said
    assert '"lathes":3' in redis_server.cli("XREVRANGE", "line_records", "+", "-", "COUNT", "1")
