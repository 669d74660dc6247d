"""A broker that dies, freezes, is absent, loses answers: nothing is lost, and nothing is there twice."""

import asyncio
import gc
from threading import Event

import pytest
from aiokafka import AIOKafkaProducer
from tests.kafka.independent import Cluster, run

from dynamic_des import DynamicRealtimeEnvironment, PermanentError
from dynamic_des.testing import make_batch, make_run
from dynamic_des.testing.calling import EgressCalls
from dynamic_des.testing.waiting import in_background, wait_until
from dynamic_des_kafka import KafkaEgress

# the longer of two times is that of a real outage
FROZEN = pytest.mark.parametrize("frozen_s", [2.0, pytest.param(8.0, marks=pytest.mark.full)])
ABSENT = pytest.mark.parametrize("absent_s", [1.0, pytest.param(5.0, marks=pytest.mark.full)])
MOSTLY_IDEMPOTENT = pytest.mark.parametrize(
    "transactional", [False, pytest.param(True, marks=pytest.mark.full)], ids=["idempotent", "transactional"]
)
KINDS = pytest.mark.parametrize("transactional", [False, True], ids=["idempotent", "transactional"])


def egress_to(address, topic, transactional, **options):
    more = {"transactional_id": f"{topic}-tx"} if transactional else {}
    return KafkaEgress(address, topic, topic, delivery_timeout=2.0, **more, **options)


def publish(egress, count, meanwhile=lambda number: None):
    """Publish in a twin of its own; call ``meanwhile`` between two events; return its report when it is torn down."""
    with DynamicRealtimeEnvironment(factor=0, name="faults", seed=1) as env:
        env.setup_egress([egress], batch_size=100, drain_timeout=30)

        def model():
            for number in range(count):
                env.publish_event(f"part-{number % 7}", {"number": number})
                if number % 100 == 0:
                    meanwhile(number)
                yield env.timeout(1)

        env.process(model())
        env.run()
    return env.report()


def numbers(cluster, topic):
    return [record["seq"] for record in cluster.values(topic) if "seq" in record]


@KINDS
def test_a_broker_that_is_killed_and_restarted_loses_and_repeats_nothing(own_kafka, unique, transactional):
    cluster = Cluster(own_kafka.bootstrap)
    cluster.create(unique)

    def meanwhile(number):
        if number == 500:
            own_kafka.restart()

    report = publish(egress_to(own_kafka.bootstrap, unique, transactional), 1000, meanwhile)
    assert (report.lost, numbers(cluster, unique)) == (0, list(range(1, 1001)))


@FROZEN
@KINDS
def test_a_broker_that_is_frozen_at_shutdown_gets_everything_once(own_kafka, unique, transactional, frozen_s):
    cluster = Cluster(own_kafka.bootstrap)
    cluster.create(unique)
    egress = egress_to(own_kafka.bootstrap, unique, transactional)

    def meanwhile(number):
        if number == 300:
            own_kafka.pause()

    run = in_background(lambda: publish(egress, 1000, meanwhile))
    assert not wait_until(run.done, frozen_s), "it waits for the broker"
    own_kafka.resume()
    assert (run.result(40).lost, numbers(cluster, unique)) == (0, list(range(1, 1001)))


@KINDS
def test_answers_that_are_lost_make_no_duplicates(kafka_with_proxy, kafka_proxy, unique, transactional):
    cluster = Cluster(kafka_with_proxy.bootstrap)
    cluster.create(unique)
    egress = egress_to(kafka_with_proxy.proxied, unique, transactional, request_timeout_ms=1500)
    with EgressCalls(egress, 30) as calls:
        calls.open(make_run(unique))
        calls.write(make_batch(range(10)))
        kafka_proxy.swallow()
        with pytest.raises(ConnectionError, match=r"not acknowledged within 2 s|did not end within 2 s"):
            calls.write(make_batch(range(10), 11))
        calls.close()
        kafka_proxy.restore()
        calls.open(make_run(unique))
        calls.write(make_batch(range(10), 11))
        calls.close()
    assert numbers(cluster, unique) == list(range(1, 21))


def test_a_topic_of_brokers_that_do_not_answer_is_not_said_to_be_missing(kafka_with_proxy, kafka_proxy, unique):
    Cluster(kafka_with_proxy.bootstrap).create(unique)
    said = f"do not answer where topic '{unique}' is|not acknowledged within 2 s"
    with EgressCalls(egress_to(kafka_with_proxy.proxied, unique, False, request_timeout_ms=500), 30) as calls:
        calls.open(make_run(unique))
        kafka_proxy.stall()
        with pytest.raises(ConnectionError, match=said):
            calls.write(make_batch(range(10)))
        calls.close()


@MOSTLY_IDEMPOTENT
def test_what_one_run_could_not_write_is_not_taken_for_what_the_next_one_writes(
    kafka_with_proxy, kafka_proxy, unique, transactional
):
    cluster = Cluster(kafka_with_proxy.bootstrap)
    cluster.create(unique)
    egress = egress_to(kafka_with_proxy.proxied, unique, transactional, request_timeout_ms=1500)
    with EgressCalls(egress, 30) as calls:
        calls.open(make_run("first"))
        calls.write(make_batch(range(2), system=True))
        kafka_proxy.stall()
        with pytest.raises(ConnectionError, match=r"not acknowledged within 2 s|did not end within 2 s"):
            calls.write(make_batch(["of the first"] * 10))
        calls.close()
        kafka_proxy.restore()
        calls.open(make_run("second"))
        calls.write(make_batch(["of the second"] * 10))
        calls.close()
    assert [record["value"] for record in cluster.values(unique)].count("of the second") == 10


@ABSENT
@KINDS
def test_a_broker_that_is_absent_at_the_start_gets_everything(own_kafka, unique, transactional, absent_s):
    cluster = Cluster(own_kafka.bootstrap)
    cluster.create(unique)
    own_kafka.kill()
    run = in_background(lambda: publish(egress_to(own_kafka.bootstrap, unique, transactional), 500))
    assert not wait_until(run.done, absent_s)
    own_kafka.start()
    assert (run.result(40).lost, numbers(cluster, unique)) == (0, list(range(1, 501)))


def test_a_zombie_is_fenced_and_says_so_once(cluster, kafka, unique, caplog):
    cluster.create(unique)
    zombie, heir = (EgressCalls(egress_to(kafka.bootstrap, unique, True), 20) for _ in range(2))
    with zombie, heir:
        zombie.open(make_run(unique))
        zombie.write(make_batch(range(5)))
        heir.open(make_run(unique))
        assert heir.written() == 5
        with pytest.raises(Exception, match="fenced: another producer has taken over transactional_id"):
            zombie.write(make_batch(range(5), 6))
        heir.write(make_batch(["heir"] * 5, 6))
        zombie.close()
        heir.close()
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == [], "futures nobody waits for"
    assert wait_until(lambda: numbers(cluster, unique) == list(range(1, 11)), 10)


def test_a_zombie_that_lost_its_connection_does_not_take_the_place_of_its_successor(cluster, kafka, unique):
    cluster.create(unique)
    zombie, heir = (EgressCalls(egress_to(kafka.bootstrap, unique, True), 20) for _ in range(2))
    with zombie, heir:
        zombie.open(make_run(unique))
        zombie.write(make_batch(range(5)))
        zombie.close()
        zombie.open(make_run(unique))  # nobody else was there
        zombie.close()
        heir.open(make_run(unique))
        with pytest.raises(PermanentError, match="fenced: another producer has taken over transactional_id"):
            zombie.open(make_run(unique))
        heir.write(make_batch(range(5), 6))
        zombie.close()
        heir.close()
    assert wait_until(lambda: numbers(cluster, unique) == list(range(1, 11)), 10)


def test_how_far_a_twin_has_come_is_not_hidden_by_the_transaction_of_another(cluster, kafka, unique):
    cluster.create(unique, f"{unique}-shared")
    options = {"transactional_id": unique, "progress_topic": f"{unique}-shared", "delivery_timeout": 2.0}

    async def hold(ended):
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=f"{unique}-other")
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait(f"{unique}-shared", b"{}", key=b"another")
        while not ended.is_set():
            await asyncio.sleep(0.01)
        await producer.commit_transaction()
        await producer.stop()

    with EgressCalls(KafkaEgress(kafka.bootstrap, unique, unique, **options), 20) as first:
        first.open(make_run(unique))
        ended = Event()
        holding = in_background(lambda: run(hold(ended)))
        assert wait_until(lambda: len(cluster.records(f"{unique}-shared", isolation="read_uncommitted")) == 2, 10)
        first.write(make_batch(range(5)))
        first.close()
    with EgressCalls(KafkaEgress(kafka.bootstrap, unique, unique, **options), 20) as second:
        with pytest.raises(ConnectionError, match="a transaction of somebody else hides the end"):
            second.open(make_run(unique))
        second.close()
        ended.set()
        assert wait_until(holding.done, 20)
        second.open(make_run(unique))
        assert second.written() == 5
        second.close()


def test_a_record_of_5_mb_is_set_aside_alone(cluster, kafka, topics):
    with EgressCalls(KafkaEgress(kafka.bootstrap, **topics), 20) as calls:
        calls.open(make_run())
        aside = calls.write(make_batch(["small", "x" * 5_000_000, "small"]))
        calls.close()
    assert [seq for seq, _ in aside] == [2]
    assert "max_request_size is 1048576" in aside[0][1]
    assert numbers(cluster, topics["event_topic"]) == [1, 3]


@KINDS
def test_a_record_that_its_topic_does_not_take_is_set_aside_alone(cluster, kafka, unique, transactional):
    cluster.create(unique, **{"max.message.bytes": "2000"})
    with EgressCalls(egress_to(kafka.bootstrap, unique, transactional), 30) as calls:
        calls.open(make_run(unique))
        values, aside = ["a" * 100] * 20 + ["x" * 5000] + ["b" * 100] * 20, None
        batch = make_batch(values)
        for _ in range(12):
            try:
                aside = calls.write(batch)
                break
            except ConnectionError:
                calls.close()
                calls.open(make_run(unique))
        calls.close()
    assert [(seq, reason.partition(":")[2]) for seq, reason in aside] == [(21, f" more than topic {unique!r} takes.")]
    assert numbers(cluster, unique) == [seq for seq in range(1, 42) if seq != 21]


def test_a_topic_that_is_deleted_while_running_is_waited_for(cluster, kafka, unique):
    cluster.create(unique)
    egress = egress_to(kafka.bootstrap, unique, False, request_timeout_ms=1000, metadata_max_age_ms=500)
    with EgressCalls(egress, 30) as calls:
        calls.open(make_run())
        calls.write(make_batch(range(3)))
        cluster.delete(unique)
        with pytest.raises(LookupError, match=f"topic '{unique}' is not on the brokers. Create it"):
            calls.write(make_batch(range(3), 4))
        calls.close()
        cluster.create(unique)
        calls.open(make_run())
        calls.write(make_batch(range(3), 4))
        calls.close()
    assert numbers(cluster, unique) == [4, 5, 6]


@MOSTLY_IDEMPOTENT
def test_a_topic_that_is_made_anew_with_fewer_partitions_gets_everything_from_then_on(
    cluster, kafka, unique, transactional
):
    cluster.create(unique, partitions=3)
    with EgressCalls(egress_to(kafka.bootstrap, unique, transactional), 30) as calls:
        calls.open(make_run(unique))
        calls.write(make_batch(range(10)))
        cluster.delete(unique)
        cluster.create(unique)
        with pytest.raises(ConnectionError, match="has no partition . any more|did not end within 2 s"):
            calls.write(make_batch(range(10), 11))
        calls.close()
        calls.open(make_run(unique))
        calls.write(make_batch(range(10), 11))
        calls.close()
    assert wait_until(lambda: sorted(numbers(cluster, unique)) == list(range(11, 21)), 10)


def test_the_models_random_numbers_are_left_alone(cluster, kafka, topics):
    import random

    state = random.getstate()
    with EgressCalls(KafkaEgress(kafka.bootstrap, **topics), 20) as calls:
        calls.open(make_run())
        calls.write(make_batch(range(10)))
        calls.close()
    assert random.getstate() == state
