"""SimPy's own tests and documentation, word for word, with our environment in place of its two."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

# they allow a wall-clock duration 20 ms, or print it with two digits: what a busy machine breaks now and then
TIMED = ("tests/test_rt.py", "real-time-simulations.rst")
ATTEMPTS = 5


def run(sources, folder, *arguments, ingress="none"):
    """Run pytest in SimPy's sources with the substitute; return what it reports, and its output."""
    command = [sys.executable, "-m", "pytest", "-p", "substitute", "-p", "no:cacheprovider", "-o", "addopts="]
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    settings = {
        "PYTHONPATH": str(Path(__file__).parent),
        "SUBSTITUTE_REPORT": str(report),
        "SUBSTITUTE_INGRESS": ingress,
        "PYTEST_ADDOPTS": "",
    }
    done = subprocess.run(
        [*command, "-W", "error", "--timeout=60", *arguments],
        cwd=sources,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert report.exists(), done.stdout + done.stderr
    return json.loads(report.read_text()), done.stdout


def run_patiently(sources, folder, *arguments, ingress="none"):
    """Run as `run`, and again, up to four times, what failed only because it looks at the wall clock."""
    outcome, output = run(sources, folder, *arguments, ingress=ingress)
    for _ in range(ATTEMPTS - 1):
        failed = outcome["failed"]
        if not failed or not all(any(place in test for place in TIMED) for test in failed):
            break
        files = {test.split("::")[0] for test in failed}
        again, output = run(sources, folder, *arguments[:-1], *files, ingress=ingress)
        outcome["passed"] += [test for test in failed if test in again["passed"]]
        outcome["failed"] = [test for test in failed if test not in again["passed"]]
    assert not outcome["failed"], output
    return outcome


@pytest.mark.parametrize(("ingress", "passed", "deselected"), [("none", 139, 12), ("idle", 137, 14)])
def test_simpys_own_tests_pass_on_this_environment(simpy_sources, tmp_path, ingress, passed, deselected):
    outcome = run_patiently(simpy_sources, tmp_path, "tests", ingress=ingress)
    print(f"collected {outcome['collected']}, passed {len(outcome['passed'])}, with ingress: {ingress}")
    for reason, count in Counter(outcome["deselected"].values()).items():
        print(f"deselected {count}: {reason}")
    assert outcome["collected"] == 151
    assert len(set(outcome["passed"])) == passed
    assert len(outcome["deselected"]) == deselected


def test_the_examples_in_simpys_documentation_and_its_monitoring_recipes_hold(simpy_sources, tmp_path):
    # a process of an example complains, in SimPy as here, when it is garbage-collected after the example's names
    options = ("-W", "ignore::pytest.PytestUnraisableExceptionWarning", "--noconftest", "--doctest-glob=*.rst")
    outcome = run_patiently(simpy_sources, tmp_path, *options, "README.rst", "docs")
    pages = sorted(test.split("::")[0] for test in outcome["passed"])
    assert pages == [
        "README.rst",
        "docs/index.rst",
        "docs/simpy_intro/basic_concepts.rst",
        "docs/simpy_intro/process_interaction.rst",
        "docs/simpy_intro/shared_resources.rst",
        "docs/topical_guides/environments.rst",
        "docs/topical_guides/events.rst",
        "docs/topical_guides/monitoring.rst",
        "docs/topical_guides/process_interaction.rst",
        "docs/topical_guides/real-time-simulations.rst",
        "docs/topical_guides/resources.rst",
        "docs/topical_guides/simpy_basics.rst",
    ]
