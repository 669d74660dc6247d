"""The examples are steered with each store's own program, and the pages do what they say."""

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stores.fixtures import KINDS

from dynamic_des.testing.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["plugin-{kind}/README.md", "docs/connectors/{kind}.md"]


def environment_of(store):
    return {**os.environ, store.service.address: store.url}


def test_the_example_is_steered_with_the_stores_own_program(store):
    store.forget("line_", "packing_")
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
    store.forget("readme_", "page_")
    command = [sys.executable, "-W", "error", "tests/docs/run_page.py", page.format(kind=store.kind)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment_of(store))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_names_every_option_with_its_default(kind):
    text = (ROOT / f"docs/connectors/{kind}.md").read_text()
    plugin = importlib.import_module(f"dynamic_des_{kind}")
    for connector in map(plugin.__dict__.get, plugin.__all__):
        options = inspect.signature(connector).parameters.values()
        named = {option.name for option in options if option.kind is not option.VAR_KEYWORD}
        section = text.partition(f"### Options of `{connector.__name__}`")[2].partition("\n#")[0]
        rows = [row for row in section.splitlines() if row.startswith("| `")]
        found = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
        assert found == named
