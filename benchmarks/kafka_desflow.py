"""What a twin of desflow's takes; run by kafka_store.py with an interpreter that has desflow[kafka].

python kafka_desflow.py records SERVERS COUNT    prints wall seconds until COUNT records are in the log
python kafka_desflow.py changes SERVERS _        prints p50 and p99 of a change, in milliseconds
"""

import asyncio
import json
import os
import statistics
import sys
import threading
import time
import traceback
from queue import SimpleQueue

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from desflow import DynamicRealtimeEnvironment, SimParameter
from desflow.connectors.egress.kafka import KafkaEgress
from desflow.connectors.ingress.kafka import KafkaIngress

TOPIC = "records"
VALUE = {"path_id": "Line.service.work", "status": "finished", "part": 7, "seconds": 3.25}
CHANGES = 100


def records(servers, count):
    before = asyncio.run(end_of(servers))
    env = DynamicRealtimeEnvironment(factor=0)
    env.setup_egress([KafkaEgress(servers, TOPIC, TOPIC)])
    time.sleep(2)  # until it is connected

    def model():
        for number in range(count):
            env.publish_event("part-1", {**VALUE, "part": number})
            if number % 100 == 0:
                yield env.timeout(1)

    env.process(model())
    begin = time.perf_counter()
    env.run(until=count)
    env.teardown()
    took = time.perf_counter() - begin
    written = asyncio.run(end_of(servers)) - before
    assert written >= count, f"desflow wrote {written} of {count} records"
    return took


async def end_of(servers):
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        place = TopicPartition(TOPIC, 0)
        return (await consumer.end_offsets([place]))[place]


def changes(servers):
    arrived, took = SimpleQueue(), []
    env = DynamicRealtimeEnvironment(factor=1, strict=False)
    env.registry.register_sim_parameter(SimParameter(sim_id="Line_A", variables={"n": 0.0}))
    env.setup_ingress([KafkaIngress("control", servers)])

    def watch():
        value = env.registry.get("Line_A.variables.n")
        for _ in range(CHANGES):
            yield value.wait_for_change()
            arrived.put(time.perf_counter())

    async def operate():
        async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
            await asyncio.sleep(3)  # until it listens
            for number in range(1, CHANGES + 1):
                change = json.dumps({"path": "Line_A.variables.n", "value": float(number)}).encode()
                begin = time.perf_counter()
                await producer.send_and_wait("control", change)
                took.append(await asyncio.to_thread(arrived.get, timeout=30) - begin)

    def operating():
        try:
            asyncio.run(operate())
        except BaseException:  # noqa: BLE001 - whatever it is, it ends the process
            traceback.print_exc()
            os._exit(1)  # else it would be waited for without end

    operator = threading.Thread(target=operating)
    operator.start()
    env.run(until=env.process(watch()))
    operator.join()
    cuts = statistics.quantiles(took[10:], n=100)
    return cuts[49] * 1e3, cuts[98] * 1e3


if __name__ == "__main__":
    work, servers, count = sys.argv[1:]
    print(json.dumps(records(servers, int(count)) if work == "records" else changes(servers)), flush=True)
    os._exit(0)
