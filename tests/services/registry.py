"""A real schema registry with Confluent's interface: Apicurio."""

from __future__ import annotations

import json
import tarfile
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from tests.services.maven import Artifact, fetch
from tests.services.provisioning import Service, cache
from tests.services.proxy import Proxy
from tests.services.server import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SERVICE", "SchemaRegistry"]

VERSION = "2.6.13.Final"
_ARTIFACT = Artifact("io.apicurio", "apicurio-registry-app", VERSION, "tar.gz", "all")
_API = "/apis/ccompat/v7"


def _home() -> Path:
    return cache() / f"apicurio-{VERSION}"


def _runner() -> Path | None:
    return next(_home().glob("**/*-runner.jar"), None) if _home().exists() else None


class SchemaRegistry(Server):
    """One registry of one's own; what it was told outlives a kill.

    Attributes:
        url: Its address.
        proxy: A proxy before it, started with it.
        proxied: Its address through the proxy.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self.proxy = Proxy(self._port, port=free_port())
        self.url = f"http://127.0.0.1:{self._port}{_API}"
        self.proxied = f"http://127.0.0.1:{self.proxy.port}{_API}"

    def start(self) -> SchemaRegistry:
        super().start()
        # what it is told for all subjects; Confluent's own begins with this, this one with NONE
        rule = json.dumps({"compatibility": "BACKWARD"}).encode()
        kind = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/config", rule, kind, method="PUT"), timeout=10):
            pass
        return self

    def command(self) -> Sequence[str]:
        return [
            "java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            f"-Dquarkus.http.port={self._port}", "-Dquarkus.http.host=127.0.0.1",
            # H2 in a file, written at once, so that a killed registry comes back with what it had
            f"-Dquarkus.datasource.jdbc.url=jdbc:h2:file:{self.folder / 'registry'};WRITE_DELAY=0",
            "-Dquarkus.log.level=WARN", "-Dquarkus.banner.enabled=false",
            "-jar", str(_runner()),
        ]  # fmt: skip

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False


def _fetch() -> None:
    _home().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_home().parent, prefix="fetching-") as place:
        fetch([_ARTIFACT], Path(place, "archive"), dependencies=False)
        [archive] = Path(place, "archive").iterdir()
        with tarfile.open(archive) as packed:
            packed.extractall(Path(place, "app"), filter="data")
        Path(place, "app").replace(_home())


SERVICE = Service(
    "Schema registry",
    "SCHEMA_REGISTRY_URL",
    programs=("java", "mvn"),
    packages=("openjdk-17-jre-headless", "maven"),
    fetched=lambda: _runner() is not None,
    fetch=_fetch,
)
