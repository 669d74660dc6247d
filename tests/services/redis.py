"""A real Redis, which keeps on disk what it has acknowledged."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

from tests.services.provisioning import Service
from tests.services.proxy import Proxy
from tests.services.server import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["SERVICE", "Redis"]

SERVICE = Service("Redis", "REDIS_URL", programs=("redis-server", "redis-cli"), packages=("redis-server",))


class Redis(Server):
    """One server of one's own.

    Args:
        folder: Its folder.
        options: Further options, as on its command line, such as ``("--requirepass", "secret")``.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        proxy: A proxy before it, started with the server.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.proxy = Proxy(self.port, port=free_port())
        self._options = options

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        return ["redis-server", *own, "--appendonly", "yes", "--appendfsync", "always", *self._options]

    def ready(self) -> bool:
        """Return whether it answers, be it that it wants a password, and has read its file."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(1)
                connection.sendall(b"PING\r\n")
                return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def cli(self, *arguments: str) -> str:
        """Return what ``redis-cli`` answers."""
        command = ["redis-cli", "-p", str(self.port), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
