"""What every test of the bridge may rely on, and must leave as it found it."""

import logging
import threading

import pytest

from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress, SimParameter
from dynamic_des.bridge import backoff


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """No thread, no forgotten task: asyncio says so in its log."""
    before = set(threading.enumerate())
    said = []
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("asyncio").addHandler(listener)
    yield
    logging.getLogger("asyncio").removeHandler(listener)
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(2.0)
    assert not [thread.name for thread in left if thread.is_alive()]
    assert not said


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """Pauses between attempts of milliseconds, not seconds; how they grow is tested on its own."""
    monkeypatch.setattr(backoff.Backoff.__init__, "__defaults__", (0.001, 0.01))


@pytest.fixture
def env():
    """An environment that runs flat out, with a variable of each kind."""
    with make_environment(factor=0) as environment:
        yield environment


@pytest.fixture
def live_env():
    """The same in real time."""
    with make_environment(factor=1) as environment:
        yield environment


@pytest.fixture
def sink(env):
    """What the flat-out environment publishes."""
    egress = MemoryEgress()
    env.setup_egress([egress])
    return egress


def make_environment(**options):
    environment = DynamicRealtimeEnvironment(seed=1, **options)
    environment.registry.register_sim_parameter(
        SimParameter("L", variables={"n": 0, "m": 0, "x": 0.0, "name": "a", "flag": False, "table": {}})
    )
    return environment
