"""What the scripts share: a virtual environment with every distribution of this repository in it.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("DYNAMIC_DES_VENV", ROOT / ".venv"))
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MINIMUM = (3, 11)
INTERPRETERS = ("python3.13", "python3.12", "python3.11", "python3", "python")


def distributions() -> list[Path]:
    """Return the folders of all distributions, core first."""
    folders = [ROOT / "core", *sorted(ROOT.glob("plugin-*")), *sorted(ROOT.glob("plugins/*"))]
    return [folder for folder in folders if (folder / "pyproject.toml").exists()]


def use_workspace(*, tools: bool) -> None:
    """Make the virtual environment if it is missing or out of date.

    Args:
        tools: Also install what tests, checks and benchmarks need.
    """
    if sys.version_info < MINIMUM:
        _restart_with_newer_python()
    wanted = _fingerprint(tools)
    stamp = VENV / f"installed-{'tools' if tools else 'run'}"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        print(f"making a virtual environment in {VENV} …", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            raise SystemExit(
                f"{sys.executable}: cannot make a virtual environment.\n{made.stdout}{made.stderr}"
                "On Debian and Ubuntu: apt-get install python3-venv. Then run this command again."
            )
    print("installing the distributions of this repository …", flush=True)
    options = ["--quiet", "--disable-pip-version-check"]
    targets = [part for folder in distributions() for part in ("--editable", str(folder))]
    if tools:
        targets += ["--requirement", str(ROOT / "scripts" / "requirements.txt")]
    installed = subprocess.run([str(PYTHON), "-m", "pip", "install", *options, *targets])
    if installed.returncode:
        raise SystemExit("pip could not install what is needed (see above). Is a package index reachable?")
    stamp.write_text(wanted)


def python(*arguments: str, env: dict[str, str] | None = None) -> int:
    """Run the workspace's Python and return its exit code."""
    return subprocess.run([str(PYTHON), *arguments], cwd=ROOT, env={**os.environ, **(env or {})}).returncode


def _fingerprint(tools: bool) -> str:
    files = [folder / "pyproject.toml" for folder in distributions()]
    if tools:
        files.append(ROOT / "scripts" / "requirements.txt")
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return f"{sys.version_info[:2]} {digest}"


def _restart_with_newer_python() -> None:
    for name in INTERPRETERS:
        found = shutil.which(name)
        if not found:
            continue
        check = [found, "-c", f"import sys; sys.exit(sys.version_info < {MINIMUM})"]
        if subprocess.run(check, capture_output=True).returncode == 0:
            os.execv(found, [found, *sys.argv])
    raise SystemExit(
        f"Python {'.'.join(map(str, MINIMUM))} or newer is needed; this is {sys.version.split()[0]}, and none of "
        f"{', '.join(INTERPRETERS)} on the PATH is newer. Install one, such as: apt-get install python3.11"
    )
