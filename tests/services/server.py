"""A server process for tests: on a free loopback port, in a temporary folder, and gone when the tests are."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.services.proxy import Proxy

__all__ = ["Server", "free_port"]

_LOOK_EVERY_S = 0.02
# Linux ends a process together with the thread that started it: a killed pytest leaves no server behind. Set in the
# child, before it becomes the server, without preexec_fn, which Python warns about where there are threads.
_BOUND = (
    "import ctypes, os, signal, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


def free_port() -> int:
    """Return a loopback port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One server process. Derive from it: `command` says what to start, `ready` whether it answers.

    Start it from a thread that lives as long as the server is to live: Linux ends the two together.

    Attributes:
        folder: Its own, temporary; the log is in it.
        proxy: A proxy before it, if it has one: started with it.
    """

    start_timeout_s = 60.0
    proxy: Proxy | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """Return what to start."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Return whether it answers. Must not take longer than two seconds."""
        raise NotImplementedError

    def options(self) -> dict[str, object]:
        """Return further arguments for `subprocess.Popen`, such as ``user``."""
        return {}

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None, "it was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """Return the end of what it has written."""
        file = self.folder / "server.log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOUND, *map(str, self.command())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self.options(),  # type: ignore[call-overload]
            )
        try:
            self.wait_until(lambda: self.ready() or not self.running, self.start_timeout_s)
        except BaseException:
            self.kill()
            raise
        if not self.running:
            raise RuntimeError(f"{type(self).__name__} ended at once:\n{self.log()}")
        if self.proxy is not None and self.proxy.closed:
            self.proxy.start()
        return self

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a warning, as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Kill it, and start it again on the same ports with the same data."""
        self.kill()
        return self.start()

    def close(self) -> None:
        """End it and its proxy; nothing of it is needed any more."""
        self.kill()
        if self.proxy is not None:
            self.proxy.close()

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""
        assert self._process is not None, "it was not started"
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, and wait until it answers."""
        assert self._process is not None, "it was not started"
        self._process.send_signal(signal.SIGCONT)
        self.wait_until(self.ready, self.start_timeout_s)

    def wait_until(self, condition: Callable[[], bool], limit_s: float) -> None:
        """Look again and again until ``condition`` holds."""
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{type(self).__name__} did not get there within {limit_s:g} s:\n{self.log()}")
            time.sleep(_LOOK_EVERY_S)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)  # a frozen one would not hear it
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
