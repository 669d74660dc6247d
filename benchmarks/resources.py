#!/usr/bin/env python3
"""How fast the dynamic resources are, as a ratio to SimPy's own on the same work. Above 1 is faster.

    python benchmarks/resources.py                 three minutes
    python benchmarks/resources.py --pairs 15      steadier figures
    python benchmarks/resources.py --only cycle    the rows whose name begins so

Every figure is a median over pairs of fresh processes that take turns: whatever runs second in a process
is slowed down by what the interpreter learnt from the first. CPU time is compared, not the clock on the wall.
"""

import argparse
import random
import statistics
import subprocess
import sys
import time

import simpy

from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import CapacityConfig, SimParameter
from dynamic_des.sim.resources import DynamicContainer, DynamicResource, DynamicStore

CYCLES = 120_000


def dynamic_env():
    env = SteeredEnvironment(factor=0, seed=1)
    capacity = CapacityConfig(1, 1)
    crew, wide = CapacityConfig(5, 5), CapacityConfig(10, 10)
    env.registry.register_sim_parameter(
        SimParameter(
            "Line", resources={"one": capacity, "crew": crew}, containers={"tank": wide}, stores={"shelf": wide}
        )
    )
    return env


def cycle(env, resource, how):
    """One process that requests, holds and releases."""

    def worker():
        for _ in range(CYCLES):
            with resource.request(**how) as request:
                yield request
                yield env.timeout(1)

    env.process(worker())


def cycle_by_hand(env, resource, how):
    """The same without a with statement."""

    def worker():
        for _ in range(CYCLES):
            request = resource.request(**how)
            yield request
            yield env.timeout(1)
            yield resource.release(request)

    env.process(worker())


def crowd(env, resource, how):
    """Fifty processes that share five units."""

    def worker(number):
        options = dict.fromkeys(how, number % 5)
        for _ in range(CYCLES // 50):
            with resource.request(**options) as request:
                yield request
                yield env.timeout(1 + number % 3)

    for number in range(50):
        env.process(worker(number))


def preemption(env, resource, how):
    """Fifty processes that take units from each other."""

    def worker(number):
        options = dict.fromkeys(how, number % 5)
        for _ in range(CYCLES // 50):
            with resource.request(**options) as request:
                try:
                    yield request
                    yield env.timeout(1 + number % 3)
                except simpy.Interrupt:
                    pass

    for number in range(50):
        env.process(worker(number))


def queue_of_thousands(env, resource, how):
    """Requests that come and give up while ten thousand wait."""

    def worker():
        for number in range(10_000):
            resource.request(**dict.fromkeys(how, number % 7))
        for number in range(300):
            request = resource.request(**dict.fromkeys(how, number % 7))
            yield env.timeout(1)
            request.cancel()

    env.process(worker())


def single_server(env, resource, how):
    """M/M/1 at 80 % utilization: every customer is a process."""
    draw = random.Random(1).expovariate

    def customer():
        with resource.request(**how) as request:
            yield request
            yield env.timeout(draw(1))

    def source():
        for _ in range(CYCLES // 2):
            yield env.timeout(draw(0.8))
            env.process(customer())

    env.process(source())


def tank(env, container, how):
    """A process that fills and one that drains."""

    def filler():
        for _ in range(CYCLES):
            yield container.put(2)

    def drainer():
        for _ in range(CYCLES):
            yield container.get(2)

    env.process(filler())
    env.process(drainer())


def shelf(env, store, how):
    """A process that puts and one that gets."""

    def producer():
        for number in range(CYCLES):
            yield store.put(number)

    def consumer():
        for _ in range(CYCLES):
            yield store.get()

    env.process(producer())
    env.process(consumer())


def dynamic(kind, name, **options):
    return lambda env: kind(env, "Line", name, **options)


def plain(kind, capacity):
    return lambda env: kind(env, capacity)


ONE, CREW = dynamic(DynamicResource, "one"), dynamic(DynamicResource, "crew")
P = {"priority": 1}
ROWS = {  # name: (work, ours, arguments of its requests, SimPy's, arguments of its requests)
    "cycle, against Resource": (cycle, ONE, {}, plain(simpy.Resource, 1), {}),
    "cycle, against PriorityResource": (cycle, ONE, P, plain(simpy.PriorityResource, 1), P),
    "cycle by hand, against Resource": (cycle_by_hand, ONE, {}, plain(simpy.Resource, 1), {}),
    "cycle by hand, against PriorityResource": (cycle_by_hand, ONE, P, plain(simpy.PriorityResource, 1), P),
    "crowd, against Resource": (crowd, CREW, {}, plain(simpy.Resource, 5), {}),
    "crowd, against PriorityResource": (crowd, CREW, P, plain(simpy.PriorityResource, 5), P),
    "preemption": (
        preemption,
        dynamic(DynamicResource, "crew", preemptive=True),
        P,
        plain(simpy.PreemptiveResource, 5),
        P,
    ),
    "10 000 waiting, against PriorityResource": (queue_of_thousands, ONE, P, plain(simpy.PriorityResource, 1), P),
    "M/M/1, against Resource": (single_server, ONE, {}, plain(simpy.Resource, 1), {}),
    "M/M/1, against PriorityResource": (single_server, ONE, P, plain(simpy.PriorityResource, 1), P),
    "tank": (tank, dynamic(DynamicContainer, "tank"), {}, plain(simpy.Container, 10), {}),
    "shelf": (shelf, dynamic(DynamicStore, "shelf"), {}, plain(simpy.Store, 10), {}),
    "priority shelf": (
        shelf,
        dynamic(DynamicStore, "shelf", priority=True),
        {},
        plain(simpy.PriorityStore, 10),
        {},
    ),
    "filter shelf": (shelf, dynamic(DynamicStore, "shelf", filter=True), {}, plain(simpy.FilterStore, 10), {}),
}


def measure(row, who):
    """Run one row in this process and print the seconds of CPU time."""
    work, ours, our_arguments, simpys, simpys_arguments = ROWS[row]
    if who == "ours":
        env = dynamic_env()
        work(env, ours(env), our_arguments)
    else:
        env = simpy.Environment()
        work(env, simpys(env), simpys_arguments)
    begin = time.process_time()
    env.run()
    print(time.process_time() - begin)


def fresh(row, who):
    command = [sys.executable, __file__, "--measure", row, who]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def pair(row, turn):
    seconds = {who: fresh(row, who) for who in (("simpy", "ours"), ("ours", "simpy"))[turn]}
    return seconds["simpy"] / seconds["ours"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--measure", nargs=2, metavar=("ROW", "WHO"), help="internal: one figure of this process")
    arguments = parser.parse_args()
    if arguments.measure:
        measure(*arguments.measure)
        return
    print(f"Python {sys.version.split()[0]}, SimPy {simpy.__version__}; median of {arguments.pairs} pairs\n")
    print(f"{'work':<42} {'times SimPy':>11}   {'range':>12}")
    for row in ROWS:
        if row.startswith(arguments.only):
            ratios = [pair(row, number % 2) for number in range(arguments.pairs)]
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"{row:<42} {statistics.median(ratios):>10.2f}x   {spread:>12}", flush=True)


if __name__ == "__main__":
    main()
