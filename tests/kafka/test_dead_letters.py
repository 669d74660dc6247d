"""What is refused, and what can never be written, goes to a topic of its own, as it was."""

import json
import subprocess
import sys

import pytest
from tests.kafka.independent import Cluster

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des.egress import Batch
from dynamic_des.testing import make_run
from dynamic_des.testing.calling import EgressCalls
from dynamic_des.testing.steered import SteeredTwin, change
from dynamic_des.testing.waiting import wait_until
from dynamic_des_kafka import KafkaEgress, KafkaIngress


@pytest.fixture
def letters_to(cluster, kafka, unique):
    """The destination, and the name of its topic."""
    topic = f"{unique}-letters"
    cluster.create(unique, topic)
    return KafkaEgress(kafka.bootstrap, dead_letter_topic=topic), topic


def letters(cluster, topic):
    return [(one.key, one.value, {name: text.decode() for name, text in one.headers}) for one in cluster.records(topic)]


def test_messages_that_are_refused_arrive_as_they_were_with_place_and_reason(cluster, kafka, unique, letters_to):
    egress, topic = letters_to
    options = {"on_poison": "dead_letter", "dead_letters": egress}
    with SteeredTwin(unique, KafkaIngress(unique, kafka.bootstrap), 30, options) as twin:
        twin.start()
        twin.wait_until_listening(lambda payload: None)
        cluster.send(unique, change(1))
        cluster.send(unique, b"\xff\xfe garbage", key=b"the key", headers=[("trace", b"\xc5\xbc"), ("none", None)])
        cluster.send(unique, change(2), change(3, "No.such.path"))
        twin.wait_for([1, 2])
        assert wait_until(lambda: len(letters(cluster, topic)) == 2, 30)
        group = f"{unique}.contract"
        assert wait_until(lambda: cluster.committed(group) == {f"{unique}/0": 4}, 30), "it is settled then"
    (key, value, headers), (_, other, others) = letters(cluster, topic)
    assert (key, value) == (b"the key", b"\xff\xfe garbage")
    assert (headers["topic"], headers["partition"], headers["offset"]) == (unique, "0", "1")
    assert "not JSON" in headers["reason"]
    assert (headers["source"], headers["trace"], headers["none"]) == ("contract", "ż", "")
    assert (other, others["offset"]) == (change(3, "No.such.path"), "3")
    assert "No.such.path" in others["reason"]


def test_a_check_misses_the_topic_of_letters_and_none_that_letters_do_not_go_to(cluster, kafka, unique, tmp_path):
    cluster.create(unique)
    servers = f'bootstrap_servers = "{kafka.bootstrap}"'
    (tmp_path / "line.py").write_text("def build(env): pass\n")
    (tmp_path / "twin.toml").write_text(f"""
        [simulation]
        model = "line:build"
        [ingress.control]
        type = "kafka"
        topic = "{unique}"
        {servers}
        on_poison = "dead_letter"
        dead_letters = {{ type = "kafka", {servers}, dead_letter_topic = "{unique}-letters" }}
    """)
    command = [sys.executable, "-m", "dynamic_des", "check", "--connect", str(tmp_path / "twin.toml")]
    said = [line for line in _run(command, 2) if "missing" in line]
    assert len(said) == 1
    assert said[0].endswith(f"connected, but these topics are missing: '{unique}-letters'. Create them.")
    cluster.create(f"{unique}-letters")
    assert _run(command, 0)


def _run(command, code):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done
    return (done.stdout + done.stderr).splitlines()


def test_a_letter_is_written_before_its_message_is_settled(own_kafka, unique):
    cluster = Cluster(own_kafka.bootstrap)
    cluster.create(unique)  # but not the topic of the letters
    topic = f"{unique}-letters"
    egress = KafkaEgress(own_kafka.bootstrap, dead_letter_topic=topic, delivery_timeout=1.0, request_timeout_ms=1000)
    options = {"on_poison": "dead_letter", "dead_letters": egress}
    with SteeredTwin(unique, KafkaIngress(unique, own_kafka.bootstrap), 30, options) as twin:
        twin.start()
        twin.wait_until_listening(lambda payload: None)
        cluster.send(unique, b"garbage", change(1))
        twin.wait_for([1])
        assert cluster.committed(f"{unique}.contract") == {f"{unique}/0": 0}
        cluster.create(topic)
        assert wait_until(lambda: cluster.committed(f"{unique}.contract") == {f"{unique}/0": 2}, 30)
    assert [value for _, value, _ in letters(cluster, topic)] == [b"garbage"]


def test_records_that_can_never_be_written_go_there_too(cluster, kafka, unique, letters_to):
    egress, topic = letters_to
    with DynamicRealtimeEnvironment(factor=0, name=unique) as env:
        records = KafkaEgress(kafka.bootstrap, unique, unique, max_request_size=10_000)
        env.setup_egress([records], dead_letters=egress)
        for value in ("small", "x" * 20_000, "small"):
            env.publish_event("part-1", value)
        env.run(until=1)
    assert [one["seq"] for one in cluster.values(unique) if "seq" in one] == [1, 3]
    ((_, value, headers),) = letters(cluster, topic)
    assert json.loads(value)["value"] == "x" * 20_000
    assert headers["sink"] == "KafkaEgress"
    assert headers["reason"].endswith("max_request_size is 10000.")


def test_a_dead_letter_is_what_arrived_with_the_reason_in_its_headers(cluster, kafka, unique):
    cluster.create(unique)
    info = {"topic": "control", "partition": 3, "offset": 17, "key": "Line_A"}
    info["headers"] = [["reason", "mine"], ["trace", {"base64": "/wA="}]]
    value = {
        "source": "KafkaIngress",
        "reason": "not JSON",
        "payload": "gar\u00e4bage",
        "encoding": "utf-8",
        "info": info,
    }
    letter = {"stream_type": "dead_letter", "sim_ts": 1.0, "timestamp": "t", "key": "K", "value": value, "seq": 1}
    with EgressCalls(KafkaEgress(kafka.bootstrap, dead_letter_topic=unique), 20) as calls:
        calls.open(make_run())
        assert calls.write(Batch([letter], dict)) == []
        calls.close()
    (record,) = cluster.records(unique)
    assert [one for one in record.headers if one[0] in ("original.reason", "trace")] == [
        ("original.reason", b"mine"), ("trace", b"\xff\x00"),
    ]  # fmt: skip
    headers = {key: text.decode("latin-1") for key, text in record.headers}
    assert (record.key, record.value.decode()) == (b"Line_A", "gar\u00e4bage")
    assert {key: headers[key] for key in ("topic", "partition", "offset", "reason", "source")} == {
        "topic": "control", "partition": "3", "offset": "17", "reason": "not JSON", "source": "KafkaIngress",
    }  # fmt: skip
