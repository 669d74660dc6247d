"""Where the servers of the tests come from. ``python -m tests.services.provisioning`` gets what is missing.

In this order: an address in the environment, what is on the machine already, Debian's package when that may be
installed, a cache folder outside the tree. What cannot be had is named, with the command that installs it; the tests
that need it are reported as not run, and fail where ``CI=true``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Service", "cache", "services"]


@dataclass(frozen=True)
class Service:
    """A kind of server.

    Attributes:
        name: What it is called.
        address: The variable of the environment that names one which is there already.
        programs: What has to be on the machine; each a program's name or its absolute path.
        packages: Debian's packages that bring those.
        fetched: Whether the rest is in the cache already.
        fetch: Puts it there; raises when it cannot.
    """

    name: str
    address: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    fetched: Callable[[], bool] = lambda: True
    fetch: Callable[[], None] = lambda: None

    @property
    def given(self) -> str | None:
        """The address in the environment, if there is one."""
        return os.environ.get(self.address) or None

    @property
    def lacking(self) -> list[str]:
        """The programs that are not on the machine."""
        return [program for program in self.programs if shutil.which(program) is None]

    @property
    def startable(self) -> bool:
        """Whether one can be started."""
        return not self.lacking and self.fetched()

    @property
    def available(self) -> bool:
        """Whether there is one, or one can be started."""
        return bool(self.given) or self.startable

    def require(self, *, own: bool = False) -> None:
        """Go on when it is available; else report the test as not run, or as failed where ``CI=true``.

        Args:
            own: It has to be started; one that is there already will not do.
        """
        if self.startable or (self.available and not own):
            return
        lacking = f"{', '.join(self.lacking)} is not on this machine" if self.lacking else "it is not in the cache"
        text = (
            f"{self.name}: {lacking}. Run scripts/test, which gets it; or `apt-get install {' '.join(self.packages)}` "
            f"and then scripts/test; or set {self.address} to the address of one."
        )
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)


def cache() -> Path:
    """Return the folder for what is fetched once for each machine."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dynamic-des"


def services() -> list[Service]:
    """Return every kind of server that this folder knows: the ``SERVICE`` of each module."""
    modules = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if "SERVICE = " in file.read_text())
    return [import_module(f"tests.services.{name}").SERVICE for name in modules if name != "provisioning"]


def install(packages: Iterable[str]) -> str | None:
    """Install Debian's packages, where that may be done; return why not, or None."""
    wanted = sorted(set(packages))
    command = f"apt-get install {' '.join(wanted)}"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return f"run `{command}` as root, or what your system has instead"
    print(f"{command} …", flush=True)
    for arguments in (["update"], ["install", "--no-install-recommends", "--yes", *wanted]):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(["apt-get", "-qq", *arguments], capture_output=True, text=True, env=environment)
    return f"`{command}` failed: {done.stderr.strip()[-500:]}" if done.returncode else None


def provide() -> None:
    """Get what is missing; say what cannot be had."""
    missing = [service for service in services() if not service.available]
    lacking = [service for service in missing if service.lacking]
    why = install(package for service in lacking for package in service.packages) if lacking else None
    for service in missing:
        if service.lacking:
            print(f"{service.name} cannot be had: {', '.join(service.lacking)} is missing: {why}", flush=True)
            continue
        print(f"fetching {service.name} into {cache()} …", flush=True)
        try:
            service.fetch()
        except Exception as error:
            print(f"{service.name} cannot be had: {error}", flush=True)


if __name__ == "__main__":
    sys.exit(provide())
