"""A broker with one listener for each way of getting in, and what a client needs for each."""

import base64
import json
import time
from contextlib import contextmanager

import pytest
from tests.services import kafka as kafka_service
from tests.services.kafka import Kafka

PASSWORD = "wonderland"
PRINCIPAL = "alice"
SIGNED_IN = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-256",
    "sasl_plain_username": PRINCIPAL,
    "sasl_plain_password": PASSWORD,
}
_LISTENERS = {"SECURE": "SASL_SSL", "MUTUAL": "SSL", "TOKENS": "SASL_PLAINTEXT"}
_MODULE = "org.apache.kafka.common.security"


def unsecured_token(lifetime_s=3600, name=PRINCIPAL):
    """Return a JSON web token that nobody has signed: what a broker takes when no authority is named to it."""
    now = int(time.time())
    claims = {"sub": name, "iat": now - 10, "exp": now + lifetime_s}
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join([base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts] + [""])


@contextmanager
def secured_broker(folder):
    """Start it. In the folder are then ``ca.pem`` and, of a client, ``client.pem`` and ``client-key.pem``."""
    trustme = pytest.importorskip("trustme")
    kafka_service.SERVICE.require(own=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    (folder / "server.pem").write_bytes(_pkcs8(certificate.private_key_pem.bytes()) + chain)
    client = authority.issue_cert("alice@example.org")
    client.private_key_pem.write_to_path(folder / "client-key.pem")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    lines = "".join(f"listener.name.{key}={value}\n" for key, value in _properties(folder).items())
    broker = Kafka(folder / "kafka", listeners=_LISTENERS, properties=lines, users={PRINCIPAL: PASSWORD}).start()
    yield broker
    broker.close()


def _properties(folder):
    keys = {"ssl.keystore.type": "PEM", "ssl.keystore.location": folder / "server.pem"}
    return {
        **{f"{name}.{key}": value for name in ("secure", "mutual") for key, value in keys.items()},
        "secure.sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "secure.scram-sha-256.sasl.jaas.config": f"{_MODULE}.scram.ScramLoginModule required;",
        "mutual.ssl.client.auth": "required",
        "mutual.ssl.truststore.type": "PEM",
        "mutual.ssl.truststore.location": folder / "ca.pem",
        "tokens.sasl.enabled.mechanisms": "OAUTHBEARER",
        "tokens.oauthbearer.sasl.jaas.config": (
            f'{_MODULE}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
        ),
    }


def _pkcs8(pem):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pem, None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
