"""SimPy's own tests, examples and documentation: in its source distribution, fetched once and kept outside the tree."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.1.2"
NAME = f"simpy-{VERSION}.tar.gz"
SHA256 = "76ef36b71e0436ba94e55febc001c78879e493a323f045bbcfbb0b216e9b1fbc"

# pip keeps a source distribution only after a build backend has read its metadata. This one reads them from where they
# are: nothing of the archive is executed, and no build tool is fetched or has to be installed.
BACKEND = f"""
from pathlib import Path

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = Path(folder, "simpy-{VERSION}.dist-info")
    info.mkdir()
    (info / "METADATA").write_bytes(Path("PKG-INFO").read_bytes())
    return info.name
"""


class UnavailableError(Exception):
    """The archive is neither there nor to be had. The text says why, and what to do."""


def unpack(folder):
    """Unpack the archive into ``folder``; return the folder of the sources."""
    with tarfile.open(archive()) as packed:
        packed.extractall(folder, filter="data")
    return Path(folder, f"simpy-{VERSION}")


def archive():
    """Return the path of the archive in the cache; fetch it first when it is not there."""
    kept = cache_folder() / NAME
    if not (kept.exists() and digest(kept) == SHA256):
        with tempfile.TemporaryDirectory() as scratch:
            fetched = _download(Path(scratch))
            kept.parent.mkdir(parents=True, exist_ok=True)
            unfinished = kept.with_suffix(f".{os.getpid()}")
            shutil.copy(fetched, unfinished)
            unfinished.replace(kept)
    return kept


def cache_folder():
    """Return the folder that keeps what tests fetch: ``DYNAMIC_DES_CACHE``, else the user's cache folder."""
    if given := os.environ.get("DYNAMIC_DES_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "dynamic-des")


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _download(scratch):
    backend = scratch / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    (backend / "build_meta.py").write_text(BACKEND)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--no-binary", "simpy", "--dest", str(scratch), f"simpy=={VERSION}"]
    fetch = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(backend.parent)}, capture_output=True, text=True
    )
    if fetch.returncode:
        by_hand = f"pip download --no-deps --no-binary simpy --dest {cache_folder()} simpy=={VERSION}"
        raise UnavailableError(
            f"simpy {VERSION}: its source distribution cannot be fetched. Go online, or run: {by_hand}\n{fetch.stderr}"
        )
    if digest(scratch / NAME) != SHA256:
        raise UnavailableError(f"{NAME}: sha256 is {digest(scratch / NAME)}, not {SHA256}. This is another archive.")
    return scratch / NAME
