"""SASL and TLS against a broker configured for them, with certificates of our own making."""

import pytest
from tests.kafka.independent import Cluster
from tests.services import kafka as kafka_service
from tests.services.kafka import Kafka

from dynamic_des import PermanentError
from dynamic_des.testing import make_batch, make_run
from dynamic_des.testing.calling import EgressCalls
from dynamic_des_kafka import KafkaEgress

PASSWORD = "wonderland"
SIGNED_IN = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-256",
    "sasl_plain_username": "alice",
    "sasl_plain_password": PASSWORD,
}


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    trustme = pytest.importorskip("trustme")
    kafka_service.SERVICE.require(own=True)
    folder = tmp_path_factory.mktemp("secured")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    (folder / "server.pem").write_bytes(pem + chain)
    prefix = "listener.name.secure"
    lines = {
        f"{prefix}.ssl.keystore.type": "PEM",
        f"{prefix}.ssl.keystore.location": folder / "server.pem",
        f"{prefix}.sasl.enabled.mechanisms": "SCRAM-SHA-256",
        f"{prefix}.scram-sha-256.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }
    broker = Kafka(
        folder / "kafka",
        listeners={"SECURE": "SASL_SSL"},
        properties="".join(f"{key}={value}\n" for key, value in lines.items()),
        users={"alice": PASSWORD},
    ).start()
    yield broker, folder
    broker.close()


def test_scram_over_tls_lets_records_in(secured, unique):
    broker, folder = secured
    cluster = Cluster(broker.bootstrap)
    cluster.create(unique)
    options = {**SIGNED_IN, "ssl_cafile": str(folder / "ca.pem")}
    with EgressCalls(KafkaEgress(broker.address("SECURE"), unique, unique, **options), 20) as calls:
        calls.open(make_run())
        calls.write(make_batch(range(3)))
        calls.close()
    assert len(cluster.records(unique)) == 3


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"sasl_plain_password": "looking-glass"}, "refuses the credentials"),
        ({"ssl_cafile": None}, "its certificate is not trusted"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(secured, wrong, text):
    broker, folder = secured
    options = {**SIGNED_IN, "ssl_cafile": str(folder / "ca.pem"), **wrong}
    with EgressCalls(KafkaEgress(broker.address("SECURE"), **options), 20) as calls:
        with pytest.raises(PermanentError) as caught:
            calls.open(make_run())
        calls.close()
    assert text in str(caught.value)
    assert "looking-glass" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
