"""Plugins from outside, as wheels in a fresh environment: one written by hand, others made by `dynamic-des new`."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dynamic_des.testing.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LIMIT_S = 60
MADE = {"plant": "both", "plant-in": "ingress", "plant-out": "egress"}

MODEL = """
def build(env):
    def work():
        speed = env.registry.get("Line_A.variables.speed")
        while True:
            env.publish_event("line", {"speed": speed.value})
            yield speed.wait_for_change()
    env.process(work())
"""
TWIN = """
[simulation]
model = "model:build"
[parameters.Line_A.variables]
speed = 1
[ingress.control]
type = "{type}"
path = "{ingress}"
[egress.records]
type = "{type}"
path = "{egress}"
flush_interval = 0.02
"""


class Installation:
    """A virtual environment with core and the plugins in it, all from wheels."""

    def __init__(self, folder):
        self.folder = folder
        bin_folder = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.python = bin_folder / "python"
        self.command = bin_folder / "dynamic-des"

    def run(self, *arguments, cwd=None):
        done = subprocess.run([*map(str, arguments)], cwd=cwd or self.folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
        return done.stdout

    def pip(self, *arguments):
        self.run(self.python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)

    def install(self, *folders, extra=""):
        """Build wheels and install them."""
        wheels = self.folder / f"wheels-of-{folders[0].name}"
        self.pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, *folders)
        self.pip("install", *(f"{wheel}{extra}" for wheel in wheels.iterdir()))

    def pytest(self, *arguments, cwd):
        return self.run(self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    found = Installation(tmp_path_factory.mktemp("installed"))
    found.run(sys.executable, "-m", "venv", "venv")
    found.pip("install", "hatchling")
    found.install(ROOT / "core", extra="[testing]")
    for name, kind in MADE.items():
        found.run(found.command, "new", "connector", name, "--kind", kind)
    found.install(HERE / "acme_tower", *(found.folder / f"dynamic-des-{name}" for name in MADE))
    return found


def steer_until_recorded(installed, folder, twin, steer, recorded):
    """Run a twin, steer it, and end it by a signal when the record that tells of it has arrived."""
    (folder / "model.py").write_text(MODEL)
    (folder / "twin.toml").write_text(twin)
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen([installed.command, "run", "twin.toml"], cwd=folder, stdout=log, stderr=log)
    try:
        steer()
        arrived = wait_until(lambda: recorded() or process.poll() is not None, LIMIT_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0, (folder / "log.txt").read_text()
    finally:
        process.kill()
        log.close()
    assert arrived, (folder / "log.txt").read_text()


def speeds(lines):
    return [record["value"]["speed"] for record in map(json.loads, lines) if record.get("key") == "line"]


def test_a_distribution_written_by_hand_has_forty_lines():
    files = [HERE / "acme_tower" / "pyproject.toml", HERE / "acme_tower" / "acme_tower.py"]
    lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    assert len(lines) <= 40


def test_every_plugin_is_listed(installed):
    listed = installed.run(installed.command, "plugins").splitlines()
    assert [line for line in listed if "(" in line] == [
        "  plant (dynamic-des-plant 0.1.0): ingress PlantIngress; egress PlantEgress",
        "  plant-in (dynamic-des-plant-in 0.1.0): ingress PlantInIngress",
        "  plant-out (dynamic-des-plant-out 0.1.0): egress PlantOutEgress",
        "  tower (acme-tower 1.0): ingress TowerIngress; egress TowerEgress",
    ]


def test_the_one_written_by_hand_steers_a_twin_and_receives_its_records(installed, tmp_path):
    changes, records = tmp_path / "changes.txt", tmp_path / "records.jsonl"

    def steer():
        changes.write_text("Line_A.variables.speed 7\n")

    def recorded():
        return records.exists() and 7 in speeds(records.read_text().splitlines())

    twin = TWIN.format(type="tower", ingress="changes.txt", egress="records.jsonl")
    steer_until_recorded(installed, tmp_path, twin, steer, recorded)


def test_the_one_that_was_made_steers_a_twin_and_receives_its_records(installed, tmp_path):
    path = tmp_path / "plant.db"

    def steer():
        with closing(sqlite3.connect(path, timeout=LIMIT_S)) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY, payload)")
            db.execute("INSERT INTO changes (payload) VALUES (?)", ['{"path": "Line_A.variables.speed", "value": 7}'])

    def recorded():
        with closing(sqlite3.connect(path, timeout=LIMIT_S)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchall():
                return False
            return 7 in speeds(line for (line,) in db.execute("SELECT record FROM records"))

    twin = TWIN.format(type="plant", ingress="plant.db", egress="plant.db")
    steer_until_recorded(installed, tmp_path, twin, steer, recorded)


def test_the_one_written_by_hand_passes_the_contracts(installed, tmp_path):
    copy = shutil.copy(HERE / "acme_tower" / "contracts.py", tmp_path)  # beside the source, that would be imported
    printed = installed.pytest(copy, cwd=tmp_path)
    assert " failed" not in printed
    assert " passed" in printed


@pytest.mark.parametrize("name", ["plant", *(pytest.param(name, marks=pytest.mark.full) for name in [*MADE][1:])])
def test_the_one_that_was_made_passes_the_contracts_as_it_is(installed, name):
    printed = installed.pytest(cwd=installed.folder / f"dynamic-des-{name}")
    assert " passed" in printed
    assert " skipped" not in printed


@pytest.mark.parametrize("name", [*MADE][1:])
def test_one_that_was_made_with_one_connector_only_is_found_by_its_type(installed, name):
    folder = installed.folder / f"dynamic-des-{name}"
    assert "1 passed" in installed.pytest("tests/test_plugin.py", cwd=folder)
    contracts = {file.name for file in (folder / "tests").glob("*gress.py")}
    assert contracts == {f"test_{MADE[name]}.py"}
