"""A real Redis, which keeps on disk what it has acknowledged."""

from __future__ import annotations

import socket
import ssl
import subprocess
from typing import TYPE_CHECKING

from tests.services.provisioning import Service
from tests.services.proxy import Proxy
from tests.services.server import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.services.certificates import Certificates

__all__ = ["SERVICE", "Redis"]

SERVICE = Service("Redis", "REDIS_URL", programs=("redis-server", "redis-cli"), packages=("redis-server",))


class Redis(Server):
    """One server of one's own.

    Args:
        folder: Its folder.
        options: Further options, as on its command line, such as ``("--requirepass", "secret")``.
        certificates: With these it speaks TLS, and nothing else.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        proxy: A proxy before it, started with the server.
    """

    def __init__(self, folder: Path, *options: str, certificates: Certificates | None = None) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.proxy = Proxy(self.port, port=free_port())
        self._options = options
        self._certificates = certificates

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        own = ["--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        kept = ["--appendonly", "yes", "--appendfsync", "always"]
        return ["redis-server", *self._port_options(), *own, *kept, *self._options]

    def ready(self) -> bool:
        """Return whether it answers, be it that it wants a password, and has read its file."""
        try:
            with self._connection() as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def _connection(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), 1)
        if self._certificates is None:
            return plain
        context = ssl.create_default_context(cafile=self._certificates.authority)
        with plain:  # which is empty once it is wrapped
            return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def _port_options(self) -> list[str]:
        if self._certificates is None:
            return ["--port", str(self.port)]
        files = self._certificates
        return [
            "--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no",
            "--tls-cert-file", str(files.certificate), "--tls-key-file", str(files.key),
            "--tls-ca-cert-file", str(files.authority),
        ]  # fmt: skip

    def cli(self, *arguments: str) -> str:
        """Return what ``redis-cli`` answers."""
        command = ["redis-cli", "-p", str(self.port), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
