"""From a record's key to its partition."""

from __future__ import annotations

from functools import lru_cache
from numbers import Integral
from typing import Any, Protocol, runtime_checkable
from zlib import crc32

from dynamic_des.errors import ParameterError, show

__all__ = ["HashSharding", "KafkaSharding", "ShardingStrategy", "murmur2"]


@runtime_checkable
class ShardingStrategy(Protocol):
    """Decides which partition a key belongs to. Keys that are None never get here: the log spreads them itself."""

    def get_shard(self, key: str, num_partitions: int, /) -> int:
        """Return the partition, 0 to ``num_partitions - 1``: the same for the same key, every time."""


class HashSharding:
    """Spreads keys evenly by a hash that is the same in every run and on every machine (Python's own is not)."""

    def get_shard(self, key: str | bytes | int, num_partitions: int, /) -> int:
        """Return the partition of ``key``. A whole number is taken as its text: 7 goes where ``"7"`` goes.

        Raises:
            ParameterError: (a ValueError) If the key is not text, bytes or a whole number.
        """
        try:
            return (_spread(key) * num_partitions) >> 32
        except TypeError:
            raise _unroutable(key) from None


class KafkaSharding:
    """The partition that Kafka's own clients choose for a key: a simulated key lands where the real one would.

    That is ``murmur2(key) & 0x7fffffff`` modulo the number of partitions, of the key's bytes (text as UTF-8): the
    default of the Java client and of those that follow it. librdkafka's own default, CRC32, is another.
    """

    def get_shard(self, key: str | bytes, num_partitions: int, /) -> int:
        """Return the partition of ``key``.

        Raises:
            ParameterError: (a ValueError) If the key is neither text nor bytes: how a number becomes bytes is a
                decision of the serializer's.
        """
        try:
            return _kafka_hash(key) % num_partitions
        except TypeError:
            raise _unroutable(key) from None


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 of ``data`` with Kafka's seed, 0 to 2**32 - 1.

    The algorithm is Austin Appleby's, the seed (0x9747b28c) that of ``org.apache.kafka.common.utils.Utils``.
    """
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    tail = len(data) & 3
    value = 0x9747B28C ^ len(data)
    for at in range(0, len(data) - tail, 4):
        word = int.from_bytes(data[at : at + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        value = (value * multiplier & mask) ^ word
    if tail:
        value = (value ^ int.from_bytes(data[-tail:], "little")) * multiplier & mask
    value = (value ^ value >> 13) * multiplier & mask
    return value ^ value >> 15


# a simulated stream repeats its keys: looking them up is several times faster than hashing them


@lru_cache(maxsize=65536, typed=True)
def _spread(key: Any) -> int:
    if isinstance(key, Integral):
        key = str(int(key))
    # Fibonacci hashing of the checksum: its lower bits alone are uneven for numbered keys
    return crc32(_as_bytes(key)) * 2654435769 & 0xFFFFFFFF


@lru_cache(maxsize=65536, typed=True)
def _kafka_hash(key: Any) -> int:
    return murmur2(_as_bytes(key)) & 0x7FFFFFFF


def _as_bytes(key: Any) -> bytes:
    if isinstance(key, str):
        return key.encode(errors="surrogatepass")
    if isinstance(key, bytes):
        return key
    raise TypeError


def _unroutable(key: object) -> ParameterError:
    return ParameterError(
        f"key: {show(key)} cannot be routed. Give text or bytes (HashSharding takes whole numbers too), None for any "
        "partition, or a sharding strategy of your own."
    )
