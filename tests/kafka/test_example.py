"""The example: a twin that is steered from another process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.kafka.independent import Cluster

from dynamic_des.testing.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments, kafka, **more):
    env = {**os.environ, "KAFKA": kafka.bootstrap, **more}
    return subprocess.Popen(arguments, env=env, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def succeeds(*arguments, kafka):
    process = command(*arguments, kafka=kafka)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said


def capacities(cluster):
    records = cluster.values("line-a-telemetry")
    return {one["value"] for one in records if one["path_id"] == "Line_A.lathe.capacity"}


def test_the_twin_is_checked_run_and_steered(kafka_with_proxy):
    cluster = Cluster(kafka_with_proxy.bootstrap)
    dynamic_des = [sys.executable, "-m", "dynamic_des"]
    steer = [sys.executable, "examples/kafka/steer.py"]
    check = command(*dynamic_des, "check", "--connect", "examples/kafka/twin.toml", kafka=kafka_with_proxy)
    said, _ = check.communicate(timeout=120)
    assert check.returncode == 2
    assert "these topics are missing: 'line-a-control'. Create them." in said
    succeeds(*steer, "topics", kafka=kafka_with_proxy)
    succeeds(*dynamic_des, "check", "--connect", "examples/kafka/twin.toml", kafka=kafka_with_proxy)
    run = command(*dynamic_des, "run", "examples/kafka/twin.toml", kafka=kafka_with_proxy, FACTOR="0.1", UNTIL="10000")
    try:
        assert wait_until(lambda: cluster.records("line-a-events"), 120)
        succeeds(*steer, "Line_A.resources.lathe.current_cap", "4", kafka=kafka_with_proxy)
        assert wait_until(lambda: capacities(cluster) == {1, 4}, 120)
        run.send_signal(signal.SIGTERM)
        said, _ = run.communicate(timeout=120)
    finally:
        run.kill()
        run.communicate()
    assert (run.returncode, "1 change applied, 0 refused" in said) == (0, True), said
    assert min(one["seq"] for one in cluster.values("line-a-events")) == 1
