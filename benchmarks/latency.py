#!/usr/bin/env python3
"""How soon a live change is in force: from `MemoryIngress.send` in another thread until the registry has announced it.

    python benchmarks/latency.py

The bars: p50 below 0.5 ms, p99 below 5 ms, in real time, with a simulation that waits and with one that is busy.
Beside them, as the least that two hand-overs between three threads cost here and now, the same hops through bare
queues. Wall time, so a loaded machine shows; every row is a fresh process.
"""

import argparse
import statistics
import subprocess
import sys
import threading
import time
from queue import SimpleQueue

CHANGES = 2000
PAUSE_S = 0.002
P50_S, P99_S = 0.0005, 0.005


def busy(env):
    """A model whose events follow each other so closely that the clock is always behind, or nearly."""
    while True:
        yield env.timeout(1e-5)


def half_busy(env):
    """A model that computes for half of the time: half a millisecond of work in every millisecond."""
    while True:
        until = time.perf_counter() + 0.0005
        while time.perf_counter() < until:
            pass
        yield env.timeout(0.001)


MODELS = {"waiting": None, "half busy": half_busy, "busy": busy}


def send_all(send, arrived):
    """Send one change after the other from this thread; return how long each took."""
    took = []
    for number in range(1, CHANGES + 1):
        begin = time.perf_counter()
        send(number)
        at = arrived.get()
        took.append(at - begin)
        time.sleep(PAUSE_S)
    return took


def through_the_bridge(model):
    from dynamic_des import DynamicRealtimeEnvironment, MemoryIngress, SimParameter

    arrived, source, took = SimpleQueue(), MemoryIngress(), []
    env = DynamicRealtimeEnvironment(factor=1)
    env.registry.register_sim_parameter(SimParameter("L", variables={"n": 0}))
    env.registry.get("L.variables.n").subscribe(lambda value: arrived.put(time.perf_counter()))
    env.setup_ingress([source])
    if model is not None:
        env.process(model(env))

    def operate():
        took.extend(send_all(lambda number: source.send(("L.variables.n", number)), arrived))
        source.end()
        env.post("L.variables.n", -1)

    operator = threading.Thread(target=operate)
    operator.start()
    while operator.is_alive():
        env.run(until=env.now + 0.5)
    env.teardown()
    return took


def through_queues(polling):
    """The same two hops, thread to thread to thread, with nothing done on the way.

    Args:
        polling: Whether the last thread is busy and looks in passing, as a model that computes does, or waits.
    """
    first, second, arrived = SimpleQueue(), SimpleQueue(), SimpleQueue()

    def relay():
        while (item := first.get()) is not None:
            second.put(item)
        second.put(None)

    def apply():
        while (take_polling() if polling else second.get()) is not None:
            arrived.put(time.perf_counter())

    def take_polling():
        while second.empty():
            pass
        return second.get()

    threads = [threading.Thread(target=work) for work in (relay, apply)]
    for thread in threads:
        thread.start()
    took = send_all(first.put, arrived)
    first.put(None)
    for thread in threads:
        thread.join()
    return took


def measure(row):
    took = through_queues(row == "queues, busy") if row.startswith("queues") else through_the_bridge(MODELS[row])
    cuts = statistics.quantiles(took, n=100)
    print(cuts[49], cuts[98], max(took))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", metavar="ROW", help="internal: one row in this process")
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    print(f"{'simulation':<12} {'p50':>9} {'/ bar':>6} {'p99':>9} {'/ bar':>6} {'most':>9} {'p50 / queues':>13}")
    queues = None
    for row in ("queues", "queues, busy", *MODELS):
        command = [sys.executable, __file__, "--measure", row]
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
        p50, p99, most = map(float, said.split())
        queues = queues or p50
        print(
            f"{row:<12} {p50 * 1e3:>6.3f} ms {p50 / P50_S:>6.2f} {p99 * 1e3:>6.3f} ms {p99 / P99_S:>6.2f}"
            f" {most * 1e3:>6.2f} ms {p50 / queues:>13.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
