import importlib
import sys
from textwrap import dedent

import pytest

from dynamic_des import ConfigError
from dynamic_des.config.folders import ModelFolder
from dynamic_des.config.loading import load

MODEL = """
    def build(env):
        env.publish_event("model", {"built": True})
"""


@pytest.fixture(autouse=True)
def _own_modules(tmp_path):
    """What a test imports from its folder is forgotten afterwards."""
    before, path = set(sys.modules), list(sys.path)
    yield
    ModelFolder._active = None
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    importlib.invalidate_caches()


class Folder:
    """A folder with a model, in which configuration files are written."""

    def __init__(self, path):
        self.path = path
        self.file = path / "twin.toml"
        self.module("model", MODEL)

    def module(self, name, text):
        (self.path / f"{name}.py").write_text(dedent(text))

    def write(self, text):
        self.file.write_text(dedent(text))
        return self.file

    def load(self, text, *arguments, **options):
        return load(self.write(text), *arguments, **options)

    def problems(self, text, *arguments, **options):
        """What is wrong with a file, line by line, without its folder."""
        with pytest.raises(ConfigError) as caught:
            self.load(text, *arguments, **options)
        assert caught.value.__context__ is None
        return str(caught.value).replace(f"{self.path}/", "").splitlines()


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
