"""A real Apache Kafka: one node that is broker and controller (KRaft)."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import struct
import subprocess
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tests.services.maven import Artifact, fetch
from tests.services.provisioning import Service, cache
from tests.services.proxy import Proxy
from tests.services.server import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["SERVICE", "Kafka"]

VERSION = "4.3.1"
_JARS = (
    Artifact("org.apache.kafka", "kafka_2.13", VERSION),
    Artifact("org.slf4j", "slf4j-simple", "1.7.36"),  # without a binding the broker dies without a word
)
_JAVA = (
    "java", "-Xmx256m", "-Xms64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
)  # fmt: skip
_PROPERTIES = Path(__file__).with_name("kafka.properties")
# one real format wrote it; without it the broker refuses the newer kind of consumer group
_BOOTSTRAP = "bootstrap.checkpoint"


def _home() -> Path:
    return cache() / f"kafka-{VERSION}"


def _classpath() -> str:
    return ":".join(sorted(map(str, (_home() / "lib").glob("*.jar"))))


def _archive() -> Path:
    """Return the class-data archive for this Java: it takes a start from 1.8 to 0.7 s."""
    java = Path(shutil.which("java") or "java").resolve()
    return _home() / f"classes-{java.parents[1].name if len(java.parents) > 1 else 'java'}.jsa"


class Kafka(Server):
    """One broker of one's own.

    Args:
        folder: Its folder.
        listeners: Further listeners, name → protocol, such as ``{"SECURE": "SASL_SSL"}``; see `address`.
        properties: Further lines of its configuration.
        users: Names and passwords for SCRAM-SHA-256.

    Attributes:
        bootstrap: The plain address, ``host:port``.
        proxy: A proxy before a listener of its own, started with the broker.
        proxied: The address through the proxy. A client that starts there is told no other.
    """

    def __init__(
        self,
        folder: Path,
        *,
        listeners: Mapping[str, str] | None = None,
        properties: str = "",
        users: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder)
        protocols = {"PLAINTEXT": "PLAINTEXT", "PROXIED": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **(listeners or {})}
        self._ports = {name: free_port() for name in protocols}
        self.proxy = Proxy(self._ports["PROXIED"], port=free_port())
        self.bootstrap = self.address("PLAINTEXT")
        self.proxied = f"127.0.0.1:{self.proxy.port}"
        self._data = folder / "data"
        self._configuration = folder / "server.properties"
        self._configuration.write_text(self._lines(protocols) + _PROPERTIES.read_text() + properties)
        self._more: tuple[str, ...] = ()
        self._format(users or {})

    def address(self, listener: str) -> str:
        """Return the address of a listener, ``host:port``."""
        return f"127.0.0.1:{self._ports[listener]}"

    def start(self) -> Kafka:
        super().start()
        if self.proxy.closed:
            self.proxy.start()
        return self

    def resume(self) -> None:
        """Let it go on, and wait until it has answered for a while without a break.

        After a long pause it answers at first from what it knew, is then shut out by its own controller for having
        been silent, and let in again.
        """
        super().resume()
        since = time.monotonic()

        def settled() -> bool:
            nonlocal since
            if not self.ready():
                since = time.monotonic()
            return time.monotonic() - since > 0.6

        self.wait_until(settled, self.start_timeout_s)

    def close(self) -> None:
        """End broker and proxy; nothing of it is needed any more."""
        self.kill()
        self.proxy.close()

    def command(self) -> Sequence[str]:
        archive = _archive()
        shared = (f"-XX:SharedArchiveFile={archive}", "-Xlog:disable") if archive.exists() else ()
        return [*_JAVA, *shared, *self._more, "-cp", _classpath(), "kafka.Kafka", str(self._configuration)]

    def ready(self) -> bool:
        """Return whether there is a broker in the answer to a request for metadata of no topic (version 4)."""
        try:
            with socket.create_connection(("127.0.0.1", self._ports["PLAINTEXT"]), 1) as connection:
                connection.settimeout(1)
                connection.sendall(struct.pack(">ihhih3sib", 18, 3, 4, 1, 3, b"lab", 0, 0))
                answer = connection.makefile("rb")
                (size,) = struct.unpack(">i", answer.read(4))
                (brokers,) = struct.unpack(">i", answer.read(size)[8:12])
                return bool(brokers >= 1)
        except (OSError, struct.error):
            return False

    def archive_classes(self) -> None:
        """Run once from start to end, to write the archive that the next starts are faster with."""
        new = self.folder / "classes.jsa"
        self._more = (f"-XX:ArchiveClassesAtExit={new}", "-Xlog:disable")
        self.start()
        self.stop()
        self.proxy.close()
        if new.exists():
            shutil.move(new, _archive().with_suffix(f".{os.getpid()}"))
            _archive().with_suffix(f".{os.getpid()}").replace(_archive())

    def _lines(self, protocols: Mapping[str, str]) -> str:
        addresses = {name: f"{name}://{self.address(name)}" for name in protocols}
        advertised = {**addresses, "PROXIED": f"PROXIED://127.0.0.1:{self.proxy.port}"}
        del advertised["CONTROLLER"]
        lines = {
            "controller.quorum.voters": f"1@{self.address('CONTROLLER')}",
            "listeners": ",".join(addresses.values()),
            "advertised.listeners": ",".join(advertised.values()),
            "listener.security.protocol.map": ",".join(f"{name}:{how}" for name, how in protocols.items()),
            "log.dirs": str(self._data),
        }
        return "".join(f"{key}={value}\n" for key, value in lines.items())

    def _format(self, users: Mapping[str, str]) -> None:
        """Prepare the data folder; by hand where that is enough, which saves a second."""
        self._data.mkdir()
        known = _home() / _BOOTSTRAP
        if known.exists() and not users:
            shutil.copy(known, self._data)
            meta = {"version": 1, "cluster.id": _identity(), "node.id": 1, "directory.id": _identity()}
            (self._data / "meta.properties").write_text("".join(f"{key}={value}\n" for key, value in meta.items()))
            return
        command = [*_JAVA, "-cp", _classpath(), "kafka.tools.StorageTool", "format", "-t", _identity()]
        for user, password in users.items():
            command += ["--add-scram", f"SCRAM-SHA-256=[name={user},password={password}]"]
        done = subprocess.run([*command, "-c", str(self._configuration)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"Kafka's folder could not be formatted: {done.stdout}{done.stderr}")
        if not users:
            shutil.copy(self._data / _BOOTSTRAP, known)


def _identity() -> str:
    """Return an id as Kafka writes them: never with a hyphen in front, which would make an option of it."""
    while (identity := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return identity


def _fetched() -> bool:
    return (_home() / "lib").exists() and (_home() / _BOOTSTRAP).exists()


def _fetch() -> None:
    import tempfile

    fetch(list(_JARS), _home() / "lib")
    with tempfile.TemporaryDirectory() as folder:
        Kafka(Path(folder) / "kafka").archive_classes()


SERVICE = Service(
    "Kafka",
    "KAFKA_BOOTSTRAP_SERVERS",
    programs=("java", "mvn"),
    packages=("openjdk-17-jre-headless", "maven"),
    fetched=_fetched,
    fetch=_fetch,
)
