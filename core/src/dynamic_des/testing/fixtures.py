"""Fixtures for tests of models and plugins.

::

    # conftest.py
    pytest_plugins = ["dynamic_des.testing.fixtures"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
from dynamic_des.testing.batches import START
from dynamic_des.testing.clock import DrivenClock
from dynamic_des.testing.faulty import FaultyEgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["clock", "env", "faulty_sink"]


@pytest.fixture
def env() -> Iterator[DynamicRealtimeEnvironment]:
    """Gives an environment that runs flat out, with seed 1; torn down after the test."""
    with DynamicRealtimeEnvironment(factor=0, name="test", seed=1, logical_start_time=START) as environment:
        yield environment


@pytest.fixture
def faulty_sink(env: DynamicRealtimeEnvironment) -> Iterator[Callable[..., FaultyEgress]]:  # noqa: ARG001
    """Gives a function that makes a `FaultyEgress` with the faults asked for, say ``fail=[2]``.

    Writes that still hang at the end of the test are released, before `env` is torn down.
    """
    made: list[FaultyEgress] = []

    def make(*args: Any, **faults: Any) -> FaultyEgress:
        made.append(FaultyEgress(*args, **faults))
        return made[-1]

    yield make
    for sink in made:
        sink.release()


@pytest.fixture
def clock() -> Iterator[DrivenClock]:
    """Gives a clock to drive, and its real-time environment as ``clock.env`` (see `DrivenClock`)."""
    environment = DynamicRealtimeEnvironment(
        factor=1.0, name="test", seed=1, logical_start_time=START, lag_monitor_interval=0
    )
    with environment:
        driven = DrivenClock(environment)
        yield driven
        driven.stop()
