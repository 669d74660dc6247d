"""SIGINT and SIGTERM of `dynamic-des run`, whenever they come."""

import json
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from tests.cli.conftest import ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")

each_signal = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])

FILE = """
    [simulation]
    name = "x"
    model = "model:build"
    factor = {factor}
    [egress.kept]
    type = "{sink}"
    system = false
    path = "out.jsonl"
    flush_interval = {flush}
    {more}
"""
# says when it is under way, and goes on for ever
ENDLESS = """
    import sys

    def say(word):
        sys.stdout.write(word + "\\n")
        sys.stdout.flush()

    def life(env):
        number = 0
        while True:
            number += 1
            env.publish_event(f"part-{number}", {"number": number})
            if number == 3:
                say("running")
            yield env.timeout(0.01)

    def build(env):
        env.process(life(env))
"""
SINKS = """
    import asyncio, sys, time
    from dynamic_des import FileEgress

    def say(word):
        sys.stdout.write(word + "\\n")
        sys.stdout.flush()

    class Slow(FileEgress):
        '''Takes its time for the first batch, and says so.'''
        def __init__(self, path, system=False, seconds: float = 1.0):
            super().__init__(path, system=system)
            self.seconds = seconds

        def write(self, batch):
            if self.seconds:
                say("writing")
                time.sleep(self.seconds)
                self.seconds = 0
            super().write(batch)

    class Stuck(FileEgress):
        def write(self, batch):
            say("stuck")
            time.sleep(60)
"""


@pytest.fixture
def endless(twin):
    def prepare(factor=1, sink="file", flush=0.05, more="", model=ENDLESS):
        twin.module("model", model).module("sinks", SINKS)
        return twin.file(FILE.format(factor=factor, sink=sink, flush=flush, more=more))

    prepare.records = lambda: [json.loads(line) for line in (twin.path / "out.jsonl").read_text().splitlines()]
    return prepare


def until(process, word):
    assert process.stdout.readline() == f"{word}\n"


def insist(process):
    """Send SIGINT until it is heeded; two that come close together may count as one."""
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)


@each_signal
@pytest.mark.parametrize("factor", [1, 0], ids=["real time", "flat out"])
def test_one_signal_ends_the_run_with_everything_written(endless, number, factor):
    process = endless(factor, more="outbox_size = 1000").start("run", "twin.toml")
    until(process, "running")
    process.send_signal(number)
    code, _, errors = ended(process)
    assert code == 0
    assert errors.startswith("stopped by a signal\nx: ended at t=")
    kept = [record["value"]["number"] for record in endless.records()]
    assert len(kept) >= 3
    assert kept == list(range(1, len(kept) + 1))
    assert f"{len(kept)} events, 0 telemetry records\n" in errors
    assert f"egress kept: {len(kept)} written, 0 retried, 0 set aside, 0 dropped\n" in errors


@each_signal
def test_a_signal_while_the_model_is_built_ends_it_in_order(endless, number):
    model = (
        ENDLESS
        + "        env.publish_event('built', {})\n        say('building')\n        import time; time.sleep(60)\n"
    )
    process = endless(model=model).start("run", "twin.toml", stdin=subprocess.PIPE)
    until(process, "building")
    process.send_signal(number)
    code, _, errors = ended(process)
    assert (code, errors.splitlines()[0]) == (0, "stopped by a signal")
    assert [record["key"] for record in endless.records()] == ["built"]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_second_sigint_ends_at_once_whatever_the_model_swallows(endless, first):
    model = ENDLESS.replace('say("running")', "stubborn()").replace(
        "def life",
        """def stubborn():
        say("running")
        while True:
            try:
                while True: pass
            except BaseException:
                pass

    def life""",
    )
    process = endless(model=model).start("run", "twin.toml")
    until(process, "running")
    process.send_signal(first)
    insist(process)
    code, _, errors = ended(process)
    assert (code, errors) == (130, "interrupted twice: not everything was written\n")


def test_a_second_sigint_ends_at_once_while_a_sink_hangs(endless):
    process = endless(sink="sinks:Stuck").start("run", "twin.toml")
    assert sorted(process.stdout.readline() for _ in range(2)) == ["running\n", "stuck\n"]
    insist(process)
    code, _, errors = ended(process)
    assert (code, errors.splitlines()[-1]) == (130, "interrupted twice: not everything was written")


def test_after_one_signal_a_sink_that_hangs_gets_its_time_and_no_more(endless):
    process = endless(sink="sinks:Stuck", more="drain_timeout = 0.3").start("run", "twin.toml")
    assert sorted(process.stdout.readline() for _ in range(2)) == ["running\n", "stuck\n"]
    process.send_signal(signal.SIGINT)
    code, _, errors = ended(process)
    assert code == 3
    assert " NOT WRITTEN" in errors.splitlines()[-1]


@each_signal
def test_a_first_signal_during_the_last_writing_gives_nothing_up(endless, number):
    short = ENDLESS.replace("while True:", "while number < 2:")
    process = endless(0, "sinks:Slow", more="seconds = 0.5", model=short).start("run", "twin.toml")
    until(process, "writing")
    process.send_signal(number)
    code, _, errors = ended(process)
    assert code == 0
    assert "interrupt again to give it up" in errors.splitlines()[0]
    assert [record["key"] for record in endless.records()] == ["part-1", "part-2"]


def test_sigterm_may_come_as_often_as_it_likes(endless):
    short = ENDLESS.replace("while True:", "while number < 2:")
    process = endless(0, "sinks:Slow", more="seconds = 0.5", model=short).start("run", "twin.toml")
    until(process, "writing")
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
    code, _, _ = ended(process)
    assert code == 0
    assert [record["key"] for record in endless.records()] == ["part-1", "part-2"]


def test_an_interruption_before_anything_has_begun_says_so(endless):
    model = "import sys, time\nprint('importing', flush=True)\ntime.sleep(60)\ndef build(env): pass\n"
    process = endless(model=model).start("run", "twin.toml")
    until(process, "importing")
    process.send_signal(signal.SIGINT)
    code, _, errors = ended(process)
    assert (code, errors) == (130, "interrupted before anything had begun\n")


def test_a_model_that_raises_still_writes_when_it_is_interrupted_meanwhile(endless):
    model = ENDLESS.replace(
        "if number == 3:", "if number == 3:\n                raise RuntimeError('the model is broken')"
    )
    process = endless(0, "sinks:Slow", more="seconds = 0.5", model=model).start("run", "twin.toml")
    until(process, "writing")
    process.send_signal(signal.SIGINT)
    code, _, errors = ended(process)
    assert code == 1
    assert "RuntimeError: the model is broken" in errors
    assert [record["key"] for record in endless.records()] == ["part-1", "part-2", "part-3"]


def test_a_model_that_does_not_come_to_the_end_of_an_event_is_said(endless):
    """One interrupt seems to have done nothing: it says what it waits for, and how to give up."""
    busy = """
        import sys, time

        def life(env):
            yield env.timeout(0)
            print("busy", flush=True)
            while True:
                time.sleep(0.1)

        def build(env):
            env.process(life(env))
    """
    process = endless(model=busy).start("run", "twin.toml")
    until(process, "busy")
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == (
        "stopping: an event of the model or a last write is not over; interrupt again to give up\n"
    )
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
