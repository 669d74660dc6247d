import os

import pytest
from tests.simpy import sdist
from tests.simpy.wall import Wall


@pytest.fixture(scope="session")
def simpy_sources(tmp_path_factory):
    """The folder of SimPy's unpacked source distribution."""
    try:
        return sdist.unpack(tmp_path_factory.mktemp("simpy"))
    except sdist.UnavailableError as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture
def wall(monkeypatch):
    """A wall clock that the test drives."""
    return Wall().rule(monkeypatch)
