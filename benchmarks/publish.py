#!/usr/bin/env python3
"""What a publication costs in the simulation thread, beside the least that could be done. Below the bar is good.

    python benchmarks/publish.py                              the bars: 500 ns flat, 1500 ns nested
    python benchmarks/publish.py --desflow ../dfl/bin/python  and beside the desflow of that interpreter

Every figure is CPU time of the simulation thread for each call, the median over rounds of fresh processes that take
turns. What is published differs from call to call and is kept until a sink that forgets has taken it. The baselines
keep what they make for as long: a copy of the dictionary, and its JSON.
"""

import argparse
import gc
import importlib
import os
import statistics
import subprocess
import sys
import time

CALLS = 100_000
KEPT = 256

VALUES = {
    "flat": lambda n: {"path_id": "Line.service.work", "status": "finished", "part": n, "seconds": 3.25},
    "nested": lambda n: {
        "path_id": "Line.service.work",
        "part": {"number": n, "seconds": 3.25, "name": "a"},
        "steps": ["cut", "drill", "mill"],
    },
    "telemetry": lambda n: n / 7,
}
BARS = {"flat": 500, "nested": 1500, "telemetry": 500}


def keeping(make):
    """Return a function that keeps what it makes until there are as many as are handed over at once."""
    kept = []

    def call(key, value):
        kept.append((key, make(value)))
        if len(kept) >= KEPT:
            kept.clear()

    return call


def copying():
    return keeping(lambda value: value.copy() if isinstance(value, dict) else value)


def json():
    import orjson

    return keeping(orjson.dumps)


def publishing(name):
    package = importlib.import_module(name)
    if name == "dynamic_des":

        class Forgetting(package.BaseEgress):
            async def write(self, batch):
                pass

    else:
        Forgetting = forgetting_of_desflow()  # noqa: N806
    options = {} if name == "dynamic_des" else {"strict": False}
    env = package.DynamicRealtimeEnvironment(factor=0, **options)
    env.setup_egress([Forgetting()])
    return env


def forgetting_of_desflow():
    import asyncio
    import queue

    from desflow.connectors.egress.base import BaseEgress

    class Forgetting(BaseEgress):
        async def run(self, egress_queue):
            while True:
                try:
                    egress_queue.get_nowait()
                except queue.Empty:
                    await asyncio.sleep(0.01)

    return Forgetting


def measure(row, who):
    """Print the nanoseconds of one call in this process."""
    if who in ("copy", "json"):
        call = copying() if who == "copy" else json()
    else:
        env = publishing(who)
        call = env.publish_telemetry if row == "telemetry" else env.publish_event
    values = [VALUES[row](number) for number in range(CALLS)]
    gc.collect()
    gc.freeze()  # a model has not made all of them beforehand: they are none of the collector's business
    for value in values[:5000]:
        call("task-1", value)
    begin = time.thread_time_ns()
    for value in values:
        call("task-1", value)
    took = time.thread_time_ns() - begin
    begin = time.thread_time_ns()
    for _ in values:
        pass
    print((took - (time.thread_time_ns() - begin)) / CALLS, flush=True)
    os._exit(0)  # nothing is measured at the end


def fresh(python, row, who):
    command = [python, __file__, "--measure", row, who]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--desflow", metavar="PYTHON", help="an interpreter that has desflow")
    parser.add_argument("--measure", nargs=2, metavar=("ROW", "WHO"), help="internal: one figure of this process")
    arguments = parser.parse_args()
    if arguments.measure:
        measure(*arguments.measure)
    contenders = {"dynamic_des": sys.executable, "copy": sys.executable, "json": sys.executable}
    if arguments.desflow:
        contenders["desflow"] = arguments.desflow
    print(f"{'published':<12} {'ours':>8} {'/ bar':>6} {'/ copy':>7} {'/ json':>7} {'desflow / ours':>15}")
    for row, bar in BARS.items():
        figures = {who: [] for who in contenders}
        for _ in range(arguments.rounds):
            for who, python in contenders.items():
                figures[who].append(fresh(python, row, who))
        ns = {who: statistics.median(all_rounds) for who, all_rounds in figures.items()}
        ours = ns["dynamic_des"]
        peer = f"{ns['desflow'] / ours:.1f}" if "desflow" in ns else "-"
        ratios = f"{ours / bar:>6.2f} {ours / ns['copy']:>7.2f} {ours / ns['json']:>7.2f}"
        print(f"{row:<12} {ours:>5.0f} ns {ratios} {peer:>15}", flush=True)


if __name__ == "__main__":
    main()
