"""SIGKILL at any moment: what is seen is readable, and what ``write`` returned for is there."""

import asyncio
import gzip
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.storage.conftest import files
from tests.storage.killed import FORMATS, third, values

from dynamic_des.testing import make_batch, make_run
from dynamic_des_storage import read

SCRIPT = Path(__file__).with_name("killed.py")
KILLS = [
    ("parquet", 3),
    ("gzip", 3),
    pytest.param("parquet", 50, marks=pytest.mark.full),
    pytest.param("jsonl", 50, marks=pytest.mark.full),
]


def kill_one(kind, folder, first, after):
    """Let a process write, kill it after so many writes, at a random moment; return the last seq it told of."""
    command = [sys.executable, str(SCRIPT), kind, str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        last = 0
        for _ in range(after):
            last = int(process.stdout.readline())
        try:
            process.wait(random.uniform(0, 0.01))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        told = process.stdout.read().split()
    return int(told[-1]) if told else last


def seen(folder):
    """Every record in every file that is seen, read by others than us."""
    found = []
    for path in files(folder):
        if ".dynamic-des" in path.parts:
            continue
        if path.suffix == ".parquet":
            found += pq.read_table(path)["seq"].to_pylist()
        else:
            lines = path.read_bytes()
            lines = gzip.decompress(lines) if path.suffix == ".gz" else lines
            assert lines.endswith(b"\n")
            found += [json.loads(line)["seq"] for line in lines.splitlines()]
    return found


@pytest.mark.parametrize(("kind", "kills"), [("jsonl", 3), *KILLS])
def test_what_write_returned_for_is_there_and_all_that_is_seen_is_readable(tmp_path, kind, kills):
    random.seed(kills)
    expected, first = set(), 1
    for _ in range(kills):
        last = kill_one(kind, tmp_path / "lake", first, random.randint(2, 25))
        expected |= set(range(first, last + 1))
        found = seen(tmp_path / "lake")
        assert expected <= set(found)
        once = read(tmp_path / "lake")["seq"].to_pylist()
        assert len(once) == len(set(once)), "read() returns a record twice"
        assert set(once) == set(found)
        expected, first = set(found), max(found) + 1


@pytest.mark.parametrize(("kind", "kills"), KILLS)
def test_a_run_that_goes_on_after_a_kill_has_every_record_once_in_all_folders(tmp_path, kind, kills):
    random.seed(kills)
    told = 0
    for _ in range(kills):
        told = max(told, kill_one(kind, tmp_path / "lake", "goes-on", random.randint(2, 12)))
    egress = FORMATS[kind](tmp_path / "lake", router=third)
    asyncio.run(egress.open(make_run("goes-on")))
    held = asyncio.run(egress.written())
    assert held >= told
    egress.write(make_batch(values(held + 1, 100), held + 1))
    asyncio.run(egress.close())
    table = read(tmp_path / "lake").sort_by("seq")
    assert table["seq"].to_pylist() == list(range(1, held + 101))
    assert table["n"].to_pylist() == list(range(1, held + 101))
