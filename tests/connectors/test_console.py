"""ConsoleEgress: for people, for pipes, and when nobody reads any more."""

import io
import json
import subprocess
import sys
import textwrap

import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import ConsoleEgress
from dynamic_des.errors import ConfigError


def printed(capsys, publish, **options):
    with make_environment(factor=0) as env:
        env.setup_egress([ConsoleEgress(**options)])
        publish(env)
        env.run()
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_text_is_for_people(capsys):
    def publish(env):
        env.publish_event("task-1", {"status": "done", "wait": 1 / 3, "none": None, "parts": [1, 2]})
        env.publish_telemetry("L.lathe.utilization", 0.123456789)
        env.publish_telemetry("L.lathe.state", "übervoll")

    assert printed(capsys, publish) == (
        "[EVT] t=0.000 task-1: status=done wait=0.333333 parts=[1, 2]\n"
        "[TEL] t=0.000 L.lathe.utilization: 0.123457\n"
        "[TEL] t=0.000 L.lathe.state: übervoll\n"
    )


def test_json_is_one_document_a_line_of_the_whole_record(capsys):
    def publish(env):
        env.publish_event("task-1", {"status": "done"})
        env.publish_telemetry("x", object())
        env.publish_telemetry("x", float("nan"))

    first, second = printed(capsys, publish, format="json").splitlines()
    assert json.loads(first)["value"] == {"status": "done"}
    assert json.loads(second)["value"] is None
    assert set(json.loads(first)) == {"stream_type", "sim_ts", "timestamp", "key", "value", "seq"}


def test_system_records_may_be_left_out(capsys):
    def publish(env):
        env.post("L.variables.n", 1)

    assert printed(capsys, publish, system=False) == ""
    assert printed(capsys, publish).startswith("[TEL] t=0.000 system.changes: source=post status=applied")


def test_an_object_that_cannot_be_shown_does_not_stop_the_rest(capsys):
    class Shy:
        def __str__(self):
            raise RuntimeError("no")

        __repr__ = __str__

    def publish(env):
        env.publish_telemetry("x", Shy())
        env.publish_telemetry("x", 2)

    assert printed(capsys, publish) == "[TEL] t=0.000 x: <Shy>\n[TEL] t=0.000 x: 2\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_that_does_not_know_a_character_shows_its_number(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    with make_environment(factor=0) as env:
        env.setup_egress([ConsoleEgress()])
        env.publish_telemetry("x", "a → \ud800")
        env.publish_telemetry("x", "b")
    arrow = "→" if encoding == "utf-8" else "\\u2192"
    assert raw.getvalue().decode(encoding) == f"[TEL] t=0.000 x: a {arrow} \\ud800\n[TEL] t=0.000 x: b\n"


def test_without_standard_output_the_egress_fails_and_says_so(monkeypatch, caplog):
    monkeypatch.setattr(sys, "stdout", None)
    with make_environment(factor=0) as env:
        env.setup_egress([ConsoleEgress()])
        env.publish_telemetry("x", 1)
    assert "ConsoleEgress: this process has no standard output. Use FileEgress." in caplog.text


def test_a_standard_output_that_the_program_closed_is_no_endless_loop(monkeypatch, caplog):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    with make_environment(factor=0) as env:
        env.setup_egress([ConsoleEgress()])
        env.publish_telemetry("x", 1)
    assert "ConsoleEgress: standard output: I/O operation on closed file" in caplog.text


def test_an_unknown_format_is_refused():
    with pytest.raises(ConfigError, match=r"ConsoleEgress: format is 'yaml'\. Give 'text' or 'json'"):
        ConsoleEgress("yaml")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("factor", [0, 0.0001])
def test_when_the_reader_of_a_pipe_goes_the_run_goes_on_and_says_so_once(tmp_path, form, factor):
    script = textwrap.dedent(f"""
        from dynamic_des import ConsoleEgress, DynamicRealtimeEnvironment, FileEgress
        env = DynamicRealtimeEnvironment(factor={factor})
        env.setup_egress([ConsoleEgress({form!r}), FileEgress({str(tmp_path / "f")!r}, system=False)], batch_size=10)
        def model():
            for number in range(5000):
                env.publish_telemetry("x", number)
                yield env.timeout(1)
        env.process(model())
        env.run()
    """)
    twin = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    head = subprocess.run(["head", "-1"], stdin=twin.stdout, capture_output=True, timeout=30)
    twin.stdout.close()
    err = twin.stderr.read().decode()
    assert twin.wait(30) == 0
    twin.stderr.close()
    assert head.stdout.count(b"\n") == 1
    assert err.count("egress ConsoleEgress: failed: ConsoleEgress: whoever read the standard output has gone.") == 1
    assert "records are not written" in err
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert len((tmp_path / "f").read_bytes().splitlines()) == 5000
