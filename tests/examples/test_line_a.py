"""The demonstration: what it prints, and that it can be steered while it runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LATHE = "Line_A.resources.lathe.current_cap"


def line_a(*arguments, **options):
    command = [sys.executable, "examples/line_a/line_a.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, **options)


def accounted_for(output):
    arrived, finished, on_line = map(
        int, re.search(r"(\d+) parts arrived = (\d+) finished \+ (\d+) still", output).groups()
    )
    return arrived == finished + on_line and finished > 0


def capacities(output):
    return re.findall(r"Line_A.lathe.capacity: (\d)", output)


def test_the_capacity_goes_from_1_to_3_to_2_and_nothing_in_progress_is_lost():
    done = line_a("--factor", "0.02")
    assert done.returncode == 0
    assert done.stderr == ""
    assert capacities(done.stdout) == ["1"] * 3 + ["3"] * 4 + ["2"] * 3  # every two seconds from t=0
    assert "[EVT]" in done.stdout
    assert "system.changes" in done.stdout
    assert "2 changes applied, 0 refused" in done.stdout
    assert accounted_for(done.stdout)


def test_flat_out_it_tells_the_same_story_as_in_real_time():
    flat_out, real_time = (line_a("--factor", factor).stdout.splitlines() for factor in ("0", "0.02"))
    events = [[row for row in output if row.startswith("[EVT]")] for output in (flat_out, real_time)]
    assert events[0] == events[1]
    assert flat_out[-5:-1] == real_time[-5:-1]


def test_it_is_steered_by_json_lines_on_standard_input_and_garbage_is_refused_with_its_number():
    lines = f'{{"path": "{LATHE}", "value": 4}}\nmore lathes, please\n{{"path": "{LATHE}", "value": 2}}\n'
    done = line_a("--steer", "-", "--factor", "0.02", input=lines)
    assert done.returncode == 0
    assert "2 changes applied, 1 refused" in done.stdout
    assert "line 2" in done.stderr
    assert "more lathes" in done.stderr
    assert capacities(done.stdout)[-1] == "2"
    assert accounted_for(done.stdout)


def test_it_is_steered_by_a_line_appended_to_a_followed_file_while_it_runs(tmp_path):
    changes = tmp_path / "changes.jsonl"
    command = [sys.executable, "-u", "examples/line_a/line_a.py", "--steer", str(changes), "--factor", "0.2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for row in process.stdout:
            if "t=2.000 Line_A.lathe.capacity: 1" in row:
                changes.write_text(f'nonsense\n{{"path": "{LATHE}", "value": 5}}\n')
                break
        rest, complaints = process.communicate(timeout=30)
    assert process.returncode == 0
    assert capacities(rest)[-1] == "5"
    assert "1 changes applied, 1 refused" in rest
    assert "line 1" in complaints
    assert accounted_for(rest)


def test_the_configuration_file_describes_the_same_line():
    command = [sys.executable, "-m", "dynamic_des", "run", "examples/line_a/line_a.toml", "--factor", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    events = [row for row in done.stdout.splitlines() if row.startswith("[EVT]")]
    assert events == [row for row in line_a("--factor", "0").stdout.splitlines() if row.startswith("[EVT]")]
    assert "2 changes applied, 0 refused" in done.stderr


@pytest.mark.full
def test_the_demo_command_takes_twenty_seconds_and_prints_what_it_saw():
    done = subprocess.run([sys.executable, "scripts/demo"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0
    assert "t=6 to t=14, capacity 3" in done.stdout
    assert accounted_for(done.stdout)
