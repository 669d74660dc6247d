#!/usr/bin/env python3
"""A twin that writes to Redis, against pipelined ``XADD`` and desflow; and how soon an entry is in force.

    python benchmarks/redis_store.py [--desflow ../dfl/bin/python]

Starts its own server. The raw client gets records that are made already and encodes them with orjson; the twin's time
includes simulating, publishing and batching. The bars: half of the raw client's rate, three times desflow's, and 5 ms
in the median.
"""

import time

import stores


def raw(url, size):
    import orjson
    import redis

    client, made = redis.Redis.from_url(url), stores.records()
    client.flushall()
    begin = time.perf_counter()
    for first in range(0, len(made), size):
        with client.pipeline(transaction=False) as pipeline:
            for record in made[first : first + size]:
                pipeline.xadd("raw", {"data": orjson.dumps(record)}, f"1-{record['seq']}", maxlen=1_000_000)
            pipeline.execute()
    return [time.perf_counter() - begin]


def egress(url):
    import redis

    from dynamic_des_redis import RedisEgress

    redis.Redis.from_url(url).flushall()
    return RedisEgress(url=url, channel="ours")


def alone(url, size):
    return [stores.writing_s(egress(url), size)]


def ours(url, size):
    return [stores.publishing_s(egress(url), size)]


def desflow(url, size):
    import redis
    from desflow.connectors.egress.redis import RedisEgress

    client = redis.Redis.from_url(url)
    client.flushall()
    return [stores.publishing_of_desflow_s(RedisEgress(url, "theirs"), size, lambda: client.xlen("theirs"))]


def latency(url, _):
    import redis

    from dynamic_des_redis import RedisIngress

    client = redis.Redis.from_url(url)
    ingress = RedisIngress(url=url, channel="control")
    return stores.latencies(ingress, lambda n: client.xadd("control", {"path": stores.PATH, "value": n}))


def server(folder):
    from tests.services.redis import Redis

    return Redis(folder, "--appendfsync", "everysec")


if __name__ == "__main__":
    contenders = {"raw": raw, "alone": alone, "ours": ours, "desflow": desflow, "latency": latency}
    stores.run(__doc__, "pipelined XADD", server, contenders)
