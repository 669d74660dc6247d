from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def output_of(*arguments):
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_block_of_the_readme_runs_and_prints_what_it_says():
    output_of("tests/docs/run_page.py", "plugins/streaming/README.md")


def test_in_the_pipeline_a_crash_costs_no_order():
    said = output_of("examples/streaming/pipeline.py").splitlines()
    assert [line for line in said if " lag " not in line] == [
        "t= 0.500 c1 is assigned [0, 2, 4]",
        "t= 0.500 c2 is assigned [1, 3, 5]",
        "t=12.000 c2 crashes: out of memory",
        "t=14.931 c2 is given up for dead, [1, 3, 5] are nobody's",
        "t=15.431 c1 is assigned [0, 1, 2, 3, 4, 5]",
        "t=20.000 c3 starts",
        "t=20.500 c1 is assigned [0, 1, 2]",
        "t=20.500 c3 is assigned [3, 4, 5]",
        "3 rebalances, 178 commits, 1 lost",
    ]
    assert said[-2] == "300 orders: 300 billed, 1 of them twice; lag 0"


@pytest.mark.parametrize("factor", ["0", "0.005"])
def test_the_twin_follows_the_averages_of_its_input(factor):
    assert output_of("examples/streaming/twin_windows.py", "--factor", factor).splitlines() == [
        "t= 10.0 average 187.75: burner up",
        "t= 20.0 average 192.55: burner up",
        "t= 30.0 average 198.65: burner down",
        "t= 40.0 average 203.45: burner down",
        "40 readings, 4 averages",
    ]
