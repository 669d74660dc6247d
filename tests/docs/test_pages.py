"""Every page of the documentation does what it says: its blocks run, and what it links to or names is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dynamic_des

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugin-*/README.md")])
RUN = [page for page in PAGES if page.name != "CHANGELOG.md"]
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
NAMED_PATH = re.compile(r"`((?:tests|docs|examples|benchmarks|scripts|core|plugins?)(?:-\w+)?/[\w./-]*)`")

# run beside the plugin's own tests, which start one
WITH_A_SERVER = {
    ROOT / page for name in ("redis", "postgres") for page in (f"plugin-{name}/README.md", f"docs/connectors/{name}.md")
}


def _each(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


every_page = _each(RUN)


@_each([page for page in RUN if page not in WITH_A_SERVER])
def test_every_block_runs_and_prints_what_the_page_says(page):
    command = [sys.executable, "-W", "error", str(Path(__file__).with_name("run_page.py")), str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


@every_page
def test_every_link_within_the_repository_leads_to_a_file(page):
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@every_page
def test_every_file_that_a_page_names_is_there(page):
    assert [path for path in NAMED_PATH.findall(page.read_text()) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/reference.md")))
def test_the_reference_names_everything_public(page):
    text = page.read_text()
    assert [name for name in dynamic_des.__all__ if f"`{name}" not in text] == []
