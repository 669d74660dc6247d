"""The stores: one of each kind for a whole run, private ones, and either of them in turn."""

from __future__ import annotations

from typing import Any

import pytest

KINDS = ("redis", "postgres")


def _store(kind: str) -> Any:
    from tests.stores.postgres_store import PostgresStore
    from tests.stores.redis_store import RedisStore

    return {"redis": RedisStore, "postgres": PostgresStore}[kind]


def _shared(kind: str) -> Any:
    """Return a fixture: a store for the whole run, or the one in the environment. Take names of your own."""

    @pytest.fixture(scope="session")
    def shared(request):
        given = _store(kind).service.given
        one = _store(kind)(given) if given else _store(kind).of(request.getfixturevalue(f"{kind}_server"))
        yield one
        one.close()

    return shared


redis_store = _shared("redis")
postgres_store = _shared("postgres")


@pytest.fixture(params=KINDS)
def store(request):
    """Each store in turn. Whatever the test does to its proxy, it works again afterwards."""
    one = request.getfixturevalue(f"{request.param}_store")
    yield one
    one.proxy.restore()


@pytest.fixture(params=KINDS)
def own_store(request):
    """Each store in turn, with a server of the test's own as ``own_store.server``: to kill, freeze and restart."""
    one = _store(request.param).of(request.getfixturevalue(f"own_{request.param}"))
    yield one
    one.close()
