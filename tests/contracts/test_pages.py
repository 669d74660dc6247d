"""The pages for authors of plugins: their test classes pass when they are run, and no rule is left out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.fences import blocks_of

from dynamic_des.testing import EgressContract, IngressContract, ResourceContract, SerializerContract

PAGES = Path(__file__).resolve().parents[2] / "docs" / "connectors"
CONTRACTS = {
    "egress.md": EgressContract,
    "ingress.md": IngressContract,
    "resource.md": ResourceContract,
    "serializer.md": SerializerContract,
}
OF_PLUGINS = {"kafka.md", "postgres.md", "redis.md"}  # for who uses them


def test_there_is_one_page_for_each_kind():
    assert {page.name for page in PAGES.glob("*.md")} == {*CONTRACTS, *OF_PLUGINS}


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_tests_on_the_page_pass(name, tmp_path):
    for block in blocks_of((PAGES / name).read_text("utf-8")):
        if "file" in block.options:
            (tmp_path / block.options["file"]).write_text(block.code, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.parametrize(("name", "contract"), CONTRACTS.items())
def test_the_page_names_every_rule_of_the_contract(name, contract):
    text = (PAGES / name).read_text("utf-8")
    rules = [rule for rule in dir(contract) if rule.startswith("test_")]
    assert [rule for rule in rules if f"`{rule}`" not in text] == []
