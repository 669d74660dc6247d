"""Distributions that look installed: a folder with modules and metadata, to be put on ``sys.path``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent


class Shelf:
    """A folder of distributions, and an interpreter that has it on its path."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def put(self, name, entry_points=None, version="1.0", **modules):
        """Install a distribution: its entry points in the group of the plugins, and its modules by name."""
        metadata = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"{key} = {value}" for key, value in (entry_points or {}).items()]
        (metadata / "entry_points.txt").write_text("\n".join(["[dynamic_des]", *lines, ""]))
        for module, text in modules.items():
            self.write(module, text)
        return self

    def write(self, module, text):
        (self.folder / f"{module}.py").write_text(dedent(text))

    def environ(self, **more):
        return {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", **more}

    def python(self, code, **more):
        """Run code in a process of its own; return what it printed as JSON, which must be its last line."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", dedent(code)],
            env=self.environ(**more),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def command(self, *arguments, folder=None, **more):
        """Run ``dynamic-des`` in a process of its own."""
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "dynamic_des", *map(str, arguments)],
            env=self.environ(**more),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
        )


# a plugin that does what it should, with one class of each connector kind
GOOD = """
    from dynamic_des import BaseEgress, BaseIngress, hookimpl

    class GoodIngress(BaseIngress):
        '''Brings nothing.'''

        def __init__(self, topic: str = "changes"):
            self.topic = topic

        async def messages(self):
            return
            yield

    class GoodEgress(BaseEgress):
        '''Keeps nothing.'''

        def __init__(self, topic: str = "records", *, partitions: int = 1):
            self.topic, self.partitions = topic, partitions

        async def write(self, batch):
            pass

    @hookimpl
    def dynamic_des_register_ingress():
        return [GoodIngress]

    @hookimpl
    def dynamic_des_register_egress():
        return [GoodEgress]
"""
