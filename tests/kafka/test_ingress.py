"""What becomes of the unusual: snapshots, tombstones, new partitions, lost offsets, killed twins."""

import asyncio
import json
import logging
import subprocess
import sys
import textwrap

import pytest

from dynamic_des import PermanentError
from dynamic_des.testing import make_run
from dynamic_des.testing.calling import IngressCalls
from dynamic_des.testing.steered import SteeredTwin, change
from dynamic_des_kafka import KafkaIngress


def numbers(messages):
    return [json.loads(message.payload)["value"] for message in messages]


@pytest.fixture
def topic(cluster, unique):
    cluster.create(unique)
    return unique


def test_a_snapshot_is_the_last_message_of_every_key_and_tombstones_are_no_changes(cluster, kafka, unique):
    cluster.create(unique, **{"cleanup.policy": "compact"})
    for key, value in (
        (b"a", {"value": 1}),
        (b"b", {"value": 2}),
        (b"a", {"value": 3}),
        (b"b", None),
        (b"c", {"value": 4}),
    ):
        cluster.send(unique, value, key=key)
    with IngressCalls(KafkaIngress(unique, kafka.bootstrap, snapshot=True), 20) as calls:
        calls.open(make_run(unique))
        assert numbers(calls.from_snapshot) == [3, 4]
        cluster.send(unique, None, key=b"c")
        cluster.send(unique, {"value": 5}, key=b"a")
        (message,) = calls.take(1)
        assert (numbers([message]), message.position) == ([5], {f"{unique}/0": 7})
        calls.close()


def test_a_snapshot_whose_topic_is_deleted_meanwhile_ends(cluster, kafka, topic, monkeypatch):
    monkeypatch.setattr("dynamic_des_kafka.ingress._SILENCE_S", 0.5)
    cluster.send(topic, {"value": 1})
    ingress = KafkaIngress(topic, kafka.bootstrap, snapshot=True, metadata_max_age_ms=300)

    async def nothing(*places, timeout_ms):
        if topic in await asyncio.to_thread(cluster.topics):
            await asyncio.to_thread(cluster.delete, topic)
        return {}

    with IngressCalls(ingress, 20) as calls:
        calls.call("open", ingress.open(make_run(topic)))
        ingress._consumer.getmany = nothing
        with pytest.raises((ConnectionError, LookupError)):
            calls.call("snapshot", ingress.snapshot())
        calls.close()


@pytest.mark.parametrize("group", [None, "members"])
def test_a_twin_that_reads_the_latest_misses_nothing_that_comes_while_it_is_down(cluster, kafka, unique, group):
    cluster.create(unique, partitions=2)
    cluster.send(unique, {"value": 1}, partition=1)
    group = group and f"{unique}-{group}"
    with IngressCalls(KafkaIngress(unique, kafka.bootstrap, group_id=group), 20) as calls:
        calls.open(make_run(unique))
        calls.close()
    cluster.send(unique, {"value": 2}, partition=0)
    cluster.send(unique, {"value": 3}, partition=1)
    with IngressCalls(KafkaIngress(unique, kafka.bootstrap, group_id=group), 20) as calls:
        calls.open(make_run(unique))
        assert sorted(numbers(calls.take(2))) == [2, 3]
        calls.close()


@pytest.mark.parametrize("group", [None, "members"])
def test_what_was_there_before_is_not_read_because_another_partition_was(cluster, kafka, unique, group):
    cluster.create(unique, partitions=2)
    cluster.send(unique, {"value": 1}, partition=1)
    group = group and f"{unique}-{group}"
    for value in (2, 3):
        with IngressCalls(KafkaIngress(unique, kafka.bootstrap, group_id=group), 20) as calls:
            calls.open(make_run(unique))
            cluster.send(unique, {"value": value}, partition=0)
            (message,) = calls.take(1)
            assert numbers([message]) == [value]
            calls.applied(message.position)
            calls.close()


@pytest.mark.parametrize("group", [None, "members"])
def test_without_a_rule_there_has_to_be_an_offset_to_begin_at(cluster, kafka, topic, group):
    ingress = KafkaIngress(topic, kafka.bootstrap, auto_offset_reset="none", group_id=group and f"{topic}-{group}")
    with IngressCalls(ingress, 20) as calls:
        with pytest.raises(PermanentError, match=f"{topic}/0: there is no offset to begin at"):
            calls.open(make_run(topic))
        calls.close()


def test_what_is_settled_is_committed_again_before_the_brokers_forget_it(cluster, kafka, topic, monkeypatch):
    cluster.send(topic, {"value": 1})
    monkeypatch.setattr("dynamic_des_kafka.ingress._RENEWAL_S", 0.0)
    ingress = KafkaIngress(topic, kafka.bootstrap, auto_offset_reset="earliest")
    with IngressCalls(ingress, 20) as calls:
        calls.open(make_run(topic))
        (message,) = calls.take(1)
        calls.applied(message.position)
        cluster.commit(f"{topic}.{topic}", topic, 0)
        cluster.send(topic, {"value": 2})  # its arrival shows that the ingress has gone round
        calls.take(1)
        cluster.send(topic, {"value": 3})
        calls.take(1)
        assert cluster.committed(f"{topic}.{topic}") == {f"{topic}/0": 1}
        calls.close()


def test_a_partition_that_is_added_is_read_from_its_beginning(cluster, kafka, topic):
    with IngressCalls(KafkaIngress(topic, kafka.bootstrap, metadata_max_age_ms=300), 20) as calls:
        calls.open(make_run(topic))
        cluster.send(topic, {"value": 1}, partition=0)
        assert numbers(calls.take(1)) == [1]
        cluster.add_partitions(topic, 2)
        cluster.send(topic, {"value": 2}, partition=1)
        cluster.send(topic, {"value": 3}, partition=0)
        assert sorted(numbers(calls.take(2))) == [2, 3]
        calls.close()


def test_offsets_that_are_gone_are_reported_and_the_rule_is_followed(cluster, kafka, topic, caplog):
    cluster.send(topic, *({"value": number} for number in range(6)))
    cluster.truncate(topic, 4)
    ingress = KafkaIngress(topic, kafka.bootstrap, auto_offset_reset="earliest")
    with caplog.at_level(logging.ERROR), IngressCalls(ingress, 20) as calls:
        calls.open(make_run(topic, positions={f"{topic}/0": 1}))
        assert numbers(calls.take(2)) == [4, 5]
        calls.close()
    assert caplog.messages == [
        f"{topic}/0: offset 1 is not retained any more: 3 messages are lost. Reading goes on at 4 (earliest)."
    ]


@pytest.mark.parametrize(
    ("group", "seen_empty"),
    [
        (None, True),
        ("members", False),
        pytest.param(None, False, marks=pytest.mark.full),
        pytest.param("members", True, marks=pytest.mark.full),
    ],
)
def test_a_topic_that_was_made_anew_is_read_from_its_beginning(cluster, kafka, topic, group, seen_empty, caplog):
    ingress = KafkaIngress(topic, kafka.bootstrap, group_id=group and f"{topic}-{group}", metadata_max_age_ms=300)
    with caplog.at_level(logging.ERROR), IngressCalls(ingress, 20) as calls:
        calls.open(make_run(topic))
        cluster.send(topic, {"value": 1}, {"value": 2})
        assert numbers(calls.take(2)) == [1, 2]
        cluster.delete(topic)
        with pytest.raises((ConnectionError, LookupError)):
            calls.take(1)
        calls.close()
        cluster.create(topic)
        run = make_run(topic, positions={f"{topic}/0": 2})  # what core has heard of is of the topic before
        if seen_empty:
            calls.open(run)
            calls.close()
        cluster.send(topic, *({"value": number} for number in (3, 4, 5)))
        calls.open(run)
        assert numbers(calls.take(3)) == [3, 4, 5]
        calls.close()
    assert caplog.messages == [f"{topic}/0: the topic was made anew. Everything in it is read."]


def test_a_topic_that_was_made_anew_with_fewer_partitions_is_read_from_its_beginning(cluster, kafka, unique):
    cluster.create(unique, partitions=2)
    ingress = KafkaIngress(unique, kafka.bootstrap, metadata_max_age_ms=300)
    with IngressCalls(ingress, 20) as calls:
        calls.open(make_run(unique))
        cluster.send(unique, {"value": 1}, partition=0)
        assert numbers(calls.take(1)) == [1]
        cluster.delete(unique)
        cluster.create(unique)
        cluster.send(unique, {"value": 2}, {"value": 3})
        found = []
        while 2 not in found:
            try:
                found += numbers(calls.take(1))
            except (ConnectionError, LookupError):
                calls.close()
                calls.open(make_run(unique))
        calls.close()


@pytest.mark.parametrize("group", [None, "members"])
def test_a_topic_that_is_missing_is_named_and_waited_for(cluster, kafka, unique, group):
    ingress = KafkaIngress(unique, kafka.bootstrap, group_id=group and f"{unique}-{group}")
    with IngressCalls(ingress, 20) as calls:
        with pytest.raises(LookupError, match=f"topic '{unique}' is not on the brokers. Create it"):
            calls.open(make_run(unique))
        calls.close()
        cluster.create(unique)
        calls.open(make_run(unique))
        cluster.send(unique, {"value": 1})
        assert numbers(calls.take(1)) == [1]
        calls.close()


def test_a_message_of_5_mb_is_refused_and_the_next_one_is_applied(cluster, kafka, unique):
    cluster.create(unique, **{"max.message.bytes": "10000000"})
    with SteeredTwin(unique, KafkaIngress(unique, kafka.bootstrap), 20, {}) as twin:
        twin.start()
        twin.wait_until_listening(lambda payload: None)
        cluster.send(unique, b"x" * 5_000_000, change(1), b"garbage", change(2))
        twin.wait_for([1, 2])


def test_ten_thousand_changes_arrive_in_order(cluster, kafka, topic):
    with SteeredTwin(topic, KafkaIngress(topic, kafka.bootstrap), 30, {}) as twin:
        twin.start()
        twin.wait_until_listening(lambda payload: None)
        from tests.kafka.independent import run

        async def flood():
            from aiokafka import AIOKafkaProducer

            async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
                for number in range(1, 10_001):
                    await producer.send(topic, change(number))

        run(flood())
        twin.wait_for(list(range(1, 10_001)))


def test_a_twin_that_is_killed_between_fetch_and_apply_applies_after_the_restart(cluster, kafka, topic):
    cluster.send(topic, change(1), change(2))
    script = textwrap.dedent(f"""
        import os, signal, sys
        from dynamic_des.testing.steered import SteeredTwin
        from dynamic_des_kafka import KafkaIngress

        class Fetching(KafkaIngress):
            async def messages(self):
                async for message in super().messages():
                    print(message.payload.decode(), flush=True)
                    os.kill(os.getpid(), signal.SIGKILL)
                    yield message

        ingress = Fetching({topic!r}, {kafka.bootstrap!r}, auto_offset_reset="earliest")
        with SteeredTwin({topic!r}, ingress, 60, {{}}) as twin:
            twin.start()
            twin.wait_for([1, 2])
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, json.loads(done.stdout)["value"]) == (-9, 1), done.stderr
    # what holds is what was committed: the rule would skip both
    ingress = KafkaIngress(topic, kafka.bootstrap, auto_offset_reset="latest")
    with SteeredTwin(topic, ingress, 30, {}) as twin:
        twin.start()
        twin.wait_for([1, 2])


def test_a_partition_that_comes_back_to_a_member_is_not_read_again(cluster, kafka, topic):
    with IngressCalls(KafkaIngress(topic, kafka.bootstrap, group_id=topic, session_timeout_ms=6000), 30) as calls:
        calls.open(make_run(topic))
        cluster.send(topic, {"value": 1}, {"value": 2}, {"value": 3})
        assert numbers(calls.take(2)) == [1, 2]
        cluster.join_and_leave(topic, topic)
        cluster.send(topic, {"value": 4})
        assert numbers(calls.take(2)) == [3, 4]
        calls.close()


def test_deserializers_are_chosen_by_topic(cluster, kafka, topic):
    from dynamic_des import MessageDeserializer

    class Plain(MessageDeserializer):
        def deserialize(self, topic, payload):
            return {"path": "Contract.variables.number", "value": int(payload)}

    ingress = KafkaIngress(topic, kafka.bootstrap, topic_deserializers={topic: Plain()})
    with SteeredTwin(topic, ingress, 20, {}) as twin:
        twin.start()
        twin.wait_until_listening(lambda payload: None)
        cluster.send(topic, b"7", b"8")
        twin.wait_for([7, 8])
