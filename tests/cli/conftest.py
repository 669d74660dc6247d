import os
import signal
import subprocess
import sys
from textwrap import dedent

import pytest


class Twin:
    """A twin in a folder of its own, and the command line to run it with."""

    def __init__(self, path):
        self.path = path
        self.warnings = "error"
        self.processes = []

    def module(self, name, text):
        (self.path / f"{name}.py").write_text(dedent(text))
        return self

    def file(self, text, name="twin.toml"):
        (self.path / name).write_text(dedent(text))
        return self

    def command(self, *arguments):
        return [sys.executable, "-W", self.warnings, "-m", "dynamic_des", *map(str, arguments)]

    @property
    def environ(self):
        return {**os.environ, "PYTHONUNBUFFERED": "", "PYTHONFAULTHANDLER": ""}

    def __call__(self, *arguments, stdin=None, **environ):
        """Run a command to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            env={**self.environ, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def start(self, *arguments, **options):
        """Start a command that a test will signal."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        # a shell in the background starts its commands with SIGINT ignored, and that is inherited
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.path,
            env=self.environ,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            **options,
        )
        self.processes.append(process)
        return process


@pytest.fixture
def twin(tmp_path):
    twin = Twin(tmp_path)
    yield twin
    for process in twin.processes:
        process.kill()
        process.communicate()


def ended(process):
    """Wait for the end of a process; return its exit code and what it said on standard error."""
    output, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors or "RuntimeError: the model is broken" in errors, errors
    return process.returncode, output, errors
