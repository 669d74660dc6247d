#!/usr/bin/env python3
"""A twin that writes to Redis, against pipelined ``XADD``; and how soon an entry is in force. Starts its own server.

    python benchmarks/redis_store.py

The raw client gets records that are made already and encodes them with orjson; the twin's time includes simulating,
publishing and batching. The bars: half of the raw client's rate, and 5 ms in the median.
"""

import tempfile
import time
from pathlib import Path

import orjson
import redis
from tests.services.redis import Redis

import stores
from dynamic_des_redis import RedisEgress, RedisIngress


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Redis(Path(folder) / "redis", "--appendfsync", "everysec").start()
        client, made = redis.Redis(port=server.port), stores.records()

        def raw(size):
            client.flushall()
            begin = time.perf_counter()
            for first in range(0, len(made), size):
                with client.pipeline(transaction=False) as pipeline:
                    for record in made[first : first + size]:
                        pipeline.xadd("raw", {"data": orjson.dumps(record)}, f"1-{record['seq']}", maxlen=1_000_000)
                    pipeline.execute()
            return time.perf_counter() - begin

        def ours(size):
            client.flushall()
            return stores.publishing_s(RedisEgress(port=server.port, channel="ours"), size)

        found = stores.in_turns((500, 5000), raw, ours)
        ingress = RedisIngress(port=server.port, channel="control")
        latency = stores.latencies(ingress, lambda n: client.xadd("control", {"path": stores.PATH, "value": n}))
        stores.print_table("pipelined XADD", *found, latency)
        client.close()
        server.close()


if __name__ == "__main__":
    main()
