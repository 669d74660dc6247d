"""Servers for tests: one of each kind for a whole run, and private ones to kill, freeze and restart."""

from __future__ import annotations

import secrets
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tests.services import kafka as kafka_service
from tests.services import postgres as postgres_service
from tests.services import redis as redis_service
from tests.services import registry as registry_service
from tests.services.kafka import Kafka
from tests.services.postgres import Postgres
from tests.services.redis import Redis
from tests.services.registry import SchemaRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.services.provisioning import Service


def _started(service: Service, server: Callable[[Path], Any], folder: Path) -> Iterator[Any]:
    service.require(own=True)
    one = server(folder / "server").start()
    yield one
    one.close()


def _for_the_run(service: Service, server: Callable[[Path], Any]) -> Any:
    """Return a fixture: a server for the whole run, started by the tests; also reachable through its ``proxy``."""

    @pytest.fixture(scope="session")
    def for_the_run(tmp_path_factory):
        yield from _started(service, server, tmp_path_factory.mktemp("server"))

    return for_the_run


def _for_the_test(service: Service, server: Callable[[Path], Any]) -> Any:
    """Return a fixture: a server of the test's own, to kill, freeze and restart."""

    @pytest.fixture
    def for_the_test(tmp_path):
        yield from _started(service, server, tmp_path)

    return for_the_test


kafka_with_proxy = _for_the_run(kafka_service.SERVICE, Kafka)
own_kafka = _for_the_test(kafka_service.SERVICE, Kafka)
redis_server = _for_the_run(redis_service.SERVICE, Redis)
own_redis = _for_the_test(redis_service.SERVICE, Redis)
postgres_server = _for_the_run(postgres_service.SERVICE, Postgres)
own_postgres = _for_the_test(postgres_service.SERVICE, Postgres)
registry_server = _for_the_run(registry_service.SERVICE, SchemaRegistry)
own_registry = _for_the_test(registry_service.SERVICE, SchemaRegistry)


@pytest.fixture(scope="session")
def kafka(request):
    """A broker for the whole run, or the one in the environment: ``kafka.bootstrap``. Take names of your own."""
    given = kafka_service.SERVICE.given
    return SimpleNamespace(bootstrap=given) if given else request.getfixturevalue("kafka_with_proxy")


@pytest.fixture
def kafka_proxy(kafka_with_proxy):
    """The proxy before the shared broker; whatever the test does to it, it works again afterwards."""
    yield kafka_with_proxy.proxy
    kafka_with_proxy.proxy.restore()


@pytest.fixture(scope="session")
def schema_registry(request):
    """The address of a schema registry for the whole run, or the one in the environment. Take subjects of your own."""
    return registry_service.SERVICE.given or request.getfixturevalue("registry_server").url


@pytest.fixture
def unique():
    """A name that is different in each test and each run: for topics, tables, streams, groups."""
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
def name():
    """A name that is different in each test and each run, and needs no quotes anywhere."""
    return f"t{secrets.token_hex(6)}"
