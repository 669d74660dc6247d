"""Where the output goes: a pipe that is closed, no output at all, a full disk, a terminal."""

import os
import re
import shlex
import subprocess
import sys

import pytest
from tests.cli.conftest import ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell, pipes and terminals of Unix")

MODEL = """
    import sys

    def build(env):
        def life():
            number = 0
            while number < LAST:
                number += 1
                env.publish_event(f"part-{number}", {"text": "x" * 50})
                yield env.timeout(0.01)
        env.process(life())
"""
FILE = """
    [simulation]
    name = "x"
    model = "model:build"
    factor = {factor}
    {until}
    [egress.screen]
    type = "console"
    flush_interval = 0.02
    drain_timeout = 1
"""


@pytest.fixture
def printing(twin):
    """A function that prepares a twin that prints, and runs a command line of the shell with it as $DES."""

    def run(line, factor=0, last=20_000, more="", until=""):
        twin.module("model", MODEL.replace("LAST", str(last))).file(FILE.format(factor=factor, until=until) + more)
        des = shlex.join(twin.command())
        script = f'set -o pipefail; {line.replace("$DES", des)}; echo "${{PIPESTATUS[@]}}" >&2'
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=twin.path,
            env=twin.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        twin.processes.append(process)
        _, output, errors = ended(process)
        assert "Exception ignored" not in errors
        *said, codes = errors.splitlines()
        return output.splitlines(), said, codes.split()

    return run


def test_a_reader_that_has_seen_enough_of_a_fast_run_gets_no_traceback(printing):
    output, said, codes = printing("$DES run twin.toml | head -1")
    assert output == [f"[EVT] t=0.000 part-1: text={'x' * 50}"]
    assert codes == ["3", "0"]
    assert any(
        re.match(
            r"egress screen: \d+ written, .* NOT WRITTEN \(ConsoleEgress: whoever read the standard output has gone", s
        )
        for s in said
    )


def test_a_reader_that_has_seen_enough_of_an_endless_run_ends_it(printing):
    output, said, codes = printing("$DES run twin.toml | head -1", factor=1, last=10**9)
    assert output == [f"[EVT] t=0.000 part-1: text={'x' * 50}"]
    assert "nobody reads standard output any more: the run ends" in said
    assert codes[1] == "0"


def test_with_another_egress_the_run_goes_on_without_its_reader(printing, twin):
    more = '    [egress.kept]\n    type = "file"\n    path = "out.jsonl"\n    system = false\n'
    _, said, codes = printing("$DES run twin.toml | head -1", factor=1, last=40, more=more)
    assert "egress kept: 40 written, 0 retried, 0 set aside, 0 dropped" in said
    assert len((twin.path / "out.jsonl").read_text().splitlines()) == 40
    assert codes == ["3", "0"]


def test_nobody_may_be_listening_to_anything(printing):
    output, said, codes = printing("$DES run twin.toml 2>&1 | head -1")
    assert len(output) == 1
    assert said == []
    assert codes[1] == "0"


def test_without_standard_output_the_rest_still_works(printing):
    _, said, codes = printing("$DES run twin.toml >&-", last=5)
    assert codes == ["3"]
    assert any("this process has no standard output. Use FileEgress." in line for line in said)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110 - a device
def test_a_full_disk_is_reported_and_not_raised(printing):
    _, said, codes = printing("$DES run twin.toml > /dev/full", last=5)
    assert codes == ["3"]
    assert any("NOT WRITTEN (OSError: [Errno 28] No space left on device)" in line for line in said)


def test_other_commands_bear_a_reader_that_leaves(printing):
    output, said, codes = printing("$DES schema | head -1")
    assert output == ["{"]
    assert said == []
    assert codes[1] == "0"


def on_terminal(twin, *arguments, stdout_too=False):
    """Run a command with standard error on a terminal; return what was shown there, and the exit code."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        twin.command(*arguments),
        cwd=twin.path,
        env={**twin.environ, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs if stdout_too else subprocess.DEVNULL,
        stderr=theirs,
    )
    twin.processes.append(process)
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    return shown.decode(), process.wait(60)


@pytest.fixture
def watched(twin):
    def prepare(factor=0.5, last=10**9, until="until = 1", sink='type = "memory"'):
        twin.module("model", MODEL.replace("LAST", str(last)))
        return twin.file(
            f"""
            [simulation]
            name = "x"
            model = "model:build"
            factor = {factor}
            {until}
            [egress.kept]
            {sink}
            """
        )

    return prepare


def test_a_finite_run_on_a_terminal_shows_how_far_it_is(watched):
    shown, code = on_terminal(watched(), "run", "twin.toml")
    assert code == 0
    assert re.search(r"x  \[#+-+\] +\d+%", shown)
    assert "100%" in shown
    assert "x: ended at t=1; 100 events" in shown


def test_a_run_without_an_end_shows_no_bar(watched):
    shown, code = on_terminal(watched(last=20, until=""), "run", "twin.toml")
    assert (code, "%" in shown) == (0, False)


def test_a_terminal_that_shows_the_records_shows_no_bar(watched):
    twin = watched(sink='type = "console"')
    shown, code = on_terminal(twin, "run", "twin.toml", stdout_too=True)
    assert (code, "%" in shown, "[EVT] t=0.000 part-1" in shown) == (0, False, True)
    shown, code = on_terminal(twin, "run", "twin.toml")
    assert (code, "%" in shown) == (0, True)


def test_without_a_terminal_there_is_no_bar(watched):
    done = watched()("run", "twin.toml")
    assert (done.returncode, "%" in done.stderr) == (0, False)


def test_a_warning_takes_the_place_of_the_bar_and_is_not_written_into_it(watched):
    twin = watched(sink='type = "noisy:Noisy"')
    twin.module(
        "noisy",
        """
        import logging
        from dynamic_des import MemoryEgress
        class Noisy(MemoryEgress):
            async def write(self, batch): logging.getLogger("noisy").warning("look here")
        """,
    )
    shown, _ = on_terminal(twin, "run", "twin.toml")
    assert "\r\x1b[KWARNING look here\r\n" in shown
