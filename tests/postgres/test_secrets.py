"""A password is in no text, however wrong it or its DSN is."""

import asyncio

import pytest
from tests.services.postgres import Postgres

from dynamic_des import ConfigError, PermanentError
from dynamic_des.testing import make_run
from dynamic_des_postgres import PostgresEgress, PostgresIngress

SECRET = "hunter2/x@y:z#q"


def said(connector):
    async def work():
        try:
            await connector.open(make_run())
        except Exception as error:
            texts = []
            while error is not None:
                texts += [str(error), repr(error)]
                error = error.__cause__
            return " ".join(texts)
        finally:
            await connector.close()
        return ""

    return asyncio.run(work())


@pytest.mark.parametrize("kind", [PostgresEgress, PostgresIngress])
@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.1:99999", "127.0.0.1:port", "nowhere.invalid"])
def test_a_password_that_is_not_encoded_does_not_leak(kind, host):
    text = said(kind(f"postgresql://user:{SECRET}@{host}/db", timeout_s=2))
    assert text
    assert [piece for piece in ("hunter2", "x@y", "z#q") if piece in text] == []


def test_a_wrong_password_is_final_and_a_right_one_lets_in(tmp_path):
    server = Postgres(tmp_path / "postgres", password="rightpass").start()
    try:
        egress = PostgresEgress(server.dsn(password="wrongpass"), "t")
        with pytest.raises(PermanentError, match="password authentication failed") as refused:
            asyncio.run(egress.open(make_run()))
        assert "wrongpass" not in str(refused.value)
        assert "there is no table" in said(PostgresEgress(server.dsn(), "t", password="rightpass"))
    finally:
        server.close()


@pytest.mark.parametrize("name", ["", "a.b.c", "x" * 64, "a\0b", ".a", 7])
def test_what_cannot_be_a_table_is_refused_at_once(name):
    with pytest.raises(ConfigError, match="cannot be the name of a table"):
        PostgresEgress("postgresql://x", name)
