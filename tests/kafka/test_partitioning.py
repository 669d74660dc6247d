"""Keys go where Kafka's own clients put them."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des_kafka.partitioning import Partitioner, murmur2


@given(st.binary(max_size=64), st.integers(1, 1000))
def test_a_key_goes_where_the_clients_own_partitioner_puts_it(key, count):
    places = list(range(count))
    assert Partitioner()(key, count) == DefaultPartitioner()(key, places, places)


# those of Kafka's own tests, as unsigned numbers
@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829), (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)  # fmt: skip
def test_the_hash_is_kafkas(key, hashed):
    assert murmur2(key) == hashed & 0xFFFFFFFF


def test_what_has_no_key_goes_round():
    partition = Partitioner()
    assert sorted(partition(None, 3) for _ in range(6)) == [0, 0, 1, 1, 2, 2]


def test_a_key_is_put_anew_when_a_topic_has_more_partitions():
    partition = Partitioner()
    assert [partition(b"abc", count) for count in (5, 50, 5)] == [479470107 % 5, 479470107 % 50, 479470107 % 5]
