"""The base of the servers, with a web server of Python's as the server."""

import os
import socket
import subprocess
import sys
import textwrap
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from tests.services.server import Server, free_port

from dynamic_des.testing.waiting import wait_until


class Web(Server):
    start_timeout_s = 20.0

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()

    def command(self):
        return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(self.port)]

    def ready(self):
        return self.answers(1)

    def answers(self, patience_s):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=patience_s) as answer:
            return answer.status == 200
        return False


class Broken(Web):
    def command(self):
        return [sys.executable, "-c", "print('no disk left', flush=True); raise SystemExit(3)"]


@pytest.fixture
def web(tmp_path):
    server = Web(tmp_path / "web").start()
    yield server
    server.kill()


def test_a_started_server_answers_and_a_killed_one_does_not(web):
    assert web.answers(5)
    web.kill()
    assert not web.running
    assert not web.answers(0.2)


def test_a_restarted_server_is_another_process_on_the_same_port(web):
    pid, port = web.pid, web.port
    web.restart()
    assert (web.pid != pid, web.port == port, web.answers(5)) == (True, True, True)


def test_a_paused_server_accepts_and_says_nothing_until_it_is_resumed(web):
    web.pause()
    with socket.create_connection(("127.0.0.1", web.port), 1):
        pass
    assert not web.answers(0.2)
    web.resume()
    assert web.answers(5)


def test_a_paused_server_can_be_stopped(web):
    web.pause()
    web.stop()
    assert not web.running


def test_a_server_that_does_not_start_shows_what_it_said(tmp_path):
    with pytest.raises(RuntimeError, match="Broken ended at once:\nno disk left"):
        Broken(tmp_path).start()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone ties the two together")
def test_a_server_ends_when_the_tests_are_killed(tmp_path):
    script = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        from tests.services.test_server import Web
        print(Web(Path({str(tmp_path)!r})).start().pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=Path.cwd())
    pid = int(done.stdout)

    def gone():
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return True

    assert wait_until(gone, 10)
