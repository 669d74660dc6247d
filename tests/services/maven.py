"""Fetching from Maven Central, through the user's own Maven and its settings."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

__all__ = ["Artifact", "fetch"]

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>services</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


@dataclass(frozen=True)
class Artifact:
    """Coordinates, as Maven has them."""

    group: str
    name: str
    version: str
    type: str = "jar"
    classifier: str = ""

    def xml(self) -> str:
        """Return the element of a pom."""
        fields = {
            "groupId": self.group,
            "artifactId": self.name,
            "version": self.version,
            "type": self.type,
            "classifier": self.classifier,
        }
        inside = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in fields.items() if value)
        return f"<dependency>{inside}</dependency>"


def fetch(artifacts: list[Artifact], folder: Path, *, dependencies: bool = True) -> None:
    """Put artifacts, and what they depend on, into a new folder: complete, or not there at all.

    Args:
        artifacts: What to fetch.
        folder: The folder; left alone when it is there.
        dependencies: Also what they depend on.

    Raises:
        RuntimeError: With what Maven said, if it cannot.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as place:
        pom, new = Path(place, "pom.xml"), Path(place, "files")
        pom.write_text(_POM.format(dependencies="".join(one.xml() for one in artifacts)))
        command = ["mvn", "-B", "-ntp", "-q", "-f", str(pom), _COPY, f"-DoutputDirectory={new}"]
        command += ["-DincludeScope=runtime", f"-DexcludeTransitive={str(not dependencies).lower()}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError("mvn did not end within 300 s. Is Maven Central reachable?") from error
        if done.returncode:
            raise RuntimeError(f"mvn could not fetch {artifacts[0].name}: {(done.stdout + done.stderr)[-1500:]}")
        with suppress(OSError):  # another run of the tests was faster
            new.replace(folder)
    if not folder.exists():
        raise RuntimeError(f"mvn fetched nothing of {artifacts[0].name}")
