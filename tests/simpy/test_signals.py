"""SIGINT and SIGTERM while a run is on: it ends between two events, with everything written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("stopping.py")
RAISED = {"SIGINT": "Interrupted()", "SIGTERM": "Terminated(0)"}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")

each_signal = pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
each_factor = pytest.mark.parametrize("factor", ["0", "0.001"], ids=["flat out", "real time"])


@pytest.fixture
def start(tmp_path):
    """A function that starts the twin of `stopping.py` and returns its process."""
    started = []

    def start(*arguments, more=()):
        command = [sys.executable, "-W", "error", str(SCRIPT), *arguments, str(tmp_path / "out.jsonl"), *more]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def outcome(process):
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    assert process.returncode == 0
    return json.loads(output.splitlines()[-1])


@each_signal
@each_factor
@pytest.mark.parametrize("model", ["plain", "stubborn"])
def test_the_run_ends_between_two_events_with_everything_written(start, signal, factor, model):
    assert outcome(start(factor, model, signal)) == {
        "raised": RAISED[signal],
        "now": 5,
        "written": 5,
        "restored": True,
        "seen": ["went on to the end of the event"],
    }


@each_signal
@each_factor
def test_a_signal_in_the_last_event_of_a_run_is_not_lost(start, signal, factor):
    assert outcome(start(factor, "late", signal)) == {
        "raised": RAISED[signal],
        "now": 5,
        "written": 1,
        "restored": True,
        "seen": [],
    }


@each_signal
def test_a_signal_ends_the_wait_for_an_ingress(start, signal):
    process = start("1", "idle", signal)
    assert process.stdout.readline() == "ready\n"
    process.send_signal({"SIGINT": 2, "SIGTERM": 15}[signal])
    result = outcome(process)
    assert (result["raised"], result["written"], result["restored"]) == (RAISED[signal], 1, True)


@each_signal
@each_factor
def test_a_signal_that_is_ignored_stays_ignored(start, signal, factor):
    assert outcome(start(factor, "plain", signal, more=["ignored"])) == {
        "raised": None,
        "now": 10,
        "written": 9,
        "restored": True,
        "seen": ["went on to the end of the event", "a further event"],
    }
