"""Servers for tests: one of each kind for a whole run, and private ones to kill, freeze and restart."""

from __future__ import annotations

import secrets
from types import SimpleNamespace

import pytest
from tests.services import kafka as kafka_service
from tests.services.kafka import Kafka


@pytest.fixture(scope="session")
def kafka_with_proxy(tmp_path_factory):
    """A broker for the whole run, started by the tests: also reachable through ``kafka_with_proxy.proxy``."""
    kafka_service.SERVICE.require(own=True)
    broker = Kafka(tmp_path_factory.mktemp("kafka") / "kafka").start()
    yield broker
    broker.close()


@pytest.fixture(scope="session")
def kafka(request):
    """A broker for the whole run, or the one in the environment: ``kafka.bootstrap``. Take names of your own."""
    given = kafka_service.SERVICE.given
    return SimpleNamespace(bootstrap=given) if given else request.getfixturevalue("kafka_with_proxy")


@pytest.fixture
def own_kafka(tmp_path):
    """A broker of the test's own, to kill, freeze and restart."""
    kafka_service.SERVICE.require(own=True)
    broker = Kafka(tmp_path / "kafka").start()
    yield broker
    broker.close()


@pytest.fixture
def kafka_proxy(kafka_with_proxy):
    """The proxy before the shared broker; whatever the test does to it, it works again afterwards."""
    yield kafka_with_proxy.proxy
    kafka_with_proxy.proxy.restore()


@pytest.fixture
def unique():
    """A name that is different in each test and each run: for topics, tables, streams, groups."""
    return f"test-{secrets.token_hex(6)}"
