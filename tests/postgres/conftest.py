import secrets

import pytest
from tests.services import postgres as postgres_service
from tests.services.postgres import Postgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A server for the whole run, started by the tests."""
    postgres_service.SERVICE.require(own=True)
    server = Postgres(tmp_path_factory.mktemp("postgres") / "postgres").start()
    yield server
    server.close()


@pytest.fixture
def own_postgres(tmp_path):
    """A server of the test's own, to kill, freeze and restart."""
    postgres_service.SERVICE.require(own=True)
    server = Postgres(tmp_path / "postgres").start()
    yield server
    server.close()


@pytest.fixture
def name():
    """A name that is different in each test: of a table, a twin."""
    return f"t{secrets.token_hex(6)}"
