#!/usr/bin/env python3
"""The environment beside plain SimPy, and beside desflow where it is installed. Above 1 is faster.

    python benchmarks/peers.py                              against SimPy
    python benchmarks/peers.py --desflow ../dfl/bin/python  and against the desflow of that interpreter

Every figure is CPU time in the simulation thread, and a median over rounds of fresh processes that take turns: whatever
runs second in a process is slowed down by what the interpreter learnt from the first.
"""

import argparse
import random
import statistics
import subprocess
import sys
import time

CUSTOMERS = 60_000
PUBLISHED = 200_000
UPDATES = 200_000
RATE, SERVICE = 0.8, 1.0


def simpy_world():
    import simpy

    env = simpy.Environment()
    return env, simpy.Resource(env, 1)


def steered_world(package):
    """An environment with one resource, and parameters, of dynamic_des or of desflow: their names are alike."""
    distribution, capacity = package.DistributionConfig, package.CapacityConfig
    options = {} if package.__name__ == "dynamic_des" else {"strict": False}
    env = package.DynamicRealtimeEnvironment(factor=0, **options)
    env.registry.register_sim_parameter(
        package.SimParameter(
            sim_id="Line",
            arrival={"jobs": distribution(dist="exponential", rate=RATE)},
            service={"work": distribution(dist="exponential", rate=SERVICE)},
            resources={"server": capacity(current_cap=1, max_cap=1)},
            variables={"dial": 0.0},
        )
    )
    return env, package.DynamicResource(env, "Line", "server")


def queue_model(env, resource, gap, work):
    """M/M/1: every customer is a process."""

    def customer():
        with resource.request() as request:
            yield request
            yield env.timeout(work())

    def source():
        for _ in range(CUSTOMERS):
            yield env.timeout(gap())
            env.process(customer())

    env.process(source())
    # to a time, not to the end: desflow's run never ends by itself when it has an ingress
    return lambda: env.run(until=0.98 * CUSTOMERS / RATE)


def expovariate():
    draw = random.Random(1).expovariate
    return lambda: draw(RATE), lambda: draw(SERVICE)


def sampled(package, env):
    import numpy

    sample = package.Sampler(rng=numpy.random.default_rng(1)).sample
    gaps = env.registry.get_config("Line.arrival.jobs")
    times = env.registry.get_config("Line.service.work")
    return lambda: sample(gaps), lambda: sample(times)


def idle_ingress(package):
    import asyncio

    if package.__name__ == "dynamic_des":
        from dynamic_des import BaseIngress
    else:
        from desflow.connectors.ingress.base import BaseIngress

    class Idle(BaseIngress):
        async def run(self, ingress_queue):
            await asyncio.Event().wait()

    return Idle()


def forgetting_egress(package):
    import asyncio
    import queue

    if package.__name__ == "dynamic_des":
        from dynamic_des import BaseEgress

        class Forgetting(BaseEgress):
            async def write(self, batch):
                pass

    else:
        from desflow.connectors.egress.base import BaseEgress

        class Forgetting(BaseEgress):
            async def run(self, egress_queue):
                while True:
                    try:
                        egress_queue.get_nowait()
                    except queue.Empty:
                        await asyncio.sleep(0.01)

    return Forgetting()


def plain(package):
    env, resource = steered_world(package) if package else simpy_world()
    return queue_model(env, resource, *expovariate())


def with_sampler(package):
    if not package:
        return plain(None)
    env, resource = steered_world(package)
    return queue_model(env, resource, *sampled(package, env))


def with_idle_ingress(package):
    if not package:
        return plain(None)
    env, resource = steered_world(package)
    env.setup_ingress([idle_ingress(package)])
    return queue_model(env, resource, *expovariate())


def publishing(package):
    env, _ = steered_world(package)
    env.setup_egress([forgetting_egress(package)])
    publish, key = env.publish_event, "task-1"
    value = {"path_id": "Line.service.work", "status": "finished", "part": 17, "seconds": 3.25}

    def run():
        for _ in range(PUBLISHED):
            publish(key, value)

    return run


def updating(package):
    env, _ = steered_world(package)
    update = env.registry.update

    def run():
        for number in range(UPDATES):
            update("Line.variables.dial", float(number))

    return run


ROWS = {  # name: (work, whether plain SimPy has it)
    "M/M/1": (plain, True),
    "M/M/1, times from the Sampler": (with_sampler, True),
    "M/M/1, with an idle ingress": (with_idle_ingress, True),
    "publish_event to a sink that forgets": (publishing, False),
    "registry.update of a variable": (updating, False),
}


def measure(row, who):
    """Run one row in this process and print the seconds of CPU time of this thread."""
    import importlib

    work, _ = ROWS[row]
    run = work(importlib.import_module(who) if who != "simpy" else None)
    begin = time.thread_time()
    run()
    print(time.thread_time() - begin, flush=True)
    sys.stdout.flush()
    import os

    os._exit(0)  # nothing is measured at the end


def fresh(python, row, who):
    command = [python, __file__, "--measure", row, who]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)


def table(arguments):
    print(f"{'work':<40} {'ours':>10} {'x SimPy':>8} {'x desflow':>10}")
    for row, (_, has_simpy) in ROWS.items():
        if not row.startswith(arguments.only):
            continue
        figures = {"dynamic_des": [], "simpy": [], "desflow": []}
        for _ in range(arguments.rounds):
            figures["dynamic_des"].append(fresh(sys.executable, row, "dynamic_des"))
            if has_simpy:
                figures["simpy"].append(fresh(sys.executable, row, "simpy"))
            if arguments.desflow:
                figures["desflow"].append(fresh(arguments.desflow, row, "desflow"))
        ours = figures["dynamic_des"]
        ratios = {
            who: f"{statistics.median(a / b for a, b in zip(figures[who], ours, strict=True)):.2f}"
            if figures[who]
            else "-"
            for who in ("simpy", "desflow")
        }
        count = CUSTOMERS if has_simpy else PUBLISHED
        each = f"{statistics.median(ours) / count * 1e6:.3f} us"
        print(f"{row:<40} {each:>10} {ratios['simpy']:>8} {ratios['desflow']:>10}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--desflow", metavar="PYTHON", help="an interpreter that has desflow")
    parser.add_argument("--measure", nargs=2, metavar=("ROW", "WHO"), help="internal: one figure of this process")
    arguments = parser.parse_args()
    if arguments.measure:
        measure(*arguments.measure)
    else:
        table(arguments)


if __name__ == "__main__":
    main()
