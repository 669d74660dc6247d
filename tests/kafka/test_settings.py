"""Addresses, credentials and keys: checked before anything is connected, and shown without secrets."""

import pytest

from dynamic_des import ConfigError
from dynamic_des_kafka import KafkaAdminConnector, KafkaEgress, KafkaIngress

PLAIN = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_plain_username": "alice"}
TOKENS = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"sasl_plain_pasword": "x"}, "'sasl_plain_pasword' is no option of it nor of its client."),
        ({"security_protocol": "SSLL"}, "security_protocol is 'SSLL'. Did you mean 'SSL'?"),
        (PLAIN, "sasl_plain_password is missing or empty; sasl_mechanism PLAIN needs it."),
        ({"sasl_plain_username": "a"}, "sasl_plain_username is given, but security_protocol is 'PLAINTEXT'"),
        ({"ssl_cafile": "ca.pem"}, "ssl_cafile is given, but security_protocol is 'PLAINTEXT'"),
        ({"security_protocol": "SSL", "ssl_cafile": "no.pem"}, "TLS: no.pem: "),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-255"}, "Did you mean 'SCRAM-SHA-256'?"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"}, "which has no token()"),
        ({**TOKENS, "sasl_oauth_token_provider": "asyncio:Nothing"}, "has no attribute 'Nothing'. Give 'module:name'."),
        ({**TOKENS, "sasl_oauth_token_provider": "Nothing"}, "Give 'module:name'."),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"}, "generate_auth_token(region)[0]."),
    ],
)
def test_credentials_that_make_no_sense_are_refused_at_once(options, text):
    for make in (lambda: KafkaEgress("b:9092", **options), lambda: KafkaIngress("t", "b:9092", **options)):
        with pytest.raises(ConfigError) as caught:
            make()
        assert text in str(caught.value)


@pytest.mark.parametrize("servers", ["", "b:port", "b:99999", ":9092"])
def test_an_address_that_is_none_is_refused(servers):
    with pytest.raises(ConfigError, match="bootstrap_servers"):
        KafkaAdminConnector(servers)


def test_what_is_shown_has_no_secret():
    shown = repr(KafkaEgress("b:9092", **PLAIN, sasl_plain_password="hunter2"))
    assert shown == "<KafkaEgress to <Kafka at b:9092 SASL_PLAINTEXT PLAIN as alice>>"


def test_what_would_acknowledge_early_is_refused():
    with pytest.raises(ConfigError, match="enable_auto_commit is not the client's here. Only what is settled"):
        KafkaIngress("t", "b:9092", enable_auto_commit=True)
