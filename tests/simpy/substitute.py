"""A pytest plugin, for a process of its own: SimPy's tests and documentation meet our environment in SimPy's place.

What they call ``simpy.Environment`` is ours at ``factor=0``; what they call ``RealtimeEnvironment`` is ours with
SimPy's default, ``strict=True``. With ``SUBSTITUTE_INGRESS=idle`` each of them has an ingress that never brings
anything. The outcome of every test is written as JSON to ``SUBSTITUTE_REPORT``.
"""

import json
import os
from pathlib import Path

import pytest
import simpy
import simpy.core
import simpy.rt

from dynamic_des import DynamicRealtimeEnvironment, MemoryIngress

NOT_ABOUT_ENVIRONMENTS = {
    "tests/test_benchmark.py": "measures speed, with a plugin of its own",
    "tests/test_version.py": "is about simpy.__version__",
    "tests/test_exceptions.py::test_exception_chaining": "compares a traceback with SimPy's file and function names",
}
WAITS_FOR_INGRESS = {
    "::test_run_with_untriggered_event": "an event that cannot happen: an open ingress might still bring it about",
}
IDLE_INGRESS = os.environ.get("SUBSTITUTE_INGRESS") == "idle"

made = []
outcomes = {"collected": 0, "deselected": {}, "passed": [], "failed": []}


def environment(initial_time=0):
    return _connected(DynamicRealtimeEnvironment(initial_time, factor=0))


def realtime_environment(initial_time=0, factor=1.0, strict=True):
    return _connected(DynamicRealtimeEnvironment(initial_time, factor, strict))


def _connected(env):
    if IDLE_INGRESS:
        env.setup_ingress([MemoryIngress()])
    made.append(env)
    return env


simpy.Environment = simpy.core.Environment = environment
simpy.RealtimeEnvironment = simpy.rt.RealtimeEnvironment = realtime_environment


@pytest.fixture(autouse=True)
def _torn_down():
    yield
    while made:
        made.pop().teardown()


def pytest_configure(config):
    config.addinivalue_line("markers", "benchmark: SimPy's own, of a plugin that is not installed here")


def pytest_collection_modifyitems(config, items):
    outcomes["collected"] = len(items)
    excepted = {**NOT_ABOUT_ENVIRONMENTS, **(WAITS_FOR_INGRESS if IDLE_INGRESS else {})}
    deselected = outcomes["deselected"]
    for item in items:
        for part, reason in excepted.items():
            if part in item.nodeid:
                deselected[item.nodeid] = reason
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in deselected])
    items[:] = [item for item in items if item.nodeid not in deselected]


def pytest_runtest_logreport(report):
    if report.failed:
        outcomes["failed"].append(report.nodeid)
    elif report.when == "call" and report.passed:
        outcomes["passed"].append(report.nodeid)


def pytest_sessionfinish():
    Path(os.environ["SUBSTITUTE_REPORT"]).write_text(json.dumps(outcomes))
