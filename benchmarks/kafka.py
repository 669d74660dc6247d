"""Records per second to Kafka, from ``publish_event`` to the brokers' acknowledgement, against the raw client.

KAFKA=host:9092 python benchmarks/kafka.py [COUNT]

The raw client gets the same records as bytes and uses its batch interface; both take turns, the medians are compared.
"""

import asyncio
import json
import os
import secrets
import statistics
import sys
import time

from aiokafka import AIOKafkaProducer

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des_kafka import KafkaAdminConnector, KafkaEgress

SERVERS = os.environ.get("KAFKA", "localhost:9092")
VALUE = {"path_id": "Line_A.lathe", "status": "started", "took_s": 1.25}


def ours(topic, count, **options):
    env = DynamicRealtimeEnvironment(factor=0, seed=1)
    env.setup_egress([KafkaEgress(SERVERS, topic, topic, **options)], batch_size=int(os.environ.get("BATCH","5000")), drain_timeout=120)

    def model():
        for number in range(count):
            env.publish_event(f"part-{number // 10}", VALUE)
            if number % 100 == 0:
                yield env.timeout(1)

    env.process(model())
    start = time.perf_counter()
    env.run()
    took = time.perf_counter() - start
    assert not env.report().lost
    env.teardown()
    return count / took


async def raw(topic, count):
    record = {"stream_type": "event", "sim_ts": 1.0, "timestamp": "2026-01-01T00:00:00.000000+00:00", "key": "part-1"}
    value = json.dumps({**record, "value": VALUE, "seq": 123456}).encode()
    headers = [("seq", b"123456"), ("run_id", b"0123456789abcdef")]
    async with AIOKafkaProducer(
        bootstrap_servers=SERVERS, enable_idempotence=True, max_batch_size=1_000_000
    ) as producer:
        start = time.perf_counter()
        sent, batch = [], producer.create_batch()
        for number in range(count):
            key = b"part-%d" % (number // 10)
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                sent.append(await producer.send_batch(batch, topic, partition=0))
                batch = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
        sent.append(await producer.send_batch(batch, topic, partition=0))
        await asyncio.gather(*sent)
        return count / (time.perf_counter() - start)


def main(count):
    topic = f"benchmark-{secrets.token_hex(4)}"
    KafkaAdminConnector(SERVERS).create_topics([{"name": topic}])
    rates = {"raw": [], "idempotent": [], "transactional": []}
    for _ in range(5):
        rates["raw"].append(asyncio.run(raw(topic, count)))
        rates["idempotent"].append(ours(topic, count))
        rates["transactional"].append(ours(topic, count, transactional_id=topic))
    base = statistics.median(rates["raw"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:14} {rate:10,.0f} records/s   {base / rate:5.2f} times the raw client's time")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
