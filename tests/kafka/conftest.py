"""Topics, and an independent look at what is in them."""

import asyncio

import pytest
from tests.kafka.independent import Cluster


@pytest.fixture
def cluster(kafka):
    """The shared broker, looked at with the plain client."""
    return Cluster(kafka.bootstrap)


@pytest.fixture
def topics(cluster, unique):
    """Names of a telemetry and an event topic that exist."""
    names = {"telemetry_topic": f"{unique}-telemetry", "event_topic": f"{unique}-events"}
    cluster.create(*names.values())
    return names


@pytest.fixture(autouse=True)
def no_loop_is_left():
    yield
    asyncio.set_event_loop(None)
