"""Topics, and an independent look at what is in them."""

import asyncio

import pytest
from tests.kafka.independent import Cluster
from tests.services import kafka as kafka_service
from tests.services.kafka import Kafka


@pytest.fixture(scope="session")
def mortal_kafka(tmp_path_factory):
    kafka_service.SERVICE.require(own=True)
    broker = Kafka(tmp_path_factory.mktemp("mortal") / "kafka").start()
    yield broker
    broker.close()


@pytest.fixture
def own_kafka(mortal_kafka):
    """A broker to kill, freeze and restart: one test after the other does, and finds it well again."""
    if not mortal_kafka.running:
        mortal_kafka.start()
    yield mortal_kafka
    if mortal_kafka.running:
        mortal_kafka.resume()


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
