"""What the benchmarks of Redis and PostgreSQL share: a model that publishes, a twin that is steered, and the table.

A benchmark is a module with a function for each contender: ``raw``, ``alone`` (the egress without a twin), ``ours`` (a
twin) and ``desflow``, called with the server's address and the size of a batch. Each call has a process of its own, and
they take turns.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RECORDS = 100_000
CHANGES = 300
PATH = "Line_A.variables.n"
VALUE = {"path_id": "Line.service.work", "status": "finished", "part": 7, "seconds": 3.25}
SIZES = (500, 5000)


def warm_up():
    """Let be imported what is imported when it is first needed."""
    import numpy  # noqa: F401 - core does so for many records

    records(1000)


def model_of(env, count=RECORDS):
    def model():
        for number in range(count):
            env.publish_event("part-1", {**VALUE, "part": number})
            if number % 100 == 0:
                yield env.timeout(1)

    return model()


def publishing_s(egress, batch_size):
    """Return how long a twin takes from its first event until the sink holds all of them, in wall seconds."""
    from dynamic_des import DynamicRealtimeEnvironment
    from dynamic_des.testing.waiting import wait_until

    warm_up()
    with DynamicRealtimeEnvironment(factor=0, name=f"bench-{time.time_ns()}") as env:
        env.setup_egress([egress], batch_size=batch_size)
        wait_until(lambda: env.report().sinks[0].state == "up", 20)
        env.process(model_of(env))
        begin = time.perf_counter()
        env.run()
        took = time.perf_counter() - begin
        assert env.report().sinks[0].written == RECORDS
    return took


def writing_s(egress, batch_size):
    """Return how long an egress alone takes to write the batches that core hands to it, in wall seconds."""
    from dynamic_des.testing import make_batch, make_run

    warm_up()
    values = [{**VALUE, "part": number} for number in range(RECORDS)]
    batches = deque(
        make_batch(values[first : first + batch_size], first + 1) for first in range(0, RECORDS, batch_size)
    )

    async def write():
        await egress.open(make_run(f"bench-{time.time_ns()}"))
        begin = time.perf_counter()
        while batches:
            await egress.write(batches.popleft())  # and forget it, as core does
        took = time.perf_counter() - begin
        await egress.close()
        return took

    return asyncio.run(write())


def publishing_of_desflow_s(egress, batch_size, count):
    """Return how long desflow takes for it; ``count`` says what the store holds."""
    import desflow

    env = desflow.DynamicRealtimeEnvironment(factor=0, strict=False)
    env.setup_egress([egress], batch_size=batch_size)
    env.process(model_of(env))
    begin = time.perf_counter()
    env.run(until=RECORDS / 100 + 1)
    env.teardown()
    took = time.perf_counter() - begin
    assert count() == RECORDS, f"{count()} of {RECORDS} records are there"
    return took


def records(count=RECORDS):
    """Return the records that such a twin publishes, for the raw client."""
    from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress

    kept = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([kept])
        env.process(model_of(env, count))
        env.run()
    return kept.records


def latencies(ingress, send):
    """Return p50 and p99, in ms, from before ``send(number)`` until the number is in force."""
    from dynamic_des import DynamicRealtimeEnvironment, SimParameter
    from dynamic_des.testing.waiting import wait_until

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
                took.append(arrived.get(timeout=60) - begin)
                time.sleep(0.003)

        operator = threading.Thread(target=operate)
        operator.start()
        while operator.is_alive():
            env.run(until=env.now + 0.2)
    cuts = statistics.quantiles(took[10:], n=100)
    return cuts[49] * 1e3, cuts[98] * 1e3


def run(description, raw_name, server, contenders):
    """Measure one figure, where the command line asks for that; else measure all, and print the table.

    Args:
        description: What the benchmark is for.
        raw_name: What the raw client does.
        server: Starts one in a folder.
        contenders: Name → function of the address, and of the size of a batch.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--desflow", metavar="PYTHON", help="an interpreter that has desflow and the client")
    parser.add_argument("--measure", nargs=3, metavar=("WHO", "ADDRESS", "SIZE"), help="internal: one figure")
    arguments = parser.parse_args()
    if arguments.measure:
        who, address, size = arguments.measure
        print("found:", *contenders[who](address, int(size)), flush=True)
        os._exit(0)
    with tempfile.TemporaryDirectory() as folder:
        one = server(Path(folder) / "server").start()
        try:
            _print_table(raw_name, one.url, arguments)
        finally:
            one.close()


def _print_table(raw_name, address, arguments):
    pythons = dict.fromkeys(("raw", "alone", "ours"), sys.executable) | {"desflow": arguments.desflow}
    print(f"{raw_name} against the egress alone, and a twin; a twin against desflow. Bars: 2, 2 and 3.")
    print(f"{'batch':>6} {'a twin rec/s':>14} {'raw / egress':>14} {'raw / twin':>12} {'twin / desflow':>16}")
    for size in SIZES:
        rounds = [
            {who: fresh(python, who, address, size)[0] for who, python in pythons.items() if python}
            for _ in range(arguments.rounds)
        ]

        def ratio(of, to, rounds=rounds):
            return statistics.median(one[of] / one[to] for one in rounds)

        speed = RECORDS / statistics.median(one["ours"] for one in rounds)
        peer = f"{ratio('desflow', 'ours'):.2f}" if arguments.desflow else "-"
        print(
            f"{size:>6} {speed:>14,.0f} {ratio('alone', 'raw'):>14.2f} {ratio('ours', 'raw'):>12.2f} {peer:>16}",
            flush=True,
        )
    p50, p99 = fresh(sys.executable, "latency", address, 1)
    print(f"change in force after: p50 {p50:.2f} ms ({p50 / 5:.2f} of the bar), p99 {p99:.2f} ms")


def fresh(python, who, address, size):
    """Return what one contender finds in a process of its own."""
    command = [python, sys.argv[0], "--measure", who, address, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{who}: {done.stderr}")
    return [float(figure) for figure in done.stdout.rpartition("found:")[2].split()]
