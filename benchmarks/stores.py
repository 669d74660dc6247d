"""What the benchmarks of Redis and PostgreSQL share: a twin that publishes, one that is steered, and the table."""

import argparse
import statistics
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress, SimParameter
from dynamic_des.testing.waiting import wait_until

RECORDS = 100_000
CHANGES = 300
PATH = "Line_A.variables.n"
VALUE = {"path_id": "Line.service.work", "status": "finished", "part": 7, "seconds": 3.25}


def publishing_s(egress, batch_size):
    """Return how long a twin takes from its first event until the sink holds all of them, in wall seconds."""
    with DynamicRealtimeEnvironment(factor=0, name=f"bench-{time.time_ns()}") as env:
        env.setup_egress([egress], batch_size=batch_size)
        wait_until(lambda: env.report().sinks[0].state == "up", 20)

        def model():
            for number in range(RECORDS):
                env.publish_event("part-1", {**VALUE, "part": number})
                if number % 100 == 0:
                    yield env.timeout(1)

        env.process(model())
        begin = time.perf_counter()
        env.run()
        took = time.perf_counter() - begin
        assert env.report().sinks[0].written == RECORDS
    return took


def records():
    """Return the records that such a twin publishes, for the raw client."""
    kept = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([kept])
        for number in range(RECORDS):
            env.publish_event("part-1", {**VALUE, "part": number})
    return kept.records


def latencies(ingress, send):
    """Return p50 and p99, in ms, from before ``send(number)`` until the number is in force."""
    arrived, took = SimpleQueue(), []
    with DynamicRealtimeEnvironment(factor=1, name=f"bench-{time.time_ns()}") as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"n": 0}))
        env.registry.get(PATH).subscribe(lambda _: arrived.put(time.perf_counter()))
        env.setup_ingress([ingress])
        wait_until(lambda: env.report().sources[0].state == "up", 20)

        def operate():
            for number in range(1, CHANGES + 1):
                begin = time.perf_counter()
                send(number)
                took.append(arrived.get() - begin)
                time.sleep(0.003)

        operator = threading.Thread(target=operate)
        operator.start()
        while operator.is_alive():
            env.run(until=env.now + 0.2)
    cuts = statistics.quantiles(took[10:], n=100)
    return cuts[49] * 1e3, cuts[98] * 1e3


def print_table(raw_name, raw, ours, latency):
    """Print the ratios: batch size → median seconds, raw and ours; and the latency."""
    print(f"{'batch':>6} {raw_name + ' rec/s':>22} {'a twin rec/s':>14} {'raw / twin':>11} {'bar':>5}")
    for size in raw:
        rates = f"{RECORDS / raw[size]:>22,.0f} {RECORDS / ours[size]:>14,.0f}"
        print(f"{size:>6} {rates} {ours[size] / raw[size]:>11.2f}   2.0")
    print(f"change in force after: p50 {latency[0]:.2f} ms ({latency[0] / 5:.2f} of the bar), p99 {latency[1]:.2f} ms")


def in_turns(sizes, raw, ours):
    """Return the median seconds of both for each batch size; they take turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found = [{}, {}]
    for size in sizes:
        turns = [(raw(size), ours(size)) for _ in range(rounds)]
        for one, times in zip(found, zip(*turns, strict=True), strict=True):
            one[size] = statistics.median(times)
    return found
