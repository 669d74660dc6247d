"""A real PostgreSQL, from Debian's package."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.services.provisioning import Service
from tests.services.proxy import Proxy
from tests.services.server import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.services.certificates import Certificates

__all__ = ["SERVICE", "Postgres"]


def _program(name: str) -> str:
    """Return a program of the newest PostgreSQL on the machine; Debian keeps them apart from the others."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else name


def _as_nobody() -> list[str]:
    """Return what lets a command run as ``nobody`` where the tests run as root; it still ends with the tests."""
    if os.geteuid() != 0:
        return []
    group = pwd.getpwnam("nobody").pw_gid
    return ["setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", "--pdeathsig=KILL"]


SERVICE = Service(
    "PostgreSQL",
    "POSTGRES_DSN",
    programs=(_program("initdb"), _program("postgres"), "psql"),
    packages=("postgresql", "postgresql-client"),
)


class Postgres(Server):
    """One server of one's own. Never as root: it is given to the user ``nobody``.

    Args:
        folder: Its folder.
        password: What the user ``postgres`` has to say; nothing when None.
        certificates: With these it speaks TLS, to who asks for it.
        settings: Further lines of its configuration.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        proxy: A proxy before it, started with the server.
    """

    def __init__(
        self, folder: Path, *, password: str | None = None, certificates: Certificates | None = None, **settings: str
    ) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.proxy = Proxy(self.port, port=free_port())
        self._password = password
        self._settings = settings
        # not below pytest's folder, which is for the user who runs the tests alone
        self._place = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._data = self._place / "data"
        if os.geteuid() == 0:
            shutil.chown(self._place, "nobody")
        self._make()
        if certificates is not None:
            self._settings = {**settings, **self._keep(certificates)}

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return self.dsn(password=self._password or "")

    def dsn(self, port: int | None = None, *, user: str = "postgres", password: str = "") -> str:
        """Return its address, or that of a proxy."""
        return f"postgresql://{user}{password and f':{password}'}@127.0.0.1:{port or self.port}/postgres"

    def start(self) -> Postgres:
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        super().start()
        return self

    def kill(self) -> None:
        """End it and the processes it has started without a warning, as a power cut would."""
        if self.running:
            super().pause()  # so that it starts no further one meanwhile
        children = self._children()
        super().kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.wait_until(lambda: not any(map(_lives, children)), 20)  # they hold its memory, which hinders the next one

    def pause(self) -> None:
        """Freeze it with all its processes: connections stay open, nothing answers."""
        super().pause()
        for child in self._children():
            os.kill(child, signal.SIGSTOP)

    def resume(self) -> None:
        for child in self._children():
            os.kill(child, signal.SIGCONT)
        super().resume()

    def close(self) -> None:
        """End server and proxy; nothing of it is needed any more."""
        super().close()
        shutil.rmtree(self._place, ignore_errors=True)

    def command(self) -> Sequence[str]:
        settings = {"fsync": "off", "full_page_writes": "off", "max_connections": "50", **self._settings}
        own = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        place = ["-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        return [*_as_nobody(), _program("postgres"), *place, *own]

    def ready(self) -> bool:
        """Return whether it asks for a password or lets in (protocol 3.0), and does not refuse."""
        words = b"user\0postgres\0database\0postgres\0\0"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(1)
                connection.sendall(struct.pack(">ii", 8 + len(words), 196608) + words)
                return connection.recv(1) == b"R"
        except OSError:
            return False

    def psql(self, sql: str) -> str:
        """Return what ``psql`` answers."""
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url]
        return subprocess.run(
            [*command, "-c", sql], check=True, capture_output=True, text=True, timeout=30
        ).stdout.strip()

    def _children(self) -> list[int]:
        if not self.running:
            return []
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def _make(self) -> None:
        """Make its folder: a copy of one that is made once for all servers of these tests."""
        copy = ["cp", "--archive", str(_made(self._password)), str(self._data)]
        subprocess.run(copy, check=True, capture_output=True, timeout=60)

    def _keep(self, certificates: Certificates) -> dict[str, str]:
        """Give it the files, as it wants them: its own, and nobody else's."""
        for file in (certificates.certificate, certificates.key):
            own = Path(shutil.copy(file, self._place))
            own.chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(own, "nobody")
        certificate, key = (str(self._place / file.name) for file in (certificates.certificate, certificates.key))
        return {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key}


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


@cache
def _made(password: str | None) -> Path:
    """Return a folder as ``initdb`` makes it, which takes seconds; gone at the end of the process."""
    # not below pytest's folder, which is for the user who runs the tests alone
    place = Path(tempfile.mkdtemp(prefix="postgres-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    if os.geteuid() == 0:
        shutil.chown(place, "nobody")
    words = place / "password"
    words.write_text(password or "")
    words.chmod(0o644)
    how = ["-A", "scram-sha-256", f"--pwfile={words}"] if password else ["-A", "trust"]
    command = [_program("initdb"), "-D", str(place / "data"), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
    done = subprocess.run([*_as_nobody(), *command, *how], capture_output=True, text=True, cwd=place, timeout=120)
    if done.returncode:
        raise RuntimeError(f"PostgreSQL's folder could not be made: {done.stdout}{done.stderr}")
    return place / "data"
