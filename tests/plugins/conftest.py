import importlib
import sys

import pytest
from tests.plugins.distributions import Shelf


@pytest.fixture
def shelf(tmp_path):
    """An empty shelf of distributions, for processes of their own."""
    return Shelf(tmp_path / "site")


@pytest.fixture
def installed(shelf, monkeypatch):
    """The shelf, on the path of this process; what was imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(shelf.folder))
    yield shelf
    for name in set(sys.modules) - before:
        if str(shelf.folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    importlib.invalidate_caches()
