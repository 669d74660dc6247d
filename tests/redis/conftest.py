import secrets
from contextlib import contextmanager

import pytest
import redis
from tests.services import redis as redis_service
from tests.services.redis import Redis


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """A server for the whole run, started by the tests."""
    redis_service.SERVICE.require(own=True)
    server = Redis(tmp_path_factory.mktemp("redis") / "redis").start()
    yield server
    server.close()


@pytest.fixture
def own_redis(tmp_path):
    """A server of the test's own, to kill, freeze and restart."""
    redis_service.SERVICE.require(own=True)
    server = Redis(tmp_path / "redis").start()
    yield server
    server.close()


@pytest.fixture
def name():
    """A name that is different in each test: of a stream, a channel, a twin."""
    return f"t{secrets.token_hex(6)}"


@contextmanager
def connected(server):
    """A plain client, beside what is tested."""
    with redis.Redis(port=server.port, protocol=2) as client:
        yield client


@pytest.fixture
def client(redis_server):
    with connected(redis_server) as one:
        yield one
