"""Servers for tests: one of each kind for a whole run, and private ones to kill, freeze and restart."""

from __future__ import annotations

import secrets
from types import SimpleNamespace

import pytest
from tests.services import kafka as kafka_service
from tests.services import registry as registry_service
from tests.services.kafka import Kafka
from tests.services.registry import SchemaRegistry


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


@pytest.fixture(scope="session")
def schema_registry(tmp_path_factory):
    """The address of a schema registry for the whole run, or the one in the environment. Take subjects of your own."""
    given = registry_service.SERVICE.given
    if given:
        yield given
        return
    registry_service.SERVICE.require(own=True)
    registry = SchemaRegistry(tmp_path_factory.mktemp("registry") / "registry").start()
    yield registry.url
    registry.close()


@pytest.fixture
def own_registry(tmp_path):
    """A schema registry of the test's own, to kill, freeze and restart."""
    registry_service.SERVICE.require(own=True)
    registry = SchemaRegistry(tmp_path / "registry").start()
    yield registry
    registry.close()


@pytest.fixture
def unique():
    """A name that is different in each test and each run: for topics, tables, streams, groups."""
    return f"test-{secrets.token_hex(6)}"
