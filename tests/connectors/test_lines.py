"""LinesIngress: changes from a file that grows, from a pipe, from standard input."""

import json
import os
import subprocess
import sys
import textwrap
import threading

import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import LinesIngress, MemoryEgress
from dynamic_des.connectors.line_splitter import LineSplitter
from dynamic_des.errors import ConfigError


def line(value, path="L.variables.n"):
    return json.dumps({"path": path, "value": value}).encode() + b"\n"


def reports_of(env, path, **options):
    """Read what is there, to its end; return the reports."""
    egress = MemoryEgress()
    env.setup_egress([egress])
    env.setup_ingress([LinesIngress(path, **options)])
    env.run()
    return egress.system_values("system.changes")


class Follower:
    """An environment that follows a file, and a hand that does something to it once so many changes were dealt with."""

    def __init__(self, env, path, **options):
        self.env = env
        self.egress = MemoryEgress()
        self.ingress = LinesIngress(path, poll_interval=0.001, **options)
        self.positions = []
        env.setup_egress([self.egress], flush_interval=0)
        env.setup_ingress([self.ingress])
        self.source = env._bridge.sources[0]

    @property
    def values(self):
        changes = self.egress.system_values("system.changes")
        return [change["updates"][0][1] for change in changes if change["status"] == "applied"]

    def until(self, count):
        """Run until ``count`` messages were dealt with."""
        steering = self.env._steering

        def model():
            while steering.changes_applied + steering.changes_refused < count:
                yield self.env.timeout(0.001)

        self.env.run(until=self.env.process(model()))
        return self.values

    def look(self):
        """Give the ingress time to look at the file a few times."""
        seen = threading.Event()
        self.env._bridge._io.loop.call_soon_threadsafe(self.env._bridge._io.loop.call_later, 0.02, seen.set)
        assert seen.wait(10)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (line(1) + line(2), [1, 2]),
        (line(1) + line(2).rstrip(b"\n"), [1, 2]),
        (line(1).replace(b"\n", b"\r\n") + line(2).replace(b"\n", b"\r\n"), [1, 2]),
        (b"\n\n" + line(1) + b"  \r\n\t\n" + line(2) + b"\n", [1, 2]),
        (b"\xef\xbb\xbf" + line(1), [1]),
        (b"", []),
        (b"\n", []),
    ],
    ids=["lines", "no newline at the end", "CRLF", "empty lines", "byte order mark", "empty", "one empty line"],
)
def test_a_file_is_read_to_its_end(live_env, tmp_path, content, values):
    (tmp_path / "f").write_bytes(content)
    reports = reports_of(live_env, tmp_path / "f", follow=False)
    assert [report["status"] for report in reports] == ["applied"] * len(values)
    assert [report["updates"][0][1] for report in reports] == values


def test_garbage_is_refused_with_its_line_number_and_the_rest_goes_on(live_env, tmp_path):
    (tmp_path / "f").write_bytes(line(1) + b"\n{garbage\n\xff\xfe\n" + line(2) + b"half a line {")
    reports = reports_of(live_env, tmp_path / "f", follow=False)
    assert [report["status"] for report in reports] == ["applied", "refused", "refused", "applied", "refused"]
    assert reports[1]["reason"].startswith("LinesIngress (line 3): not JSON")
    assert reports[2]["reason"].startswith("LinesIngress (line 4): not JSON")
    assert reports[4]["reason"].startswith("LinesIngress (line 6): not JSON")


def test_an_endless_line_is_refused_and_the_rest_goes_on(live_env, tmp_path):
    (tmp_path / "f").write_bytes(line(1) + b"x" * 20_000_000 + b"\n" + line(2))
    reports = reports_of(live_env, tmp_path / "f", follow=False)
    assert [report["status"] for report in reports] == ["applied", "refused", "applied"]
    assert "LinesIngress (line 2): the message has 16777216 bytes; 1048576 are allowed" in reports[1]["reason"]


def test_a_followed_file_may_grow_line_by_line_and_in_pieces(live_env, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(line(1))
    follower = Follower(live_env, path)
    assert follower.until(1) == [1]
    with path.open("ab", buffering=0) as file:
        file.write(line(2))
        assert follower.until(2) == [1, 2]
        for piece in (line(3)[:5], line(3)[5:9], line(3)[9:] + line(4)[:3]):
            file.write(piece)
            follower.look()
        assert follower.until(3) == [1, 2, 3]
        file.write(line(4)[3:])
        assert follower.until(4) == [1, 2, 3, 4]


def test_a_file_that_is_missing_at_first_is_waited_for(live_env, tmp_path):
    follower = Follower(live_env, tmp_path / "f")
    follower.look()
    (tmp_path / "f").write_bytes(line(1))
    assert follower.until(1) == [1]


def test_a_truncated_file_is_read_from_its_beginning(live_env, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(line(1) + line(2))
    follower = Follower(live_env, path)
    follower.until(2)
    path.write_bytes(b"")
    follower.look()
    path.write_bytes(line(3))
    assert follower.until(3) == [1, 2, 3]


def test_a_replaced_file_is_read_from_its_beginning_after_the_rest_of_the_old_one(live_env, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(line(1))
    follower = Follower(live_env, path)
    follower.until(1)
    for number in range(2, 22, 2):
        with path.open("ab") as file:
            file.write(line(number).rstrip(b"\n"))
        (tmp_path / "new").write_bytes(line(number + 1))
        (tmp_path / "new").replace(path)
        follower.until(number + 1)
    assert follower.values == list(range(1, 22))


def test_a_removed_file_is_waited_for(live_env, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(line(1))
    follower = Follower(live_env, path)
    follower.until(1)
    path.unlink()
    follower.look()
    path.write_bytes(line(2))
    assert follower.until(2) == [1, 2]


def test_positions_are_offset_and_line_number_after_the_line(tmp_path):
    path = tmp_path / "f"
    content = line(1) + b"\n" + line(2).replace(b"\n", b"\r\n") + line(3).rstrip(b"\n")
    path.write_bytes(content)
    told = []

    class Telling(LinesIngress):
        async def applied(self, position):
            told.append(position[self.path])

    with make_environment(factor=1) as env:
        env.setup_ingress([Telling(path, follow=False)])
        env.run()
    assert told[-1] == (len(content), 4)


@pytest.mark.parametrize("lines_before", [0, 1, 2, 3])
def test_it_goes_on_after_the_position_it_is_given(live_env, tmp_path, lines_before):
    path = tmp_path / "f"
    path.write_bytes(line(1) + line(2) + line(3))
    # as a store that knows only JSON gives it back
    positions = {str(path): [len(line(1)) * lines_before, lines_before]}

    class GoingOn(LinesIngress):
        async def open(self, run):
            run.positions.update(positions)
            await super().open(run)

    egress = MemoryEgress()
    live_env.setup_egress([egress])
    live_env.setup_ingress([GoingOn(path, follow=False)])
    live_env.run()
    assert [c["updates"][0][1] for c in egress.system_values("system.changes")] == [1, 2, 3][lines_before:]


def test_a_file_shorter_than_the_position_is_read_from_its_beginning(live_env, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"garbage\n" + line(1))

    class GoingOn(LinesIngress):
        async def open(self, run):
            run.positions[self.path] = (1000, 50)
            await super().open(run)

    egress = MemoryEgress()
    live_env.setup_egress([egress])
    live_env.setup_ingress([GoingOn(path, follow=False)])
    live_env.run()
    refused, applied = egress.system_values("system.changes")
    assert "(line 1)" in refused["reason"]
    assert applied["status"] == "applied"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("there", [True, False])
def test_a_named_pipe_is_read_until_its_writer_ends(live_env, tmp_path, there):
    path = tmp_path / "pipe"
    if there:
        os.mkfifo(path)

    def write():
        with path.open("wb", buffering=0) as pipe:
            pipe.write(line(1) + line(2)[:7])
            pipe.write(line(2)[7:] + line(3).rstrip(b"\n"))

    egress = MemoryEgress()
    live_env.setup_egress([egress])
    live_env.setup_ingress([LinesIngress(path, poll_interval=0.001)])
    if not there:
        os.mkfifo(path)
    writer = threading.Thread(target=write)
    writer.start()
    live_env.run()
    writer.join()
    assert [c["updates"][0][1] for c in egress.system_values("system.changes")] == [1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("written", [None, b"", line(1), line(1)[:5]])
def test_a_named_pipe_that_stays_open_or_has_no_writer_does_not_hold_up_the_end(tmp_path, written):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with make_environment(factor=1) as env:
        env.setup_ingress([LinesIngress(path)])
        writer = None if written is None else os.open(path, os.O_WRONLY)
        if written:
            os.write(writer, written)
        env.run(until=0.02)
    if writer is not None:
        os.close(writer)


def test_an_ingress_may_be_used_in_one_environment_after_the_other(tmp_path):
    (tmp_path / "f").write_bytes(line(1))
    ingress = LinesIngress(tmp_path / "f", follow=False)
    for _ in range(2):
        with make_environment(factor=1) as env:
            env.setup_ingress([ingress])
            env.run()
            assert env.registry.get("L.variables.n").value == 1


SCRIPT = textwrap.dedent("""
    import sys
    from dynamic_des import ConsoleEgress, DynamicRealtimeEnvironment, LinesIngress, SimParameter
    env = DynamicRealtimeEnvironment(factor=float(sys.argv[1]), lag_monitor_interval=0)
    env.registry.register_sim_parameter(SimParameter("L", variables={"n": 0}))
    env.setup_egress([ConsoleEgress(system=False)], flush_interval=0)
    env.setup_ingress([LinesIngress()])
    def model():
        while True:
            env.publish_telemetry("n", env.registry.get("L.variables.n").value)
            yield env.registry.get("L.variables.n").wait_for_change()
    env.process(model())
    env.run(until=env.event() if sys.argv[2] == "for ever" else float(sys.argv[2]))
""")


def start(factor, until, **options):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(factor), str(until)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_standard_input_steers_a_twin():
    process = start(1, 3600)
    assert process.stdout.readline().endswith(b"n: 0\n")
    for number in range(1, 4):
        process.stdin.write(line(number))
        process.stdin.flush()
        assert process.stdout.readline().endswith(b"n: %d\n" % number)
    process.send_signal(2)
    _, err = process.communicate(timeout=30)
    assert err.splitlines()[-1].endswith((b"KeyboardInterrupt", b"Interrupted"))


def test_at_factor_0_lines_with_a_time_are_exact_when_they_come_first():
    process = start(0, 100)
    content = b"".join(
        json.dumps({"path": "L.variables.n", "value": number, "at": number * 10}).encode() + b"\n"
        for number in range(1, 4)
    )
    out, err = process.communicate(content, timeout=30)
    # what a run flat out gets before it is over is a matter of luck; what it gets is at its time
    for text in out.decode().splitlines()[1:]:
        number = int(text.rsplit(" ", 1)[1])
        assert f"t={number * 10}.000" in text
    assert (process.returncode, err) == (0, b"")


def test_the_end_of_standard_input_ends_the_waiting():
    process = start(0.001, "for ever")
    out, err = process.communicate(line(5).rstrip(b"\n"), timeout=30)
    assert out.endswith(b"n: 5\n")
    assert b'No scheduled events left but "until" event was not triggered' in err


def test_standard_input_that_stays_open_does_not_keep_the_interpreter():
    process = start(0.001, 1)
    assert process.wait(30) == 0  # with standard input still open
    out, err = process.communicate()
    assert out.endswith(b"n: 0\n")
    assert err == b""


def test_standard_input_from_a_file(tmp_path):
    (tmp_path / "f").write_bytes(line(1) + line(2))
    with (tmp_path / "f").open("rb") as file:
        process = subprocess.run(
            [sys.executable, "-W", "error", "-c", SCRIPT, "1", "0.2"], stdin=file, capture_output=True, timeout=30
        )
    assert (process.returncode, process.stderr) == (0, b"")
    assert process.stdout.endswith(b"n: 2\n")


def test_without_standard_input_the_ingress_fails_and_says_so():
    script = f"import sys\nsys.stdin = None\n{SCRIPT}"
    process = subprocess.run(
        [sys.executable, "-c", script, "0.001", "1"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30
    )
    assert process.returncode == 0
    assert b"ingress LinesIngress: failed: LinesIngress: this process has no standard input" in process.stderr


def test_a_folder_is_refused(live_env, tmp_path, caplog):
    reports_of(live_env, tmp_path)
    assert f"ingress LinesIngress: failed: LinesIngress: {tmp_path} is a folder" in caplog.text


def test_a_missing_file_that_is_not_followed_is_refused(live_env, tmp_path, caplog):
    reports_of(live_env, tmp_path / "f", follow=False)
    assert f"there is no file {tmp_path / 'f'}. Create it, or let follow be true." in caplog.text


@pytest.mark.parametrize("interval", [0, -1, "1", True, float("nan")])
def test_an_interval_that_makes_no_sense_is_refused(interval):
    with pytest.raises(ConfigError, match="poll_interval is"):
        LinesIngress("f", poll_interval=interval)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_the_same_however_they_are_cut(size):
    content = b"\xef\xbb\xbfa\r\n\nbc\n\r\r\nlast"
    splitter, lines = LineSplitter(0, 0), []
    for start_at in range(0, len(content), size):
        lines.extend(splitter.feed(content[start_at : start_at + size]))
    lines.extend(splitter.rest())
    assert lines == [(b"a", 6, 1), (b"", 7, 2), (b"bc", 10, 3), (b"", 13, 4), (b"last", 17, 5)]
