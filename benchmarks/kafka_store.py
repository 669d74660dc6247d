#!/usr/bin/env python3
"""A twin that writes to Kafka and is steered from it, against the raw clients. Starts its own broker.

    python benchmarks/kafka_store.py
    python benchmarks/kafka_store.py --desflow ../dfl/bin/python   beside the desflow[kafka] of that interpreter

Records a second into one partition, until the broker has acknowledged the last: aiokafka's batch interface and
confluent-kafka's producer get records that are made already, encode them with orjson and label them as a twin does; the
twin's time includes simulating, publishing and batching. A transaction is compared with aiokafka's own of as many
records. The bar: twice the raw batches' time. Then how soon a change is in force, beside how soon aiokafka's consumer
has a message. All take turns, medians are compared.
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from queue import SimpleQueue

import confluent_kafka
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from tests.services.kafka import Kafka

import stores
from dynamic_des_kafka import KafkaAdminConnector, KafkaEgress, KafkaIngress

TOPIC = "records"
RUN_ID = b"0123456789abcdef"
DESFLOW = str(Path(__file__).with_name("kafka_desflow.py"))


def headers(record):
    return [("seq", b"%d" % record["seq"]), ("run_id", RUN_ID)]


class Raw:
    """aiokafka's batch interface, with or without transactions."""

    def __init__(self, servers, made, **options):
        self._options = {
            "bootstrap_servers": servers,
            "enable_idempotence": True,
            "max_batch_size": 1_000_000,
            **options,
        }
        self._made = made

    def __call__(self, size):
        return asyncio.run(self._send(size))

    async def _send(self, size):
        async with AIOKafkaProducer(**self._options) as producer:
            await producer.partitions_for(TOPIC)
            begin, answers = time.perf_counter(), []
            for first in range(0, len(self._made), size):
                some = self._made[first : first + size]
                if "transactional_id" in self._options:
                    async with producer.transaction():
                        await asyncio.gather(*await self._batches(producer, some))
                else:
                    answers += await self._batches(producer, some)
            await asyncio.gather(*answers)
            return time.perf_counter() - begin

    async def _batches(self, producer, some):
        answers, batch = [], producer.create_batch()
        for record in some:
            one = {"key": record["key"].encode(), "value": orjson.dumps(record), "headers": headers(record)}
            if batch.append(timestamp=None, **one) is None:
                answers.append(await producer.send_batch(batch, TOPIC, partition=0))
                batch = producer.create_batch()
                batch.append(timestamp=None, **one)
        answers.append(await producer.send_batch(batch, TOPIC, partition=0))
        return answers


class Confluent:
    """confluent-kafka's producer, which is librdkafka's, with a buffer for everything."""

    def __init__(self, servers, made):
        self._made = made
        self._options = {
            "bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 5,
            "queue.buffering.max.messages": 10 * len(made),
        }  # fmt: skip

    def __call__(self, size):
        producer = confluent_kafka.Producer(self._options)
        producer.list_topics(TOPIC, 10)
        begin = time.perf_counter()
        for record in self._made:
            value = orjson.dumps(record)
            producer.produce(TOPIC, value, record["key"].encode(), 0, headers=headers(record))
        assert producer.flush(60) == 0
        return time.perf_counter() - begin


class Client:
    """A plain client in a thread of its own."""

    def __init__(self, servers):
        self.arrived = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._run(self._open(servers))

    def send(self, number, topic="control"):
        change = {"path": stores.PATH, "value": number}
        self._run(self._producer.send_and_wait(topic, json.dumps(change).encode(), key=b"n"))

    def latencies(self):
        """Return p50 and p99, in ms, from before a message is sent until a consumer has it."""
        took = []
        for number in range(1, stores.CHANGES + 1):
            begin = time.perf_counter()
            self.send(number, "plain")
            took.append(self.arrived.get(timeout=30) - begin)
            time.sleep(0.003)
        cuts = statistics.quantiles(took[10:], n=100)
        return cuts[49] * 1e3, cuts[98] * 1e3

    def close(self):
        self._reading.cancel()
        self._run(self._close())

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _open(self, servers):
        self._producer = AIOKafkaProducer(bootstrap_servers=servers)
        self._consumer = AIOKafkaConsumer("plain", bootstrap_servers=servers)
        await self._producer.start()
        await self._consumer.start()
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self):
        async for _ in self._consumer:
            self.arrived.put(time.perf_counter())

    async def _close(self):
        await self._producer.stop()
        await self._consumer.stop()


def desflow(python, servers, work):
    """Return what a twin of desflow's takes, in a process of its own."""

    def run(size):
        command = [python, DESFLOW, work, servers, str(stores.RECORDS)]
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
        return json.loads(said.splitlines()[-1])

    return run


def contenders(servers, python):
    made = stores.records()
    gc.freeze()  # what only the raw clients need is not to cost the twin's garbage collector
    found = {
        "aiokafka, batches": Raw(servers, made),
        "confluent-kafka": Confluent(servers, made),
        "a twin": lambda size: stores.publishing_s(KafkaEgress(servers, TOPIC, TOPIC), size),
        "aiokafka, transactions": Raw(servers, made, transactional_id="raw"),
        "a twin, transactions": lambda size: stores.publishing_s(
            KafkaEgress(servers, TOPIC, TOPIC, transactional_id="twin"), size
        ),
    }
    return {**found, "desflow": desflow(python, servers, "records")} if python else found


def print_rates(found, size, rounds):
    seconds = {name: [] for name in found}
    for _ in range(rounds):
        for name, run in found.items():
            seconds[name].append(run(size))
    print(f"{'batches of ' + str(size):<24} {'rec/s':>10} {'x aiokafka time':>16} {'x a twin time':>14}")
    for name, times in seconds.items():
        to_raw, to_twin = (
            statistics.median(one / other for one, other in zip(times, seconds[base], strict=True))
            for base in ("aiokafka, batches", "a twin")
        )
        print(
            f"{name:<24} {stores.RECORDS / statistics.median(times):>10,.0f} {to_raw:>16.2f} {to_twin:>14.2f}",
            flush=True,
        )


def print_latencies(servers, python):
    client = Client(servers)
    raw = client.latencies()
    twin = stores.latencies(KafkaIngress("control", servers), client.send)
    rows = {"message to aiokafka's consumer": raw, "change in force in a twin": twin}
    if python:
        rows["change in force in desflow"] = desflow(python, servers, "changes")(0)
    for name, (p50, p99) in rows.items():
        print(f"{name:<32} p50 {p50:7.2f} ms ({p50 / raw[0]:5.2f} x)   p99 {p99:7.2f} ms ({p99 / raw[1]:5.2f} x)")
    client.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--desflow", metavar="PYTHON", help="an interpreter that has desflow[kafka]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broker = Kafka(Path(folder) / "kafka").start()
        try:
            KafkaAdminConnector(broker.bootstrap).create_topics([{"name": one} for one in (TOPIC, "control", "plain")])
            found = contenders(broker.bootstrap, arguments.desflow)
            for size in (500, 5000):
                print_rates(found, size, arguments.rounds)
            print_latencies(broker.bootstrap, arguments.desflow)
        finally:
            broker.close()


if __name__ == "__main__":
    main()
