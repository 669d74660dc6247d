"""Run every block of a page of documentation, in order, and compare what it prints with what the page says it prints.

    python tests/docs/run_page.py README.md

========= =============================================================================================================
language  what becomes of a block
========= =============================================================================================================
python    executed, in an empty folder; the blocks of a page share their names
bash      executed by bash, in the root of the repository
console   lines after ``$ `` are executed likewise; the lines below each are what it prints
text      compared with what the block before it printed, unless a heading stands between the two
toml json parsed; jsonl: line by line
mermaid   shown only
========= =============================================================================================================

In what is to be printed, ``...`` stands for any text, and on a line of its own for any number of lines. After the
language there may be: ``file=NAME`` (not executed: written to the page's folder, where python blocks run), ``in=page``
(bash and console run in the page's folder), ``exit=2`` (that is how the command ends). The tests that a block calls are
collected and not run, packages that it installs are looked up and not installed: both are in use.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from fences import PageError, blocks_of, compare  # beside this file, which runs as a script

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 300


@dataclass
class Page:
    """A page at work."""

    path: Path
    folder: Path
    module: ModuleType = field(default_factory=lambda: ModuleType("__main__"))
    printed: str | None = None  # by the block before
    heading: int = 0

    def run(self):
        """Run all blocks.

        Raises:
            PageError: At the first one that does not hold.
        """
        sys.modules["__main__"] = self.module  # where dataclasses and pydantic look names up
        for block in blocks_of(self.path.read_text()):
            action = getattr(self, f"_run_{block.language}", None)
            if action is None:
                raise PageError(
                    f"line {block.line}: nobody checks {block.language!r} blocks. Teach tests/docs/run_page.py to."
                )
            try:
                if "file" in block.options:
                    self._write(block)
                else:
                    action(block)
            except PageError as error:
                raise PageError(f"line {block.line}: {error}") from error

    def _write(self, block):
        file = self.folder / block.options["file"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.code)
        self.printed = None

    def _run_python(self, block):
        code = compile("\n" * (block.line - 1) + block.code, str(self.path), "exec", dont_inherit=True)
        out = io.StringIO()
        try:
            with redirect_stdout(out):
                exec(code, self.module.__dict__)
        except BaseException as error:
            raise PageError(f"the block raises:\n{''.join(traceback.format_exception(error))}") from error
        self.printed, self.heading = out.getvalue(), block.heading

    def _run_bash(self, block):
        self.printed, self.heading = self._shell(block.code, block), block.heading

    def _run_console(self, block):
        command, said = "", []
        for line in [*block.code.splitlines(), "$ "]:
            if line.startswith("$ ") or line == "$":
                if command:
                    compare("\n".join(said), self._shell(command, block))
                command, said = line[2:], []
            elif command.endswith("\\") and not said:
                command += f"\n{line}"
            else:
                said.append(line)
        self.printed = None

    def _run_text(self, block):
        if self.printed is not None and self.heading == block.heading:
            compare(block.code, self.printed)
        self.printed = None

    def _run_toml(self, block):
        try:
            tomllib.loads(block.code)
        except tomllib.TOMLDecodeError as error:
            raise PageError(f"not TOML: {error}") from error
        self.printed = None

    def _run_json(self, block):
        self._parse_json(block.code)

    def _run_jsonl(self, block):
        for line in block.code.splitlines():
            self._parse_json(line)

    def _parse_json(self, text):
        try:
            json.loads(text)
        except ValueError as error:
            raise PageError(f"not JSON: {error}") from error
        self.printed = None

    def _run_mermaid(self, block):
        self.printed = None

    def _shell(self, code, block):
        """Run a script as a user would; return what appears on the screen."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        env = {**os.environ, "PATH": path, "PYTEST_ADDOPTS": "--collect-only -q", "PIP_DRY_RUN": "1"}
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", code],
            cwd=self.folder if block.options.get("in") == "page" else ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
        )
        if done.returncode != int(block.options.get("exit", 0)):
            raise PageError(f"the command ends with {done.returncode}:\n{done.stdout}")
        return done.stdout


def main(path):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sys.path.insert(0, folder)  # the page's files can be imported
        try:
            Page(path, Path(folder)).run()
        except PageError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        finally:
            os.chdir(ROOT)  # Windows keeps a folder that is in use
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]).resolve()))
