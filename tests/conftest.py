"""What every test may ask for, and how long it may take."""

import faulthandler
import sys

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.services.fixtures", "tests.stores.fixtures"]

# a slow machine is no fault of what is tested
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")

FULL_LIMIT_S = 1800
EXIT_LIMIT_S = 60


def pytest_collection_modifyitems(items):
    """Give the soaks and floods more time than the limit that all others have."""
    for item in items:
        if item.get_closest_marker("full") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(FULL_LIMIT_S))


def pytest_unconfigure():
    """End a process that a thread left behind would keep for ever, and say where that thread is."""
    faulthandler.dump_traceback_later(EXIT_LIMIT_S, exit=True, file=sys.__stderr__)
