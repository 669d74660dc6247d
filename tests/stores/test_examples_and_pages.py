"""The examples are steered with each store's own program, and the pages do what they say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dynamic_des.testing.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["plugin-{kind}/README.md"]


def environment_of(store):
    return {**os.environ, store.service.address: store.url}


def test_the_example_is_steered_with_the_stores_own_program(store):
    store.prepare_example()
    command = [sys.executable, "-m", "dynamic_des", "run", store.example]
    with subprocess.Popen(command, cwd=ROOT, env=environment_of(store), stdout=subprocess.PIPE, text=True) as run:
        try:
            assert wait_until(lambda: store.example_says() == "1", 60)
            store.steer_example()
            assert wait_until(lambda: store.example_says() == "3", 40)
            run.terminate()
            said, _ = run.communicate(timeout=30)
        finally:
            run.kill()
    assert run.returncode == 0, said


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_the_page_runs(store, page):
    command = [sys.executable, "-W", "error", "tests/docs/run_page.py", page.format(kind=store.kind)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment_of(store))
    assert done.returncode == 0, done.stderr
