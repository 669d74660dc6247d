"""What the README and the example say is what happens."""

import subprocess
import sys
from pathlib import Path

import pytest

from dynamic_des.config.loading import load

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "plugins" / "servers" / "README.md"
EXAMPLE = ROOT / "examples" / "servers"


def blocks(language):
    parts = README.read_text(encoding="utf-8").split("```")[1::2]
    return [part.partition("\n")[2] for part in parts if part.partition("\n")[0] == language]


def test_every_block_of_the_readme_prints_what_stands_below_it(capsys):
    scope = {}
    codes, outputs = blocks("python"), blocks("text")
    assert len(codes) == len(outputs) == 3
    for code, output in zip(codes, outputs, strict=True):
        exec(compile(code, str(README), "exec"), scope)
        assert capsys.readouterr().out == output


def test_the_configuration_of_the_readme_is_right(tmp_path):
    (tmp_path / "shop.py").write_text("def build(env): pass\n")
    (tmp_path / "shop.toml").write_text(
        '[simulation]\nmodel = "shop:build"\nfactor = 0\n'
        "[parameters.Shop.resources.api]\ncurrent_cap = 2\nmax_cap = 4\n"
        '[parameters.Shop.service.page]\ndist = "constant"\nvalue = 1\n' + blocks("toml")[0]
    )
    env = load(tmp_path / "shop.toml").environment()
    env.resources["api"].submit()
    env.run()
    assert env.now == 1.01
    assert env.resources["mailer"].stats.tasks_completed == 1


def rows_of(output):
    return {int(row.split()[0]): [float(cell) for cell in row.split()[1:]] for row in output.splitlines()[1:]}


@pytest.fixture(scope="module")
def shop():
    command = [sys.executable, str(EXAMPLE / "autoscaled.py")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return rows_of(run.stdout)


def test_the_example_is_steered_from_outside_and_scales_itself(shop):
    assert sorted(shop) == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    slots = {t: row[2] for t, row in shop.items()}
    gave_up = {t: row[1] for t, row in shop.items()}
    assert slots[40] == 8  # the maximum, in the rush
    assert slots[50] > 8  # raised at t=50, and in force in that same instant
    assert slots[90] <= 12
    assert min(gave_up[30], gave_up[40], gave_up[50]) > 20
    assert gave_up[10] == gave_up[20] == gave_up[70] == gave_up[80] == gave_up[90] == 0


def test_the_example_as_a_configuration_file_publishes_the_same_figures(shop):
    command = [sys.executable, "-m", "dynamic_des", "run", str(EXAMPLE / "autoscaled.toml")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    published = [line for line in run.stdout.splitlines() if "Shop.api.limit" in line]
    assert [float(line.split(": ")[1]) for line in published] == [row[2] for row in shop.values()]
