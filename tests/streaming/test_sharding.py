from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as kafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des_streaming import EventLog, HashSharding, KafkaSharding, murmur2


def test_10_000_random_keys_land_where_kafkas_partitioner_puts_them():
    rng = random.Random(7)
    kafka, ours = DefaultPartitioner(), KafkaSharding()
    for _ in range(10_000):
        key = rng.randbytes(rng.randrange(40))
        partitions = list(range(rng.randint(1, 64)))
        assert ours.get_shard(key, len(partitions)) == kafka(key, partitions, partitions)


@given(st.text())
def test_text_lands_where_its_utf_8_would(key):
    partitions = list(range(12))
    expected = DefaultPartitioner()(key.encode("utf-8", "surrogatepass"), partitions, partitions)
    assert KafkaSharding().get_shard(key, 12) == expected


@given(st.binary())
def test_murmur2_is_kafkas(data):
    assert murmur2(data) == kafka_murmur2(data)


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        # org.apache.kafka.common.utils.UtilsTest
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_the_values_of_kafkas_own_tests(data, signed):
    assert murmur2(data) == signed & 0xFFFFFFFF


@pytest.mark.parametrize("partitions", [1, 2, 3, 4, 7, 12, 64])
@pytest.mark.parametrize("strategy", [HashSharding(), KafkaSharding()])
@pytest.mark.parametrize("form", ["user-{}", "{:08}", "{}"])
def test_numbered_keys_are_spread_evenly(strategy, partitions, form):
    counts = Counter(strategy.get_shard(form.format(number), partitions) for number in range(20_000))
    assert sorted(counts) == list(range(partitions))
    expected = 20_000 / partitions
    assert max(abs(count - expected) for count in counts.values()) < max(0.15 * expected, 6 * expected**0.5)


def test_the_hash_is_the_same_in_every_process():
    code = (
        "from dynamic_des_streaming import HashSharding; h = HashSharding();"
        "print([h.get_shard(key, 1000) for key in ('a', 'b', b'a', 7, '7', '')])"
    )
    answers = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab"
    }
    strategy = HashSharding()
    assert answers == {f"{[strategy.get_shard(key, 1000) for key in ('a', 'b', b'a', 7, '7', '')]}\n"}
    assert strategy.get_shard(7, 1000) == strategy.get_shard("7", 1000)


def test_kafka_takes_no_numbers():
    with pytest.raises(ValueError, match=r"key: 7 cannot be routed\. Give text or bytes"):
        KafkaSharding().get_shard(7, 4)


def test_the_same_key_stays_in_its_partition(env):
    log = EventLog(env, "orders", 8, append_latency=0)
    operations = [log.append(f"k{number % 5}", number) for number in range(50)]
    env.run()
    homes = {}
    for operation in operations:
        assert homes.setdefault(operation.value.key, operation.value.partition) == operation.value.partition


def test_what_was_routed_before_makes_no_difference():
    strategy = HashSharding()
    strategy.get_shard(12345, 4)
    with pytest.raises(ValueError, match=r"12345\.0 cannot be routed"):
        strategy.get_shard(12345.0, 4)


def test_text_that_is_no_valid_unicode_is_routed_too():
    for strategy in (HashSharding(), KafkaSharding()):
        assert strategy.get_shard("\ud800", 4) in range(4)
