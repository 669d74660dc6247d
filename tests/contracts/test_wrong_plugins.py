"""Plugins that are wrong on purpose: each must fail the test that names its fault, and no other.

They are run as an author runs them: by pytest, in a process of its own, one for each file.
"""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.contracts.wrong import egress_records, egresses, ingress_positions, ingresses, resources, serializers
from tests.contracts.wrong.expectations import expected_in

MODULES = (egresses, egress_records, ingresses, ingress_positions, resources, serializers)
EXPECTED = {(module, name): names for module in MODULES for name, names in expected_in(module).items()}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """The names of the tests that failed: module → test class → names."""
    folder = tmp_path_factory.mktemp("reports")
    running = {}
    for number, module in enumerate(MODULES):  # all at once: they spend their time waiting
        report = folder / f"{number}.xml"
        options = ["-q", "-p", "no:cacheprovider", "-W", "default", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *options, module.__file__]
        running[module] = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True), report
    outputs = {module: process.communicate()[0] for module, (process, _) in running.items()}
    return {module: failures(report, outputs[module]) for module, (_, report) in running.items()}


def failures(report, output):
    assert report.exists(), output
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        names = found.setdefault(case.get("classname").rpartition(".")[2], set())
        if any(child.tag in ("failure", "error") for child in case):
            names.add(case.get("name"))
    return found


@pytest.mark.parametrize(
    ("module", "name"), EXPECTED, ids=[f"{module.__name__.rpartition('.')[2]}-{name[4:]}" for module, name in EXPECTED]
)
def test_it_fails_the_rule_it_breaks_and_no_other(failed, module, name):
    must, may = EXPECTED[module, name]
    found = failed[module][name]
    assert (must - found, found - must - may) == (set(), set())
