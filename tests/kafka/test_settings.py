"""Addresses, credentials and keys: checked before anything is connected, and shown without secrets."""

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

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
        ({**PLAIN, "sasl_plain_password": 731}, "sasl_plain_password is no text, but int."),
        ({"security_protocol": "SSL", "ssl_keyfile": "k.pem"}, "ssl_keyfile is given, but no ssl_certfile"),
        ({"security_protocol": "SSL", "ssl_context": "ca.pem"}, "ssl_context is 'ca.pem'. Give an ssl.SSLContext."),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "GSSAPI"}, "Run: pip install gssapi."),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"}, "generate_auth_token(region)[0]."),
    ],
)
def test_credentials_that_make_no_sense_are_refused_at_once(options, text):
    for make in (lambda: KafkaEgress("b:9092", **options), lambda: KafkaIngress("t", "b:9092", **options)):
        with pytest.raises(ConfigError) as caught:
            make()
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"acks": 2}, "acks is 2. Give 'all', 1 or 0."),
        ({"acks": 1, "transactional_id": "a"}, "acks=1 not supported if enable_idempotence=True"),
        ({"acks": 0, "enable_idempotence": True}, "acks=0 not supported if enable_idempotence=True"),
        ({"compression_type": "zipp"}, "Invalid compression type"),
        ({"linger_ms": "soon"}, "linger_ms is 'soon'. Give a number, at least 0."),
        ({"request_timeout_ms": -1}, "request_timeout_ms is -1"),
        ({"enable_idempotence": "perhaps"}, "enable_idempotence is 'perhaps'. Give true or false."),
        ({"client_id": 5}, "client_id is no text, but 5"),
        ({"partitioner": "asyncio:Nothing"}, "partitioner 'asyncio:Nothing': module 'asyncio' has no attribute"),
        ({"topic_router": 5}, "topic_router is 5. Give a function"),
        ({"transactional_id": 5}, "transactional_id is 5. Give text."),
        ({"delivery_timeout": "5"}, "delivery_timeout is '5'. Give seconds, above 0."),
        ({"topic_serializers": {"a": 1}}, "topic_serializers['a'] is 1, which has no serialize()."),
        ({"topic_serializers": {"a b": 1}}, "a topic of topic_serializers is 'a b'"),
        ({"default_serializer": int}, "default_serializer is <class 'int'>, which has no serialize()."),
    ],
)
def test_arguments_that_the_producer_would_refuse_later_are_refused_at_once(options, text):
    with pytest.raises(ConfigError) as caught:
        KafkaEgress("b:9092", **options)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"isolation_level": "read_commited"}, "Did you mean 'read_committed'?"),
        ({"max_poll_records": 0}, "max_poll_records"),
        ({"fetch_max_bytes": "much"}, "fetch_max_bytes is 'much'"),
        ({"group_id": 5}, "group_id is 5. Give text."),
        ({"connect_timeout": 0}, "connect_timeout is 0. Give seconds, above 0."),
        ({"topic_deserializers": {"a": 1}}, "topic_deserializers['a'] is 1, which has no deserialize()."),
    ],
)
def test_arguments_that_the_consumer_would_refuse_later_are_refused_at_once(options, text):
    with pytest.raises(ConfigError) as caught:
        KafkaIngress("t", "b:9092", **options)
    assert text in str(caught.value)


def test_what_a_variable_of_the_environment_says_is_a_number_or_a_flag():
    options = KafkaEgress(
        "b:9092", max_request_size="5000000", acks="1", enable_idempotence="false"
    )._connection.options
    assert options == {"max_request_size": 5_000_000, "acks": 1, "enable_idempotence": False}


def test_what_was_given_can_be_asked_for():
    egress = KafkaEgress("b:9092", "t", "e", linger_ms=5)
    assert (egress.bootstrap_servers, egress.telemetry_topic, egress.event_topic) == ("b:9092", "t", "e")
    assert (egress.topic_router, egress.topic_serializers, egress.default_serializer) == (None, None, None)
    assert egress.producer_config == {"linger_ms": 5}
    ingress = KafkaIngress("c", "b:9092", max_poll_records=5)
    assert (ingress.topic, ingress.bootstrap_servers, ingress.kwargs) == ("c", "b:9092", {"max_poll_records": 5})
    assert (ingress.topic_deserializers, ingress.default_deserializer) == (None, None)


@pytest.mark.parametrize("servers", ["", [], None, "b:port", "b:99999", ":9092", "PLAINTEXT://b:9092", "::1", "b c"])
def test_an_address_that_is_none_is_refused(servers):
    with pytest.raises(ConfigError, match="bootstrap_servers"):
        KafkaAdminConnector(servers)


@pytest.mark.parametrize("servers", ["b", "b:9092, c:9093", ["b:1"], "[::1]:9092", "b_1.example.com:9092"])
def test_an_address_is_a_host_and_maybe_a_port(servers):
    KafkaAdminConnector(servers)


def test_what_is_shown_has_no_secret():
    with pytest.raises(ConfigError) as caught:
        KafkaEgress("alice:hunter2@b:9092")
    assert "'b:9092' is no address" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    shown = repr(KafkaEgress("b:9092", **PLAIN, sasl_plain_password="hunter2"))
    assert shown == "<KafkaEgress to <Kafka at b:9092 SASL_PLAINTEXT PLAIN as alice>>"


def test_the_password_of_a_key_is_not_asked_for_on_the_terminal(tmp_path):
    authority = trustme.CA()
    mine = authority.issue_cert("twin.example.com")
    key = serialization.load_pem_private_key(mine.private_key_pem.bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"sesame")
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(key.private_bytes(*form, sealed))
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    files = {"ssl_certfile": str(tmp_path / "cert.pem"), "ssl_keyfile": str(tmp_path / "key.pem")}
    with pytest.raises(ConfigError, match="and the key's password"):
        KafkaEgress("b:9092", security_protocol="SSL", **files)
    KafkaEgress("b:9092", security_protocol="SSL", **files, ssl_password="sesame")


def test_what_would_acknowledge_early_is_refused():
    KafkaIngress("t", "b:9092", enable_auto_commit=False)
    with pytest.raises(ConfigError, match="enable_auto_commit is not the client's here. Only what is settled"):
        KafkaIngress("t", "b:9092", enable_auto_commit=True)
