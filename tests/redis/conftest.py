import pytest


@pytest.fixture
def client(redis_store):
    """A plain client, beside what is tested."""
    with redis_store.client(protocol=2) as one:
        yield one
