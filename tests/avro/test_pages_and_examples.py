"""The plugin's own page and the example do what they say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python(*arguments):
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_the_plugins_page_runs():
    done = python("tests/docs/run_page.py", ROOT / "plugin-avro" / "README.md")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_writes_json_and_avro_and_is_steered_by_avro():
    done = python("examples/avro/predictions.py")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "[EVT] t=0.000 task-1: task_id=task-1 confidence=1",
            "[EVT] t=3.000 task-1: status=finished",
            "20 bytes: {'task_id': 'task-1', 'confidence': 1.0}",
            "1 record that is no prediction was set aside",
        ],
    )
