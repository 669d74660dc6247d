"""SASL, TLS and tokens against a broker configured for them, with certificates of our own making."""

import asyncio

import pytest
from tests.kafka.independent import Cluster
from tests.kafka.secured import PASSWORD, SIGNED_IN, secured_broker, unsecured_token

from dynamic_des import PermanentError
from dynamic_des.testing import make_batch, make_run
from dynamic_des.testing.calling import EgressCalls, IngressCalls
from dynamic_des_kafka import KafkaAdminConnector, KafkaEgress, KafkaIngress


class Tokens:
    """Gives tokens; not derived from the client's class, and not a coroutine."""

    def __init__(self, given=None):
        self.given = given

    def token(self):
        return unsecured_token() if self.given is None else self.given


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secured")
    with secured_broker(folder) as broker:
        yield broker, folder


def options_for(listener, folder):
    authority = {"ssl_cafile": str(folder / "ca.pem")}
    own = {"ssl_certfile": str(folder / "client.pem"), "ssl_keyfile": str(folder / "client-key.pem")}
    return {
        "SECURE": {**SIGNED_IN, **authority},
        "MUTUAL": {"security_protocol": "SSL", **authority, **own},
        "TOKENS": {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauth_token_provider": f"{__name__}:Tokens",
        },
    }[listener]


@pytest.mark.parametrize("listener", ["SECURE", "MUTUAL", "TOKENS"])
def test_records_go_out_and_changes_come_in(secured, unique, listener):
    broker, folder = secured
    servers, options = broker.address(listener), options_for(listener, folder)
    KafkaAdminConnector(servers, **options).create_topics([{"name": unique}, {"name": f"{unique}-control"}])
    with EgressCalls(KafkaEgress(servers, unique, unique, **options), 20) as calls:
        calls.open(make_run())
        calls.write(make_batch(range(3)))
        calls.close()
    assert len(Cluster(broker.bootstrap).records(unique)) == 3
    with IngressCalls(KafkaIngress(f"{unique}-control", servers, **options), 20) as calls:
        calls.open(make_run(unique))
        asyncio.run(KafkaAdminConnector(servers, **options).send_config(f"{unique}-control", "Line_A.x", 1))
        assert b"Line_A.x" in calls.take(1)[0].payload
        calls.close()


@pytest.mark.parametrize(
    ("listener", "wrong", "text"),
    [
        ("SECURE", {"sasl_plain_password": "looking-glass"}, "refuses the credentials"),
        ("SECURE", {"ssl_cafile": None}, "its certificate is not trusted"),
    ],
    ids=["password", "authority"],
)
def test_what_the_broker_refuses_is_said_without_the_secret(secured, listener, wrong, text):
    broker, folder = secured
    with EgressCalls(KafkaEgress(broker.address(listener), **{**options_for(listener, folder), **wrong}), 20) as calls:
        with pytest.raises(PermanentError) as caught:
            calls.open(make_run())
        calls.close()
    said = str(caught.value)
    assert text in said
    assert not [secret for secret in ("looking-glass", PASSWORD) if secret in said]


@pytest.mark.parametrize("token", [unsecured_token(-3600), "looking-glass"], ids=["expired", "garbage"])
def test_a_token_that_is_refused_is_tried_again_with_the_next(secured, unique, token):
    broker, folder = secured
    Cluster(broker.bootstrap).create(unique)
    tokens = Tokens(token)
    options = {**options_for("TOKENS", folder), "sasl_oauth_token_provider": tokens}
    with EgressCalls(KafkaEgress(broker.address("TOKENS"), unique, unique, **options), 20) as calls:
        with pytest.raises(ConnectionError, match="It may have refused the token") as caught:
            calls.open(make_run())
        calls.close()
        assert token not in str(caught.value)
        tokens.given = None
        calls.open(make_run())
        calls.write(make_batch(range(3)))
        calls.close()
    assert len(Cluster(broker.bootstrap).records(unique)) == 3


def test_a_certificate_of_ones_own_that_is_missing_is_asked_for(secured):
    broker, folder = secured
    options = {"security_protocol": "SSL", "ssl_cafile": str(folder / "ca.pem")}
    with EgressCalls(KafkaEgress(broker.address("MUTUAL"), **options), 20) as calls:
        with pytest.raises(
            ConnectionError, match="may want a certificate of yours: then give ssl_certfile and ssl_keyfile"
        ):
            calls.open(make_run())
        calls.close()
