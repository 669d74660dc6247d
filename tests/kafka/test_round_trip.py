"""Everything that goes out is there, and in order, for a client that is not ours."""

import json
from collections import defaultdict
from time import monotonic

import confluent_kafka
import pytest

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des_kafka import KafkaEgress

PARTITIONS, KEYS = 4, 997
FULL = pytest.param(100_000, marks=pytest.mark.full)


def read_back(bootstrap, topic, limit_s):
    """Return all records of a topic, as librdkafka sees them: partition → records in order."""
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False, "enable.partition.eof": True}
    )
    places = [confluent_kafka.TopicPartition(topic, one, 0) for one in range(PARTITIONS)]
    found, ended = defaultdict(list), set()
    consumer.assign(places)
    try:
        deadline = monotonic() + limit_s
        while len(ended) < PARTITIONS:
            assert monotonic() < deadline, f"{limit_s} s were not enough"
            for record in consumer.consume(1000, timeout=0.2):
                if record.error() is None:
                    found[record.partition()].append(record)
                else:
                    assert record.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, record.error()
                    ended.add(record.partition())
    finally:
        consumer.close()
    return found


@pytest.mark.parametrize("transactional", [False, True], ids=["idempotent", "transactional"])
@pytest.mark.parametrize("count", [10_000, FULL])
def test_all_events_come_back_in_the_order_of_their_keys(cluster, kafka, unique, count, transactional):
    cluster.create(unique, partitions=PARTITIONS)
    options = {"transactional_id": unique} if transactional else {}
    with DynamicRealtimeEnvironment(factor=0, name=unique) as env:
        env.setup_egress([KafkaEgress(kafka.bootstrap, unique, unique, **options)], batch_size=2500, drain_timeout=60)

        def model():
            for number in range(count):
                env.publish_event(f"part-{number % KEYS}", {"number": number})
                if number % 10 == 0:
                    yield env.timeout(1)

        env.process(model())
        env.run()
    assert env.report().lost == 0
    found = read_back(kafka.bootstrap, unique, 60)
    seqs, by_key = [], defaultdict(list)
    for partition, records in found.items():
        for record in records:
            value = json.loads(record.value())
            if "seq" in value:
                assert dict(record.headers())["seq"] == b"%d" % value["seq"]
                assert record.key().decode() == value["key"]
                seqs.append(value["seq"])
                by_key[value["key"], partition].append(value["value"]["number"])
    assert sorted(seqs) == list(range(1, count + 1))
    assert len(by_key) == KEYS, "each key is in one partition"
    for (key, _), numbers in by_key.items():
        assert numbers == list(range(int(key.removeprefix("part-")), count, KEYS))
