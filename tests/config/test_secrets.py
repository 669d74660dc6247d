"""What is secret is shown by nothing, wherever it stands and however it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des import ConfigError
from dynamic_des.config.secrets import Secrets, is_secret_key

SMALL = '[simulation]\nmodel = "model:build"\n'
SECRET = "hunter2-Zw9"
CONNECTORS = """
    from __future__ import annotations
    from typing import Any
    from pydantic import BaseModel, SecretStr, field_validator
    from dynamic_des import BaseEgress

    class Out(BaseEgress):
        async def write(self, batch): pass

    class Typed(Out):
        def __init__(self, licence: SecretStr, sizes: list[SecretStr] = ()):
            raise ValueError(licence.get_secret_value())

    class Login(BaseModel):
        user: str
        licence: SecretStr

        @field_validator("user")
        def nobody(cls, value):
            raise ValueError(f"nobody is called {value}")

    class Deep(Out):
        def __init__(self, login: Login | None = None, logins: dict[str, list[Login]] | None = None): pass

    class Ready(Out):
        def __init__(self, licence: list[Licence]): raise RuntimeError(licence[0].text.get_secret_value())

    class Licence(BaseModel):
        text: SecretStr

    class Named(Out):
        def __init__(self, dsn: str = "", sasl_plain_password: int = 0, api_key: str = "", **more: Any):
            raise RuntimeError(f"cannot use {dsn} {sasl_plain_password} {api_key} {more}")
"""


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "sasl_plain_password",
        "sasl_plain_pasword",
        "ssl_password",
        "DB_PASSWD",
        "passphrase",
        "pass",
        "pwd",
        "db_pwd",
        "secret",
        "client_secret",
        "aws_secret_access_key",
        "aws_session_token",
        "token",
        "api_key",
        "apikey",
        "private_key",
        "credentials",
        "Authorization",
        "cookie",
        "AccountKey",
    ],
)
def test_telling_keys_are_known(key):
    assert is_secret_key(key)


@pytest.mark.parametrize("key", ["path", "topic", "key", "passenger", "bypass_mode", "host", "keyspace", "monkey"])
def test_others_are_not(key):
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://u:p@h/d", "postgres://u:********@h/d"),
        ("postgresql+x://user:p%40ss@h:5432/d?x=1", "postgresql+x://user:********@h:5432/d?x=1"),
        ("redis://:p@h:6379", "redis://:********@h:6379"),
        ("amqp://u:p@ss/w@rd@h", "amqp://u:********@h"),
        ("two: a://u:p@h and b://v:q@i", "two: a://u:********@h and b://v:********@i"),
        ("host=h password=p user=u", "host=h password=******** user=u"),
        ("host=h password='p q' user=u", "host=h password=******** user=u"),
        ("https://h/?token=abc&x=1", "https://h/?token=********&x=1"),
        ("Endpoint=sb://h/;SharedAccessKey=abc=;x=1", "Endpoint=sb://h/;SharedAccessKey=********;x=1"),
        ("http://h:80/a", "http://h:80/a"),
        ("at 12:30 a@b", "at 12:30 a@b"),
    ],
)
def test_a_connection_string_loses_its_password_even_if_nobody_knew_it(text, shown):
    assert Secrets().redact(text) == shown


def test_a_secret_is_known_in_every_form_in_which_it_may_come_back():
    secrets = Secrets()
    secrets.collect({"egress": {"x": {"password": "a b%40c/d", "dsn": "x://u:p%40ss@h", "list": ["y://u:inner@h"]}}})
    for text in ("a b%40c/d", "a b@c/d", "a%20b%2540c%2Fd", "p%40ss", "p@ss", "inner"):
        assert secrets.redact(f"<{text}>") == "<********>"


def test_a_secret_of_several_lines_is_hidden_line_by_line():
    secrets = Secrets()
    secrets.collect({"private_key": "-----BEGIN\nMIIabc\n-----END"})
    assert secrets.redact("line MIIabc of it") == "line ******** of it"


def test_a_short_secret_is_hidden_where_it_stands_by_itself():
    secrets = Secrets()
    secrets.collect({"password": "db"})
    assert secrets.redact("db: the dbase 'db'") == "********: the dbase '********'"


@given(st.text(min_size=4, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_text_keeps_a_secret(secret, before, after):
    secrets = Secrets()
    secrets.collect({"password": secret})
    found = secrets.redact(before + secret + after)
    assert secret not in found or secret in "********" or secret in before + "********" + after


@pytest.mark.parametrize(
    "keys",
    [
        f"type = 'leaky:Typed'\nlicence = '{SECRET}'",
        f"type = 'leaky:Typed'\nlicence = ['{SECRET}']",
        f"type = 'leaky:Typed'\nlicence = {{ a = '{SECRET}' }}",
        f"type = 'leaky:Typed'\nlicence = 'good'\nsizes = ['{SECRET}', 3]",
        f"type = 'leaky:Typed'\nlicense = '{SECRET}'\npassword = '{SECRET}'",
        f"type = 'leaky:Deep'\nlogin = '{SECRET}'",
        f"type = 'leaky:Deep'\nlogin = {{ user = 'u', licence = '{SECRET}' }}",
        f"type = 'leaky:Deep'\nlogin = {{ user = 'u {SECRET}', licence = '{SECRET}' }}",
        f"type = 'leaky:Deep'\nlogins = {{ x = [{{ user = 'u', licence = ['{SECRET}'] }}] }}",
        f"type = 'leaky:Deep'\nlogins = {{ x = '{SECRET}' }}",
        f"type = 'leaky:Deep'\nlogins = {{ x = ['{SECRET}'] }}",
        f"type = 'leaky:Ready'\nlicence = [{{ text = '{SECRET}' }}]",
        f"type = 'leaky:Named'\nheaders = {{ Authorization = 'Bearer {SECRET}' }}",
        f"type = 'leaky:Named'\ndsn = 'postgres://u:{SECRET}@h/d'",
        f"type = 'leaky:Named'\ndsn = ['postgres://u:{SECRET}@h/d']",
        f"type = 'leaky:Named'\ndsn = 'host=h password={SECRET}'",
        f"type = 'leaky:Named'\nsasl_plain_password = '{SECRET}'",
        f"type = 'leaky:Named'\napi_key = '{SECRET}'",
        f"type = 'leaky:Named'\nsasl = {{ password = '{SECRET}' }}",
        "type = 'leaky:Named'\napi_key = '${DES_PLAIN}'",
        "type = 'leaky:Named'\nhost = '${DES_PASSWORD}'",
        f"type = 'leaky:Named'\npassword = '${{DES_NONE:-{SECRET}}}'",
        f"type = 'leaky:Named'\npassword = '${{{SECRET}'",
        f"type = 'leaky:Named'\nserializer_token = [1, '{SECRET}']",
        f"type = 'postgres://u:{SECRET}@h/d'",
        f"type = 'console'\npasword = '{SECRET}'",
        f"type = 'console'\nformat = 'x://u:{SECRET}@h'",
        f"type = 'console'\nbatch_size = 'x://u:{SECRET}@h'",
    ],
)
def test_no_error_shows_a_secret(folder, monkeypatch, keys):
    monkeypatch.setenv("DES_PLAIN", SECRET)
    monkeypatch.setenv("DES_PASSWORD", SECRET)
    folder.module("leaky", CONNECTORS)
    with pytest.raises(ConfigError) as caught:
        folder.load(f"{SMALL}[egress.x]\n{keys}")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    assert caught.value.__context__ is None


def test_a_secret_is_used_all_the_same(folder):
    folder.module(
        "kept", "from dynamic_des import *\nclass K(MemoryEgress):\n def __init__(self, password): self.p = password"
    )
    twin = folder.load(f"{SMALL}[egress.x]\ntype = 'kept:K'\npassword = '{SECRET}'")
    assert twin.egresses["x"].connector.p == SECRET
    assert SECRET not in repr(twin.secrets)
