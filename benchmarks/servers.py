"""M/M/1 requests a second: `Server` against a plain SimPy model and, where it is at hand, against happysim.

    python benchmarks/servers.py [--requests 200000] [--rounds 5] [--peer-python PATH]

``--peer-python`` is an interpreter (3.13 or newer) of an environment in which ``pip install happysim`` was done;
without it that column is left out. Every figure is the median of fresh processes, the columns taking turns: what is
loaded second in one process is slower. The bar: at least 8 times happysim's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

ARRIVALS, SERVICES, SEED = 8.0, 10.0, 7


def plain(requests: int) -> tuple[float, int]:
    """The model as SimPy's documentation would write it: a process for each request."""
    from random import Random

    import simpy

    env, draw = simpy.Environment(), Random(SEED).expovariate
    desk = simpy.Resource(env)
    served = 0

    def request():
        nonlocal served
        with desk.request() as turn:
            yield turn
            yield env.timeout(draw(SERVICES))
        served += 1

    def arrivals():
        for _ in range(requests):
            yield env.timeout(draw(ARRIVALS))
            env.process(request())

    env.process(arrivals())
    began = perf_counter()
    env.run()
    return perf_counter() - began, served


def ours(requests: int) -> tuple[float, int]:
    from random import Random

    import simpy

    from dynamic_des_servers import Server

    env, draw = simpy.Environment(), Random(SEED).expovariate
    server = Server(env, "desk", service_time=lambda: draw(SERVICES))

    def arrivals():
        for _ in range(requests):
            yield env.timeout(draw(ARRIVALS))
            server.submit()

    env.process(arrivals())
    began = perf_counter()
    env.run()
    return perf_counter() - began, server.stats.requests_completed


def happysim(requests: int) -> tuple[float, int]:
    from happysimulator import Instant, Server, Simulation, Source
    from happysimulator.distributions import ExponentialLatency

    server = Server("desk", service_time=ExponentialLatency(1 / SERVICES))
    source = Source.poisson(rate=ARRIVALS, target=server)
    simulation = Simulation(sources=[source], entities=[server], end_time=Instant.from_seconds(requests / ARRIVALS))
    began = perf_counter()
    simulation.run()
    return perf_counter() - began, server.stats.requests_completed


COLUMNS = {"plain SimPy": plain, "Server": ours, "happysim": happysim}


def rate(column: str, requests: int, python: str) -> float:
    command = [python, str(Path(__file__).resolve()), "--one", column, "--requests", str(requests)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{column}: {python} failed.\n{run.stderr}")
    seconds, served = json.loads(run.stdout)
    return served / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-python", help="interpreter of an environment with happysim")
    parser.add_argument("--one", choices=COLUMNS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(COLUMNS[options.one](options.requests)))
        return
    pythons = {"plain SimPy": sys.executable, "Server": sys.executable}
    if options.peer_python:
        pythons["happysim"] = options.peer_python
    figures = {column: [] for column in pythons}
    for _ in range(options.rounds):
        for column, python in pythons.items():
            figures[column].append(rate(column, options.requests, python))
    own = median(figures["Server"])
    print(f"M/M/1 at utilization {ARRIVALS / SERVICES}, {options.requests} requests, median of {options.rounds}")
    for column, rates in figures.items():
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        print(
            f"  {column:12} {median(rates):>10,.0f} requests/s ({spread}); Server is {own / median(rates):.2f} times it"
        )


if __name__ == "__main__":
    main()
