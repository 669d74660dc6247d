from __future__ import annotations

import pytest
import simpy


@pytest.fixture
def env():
    return simpy.Environment()


@pytest.fixture
def run(env):
    """Run a generator as a process to its end; return its value."""
    return lambda generator: env.run(until=env.process(generator))
