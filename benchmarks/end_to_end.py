#!/usr/bin/env python3
"""Records a second from a model that runs flat out to a file of JSON lines, everything included. Above 1 is faster.

    python benchmarks/end_to_end.py
    python benchmarks/end_to_end.py --desflow ../dfl/bin/python   beside the desflow of that interpreter (bar: 3)

Wall time from the first publication until the last line is in the file, the median over rounds of fresh processes
that take turns. As a limit: the same records made and written by a bare loop around orjson, with no simulation, no
thread and nobody to hear of a failure.
"""

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECORDS = 300_000
EACH_STEP = 10


def value(number):
    return {"path_id": "Line.service.work", "status": "finished", "part": number, "seconds": 3.25}


def ours(package, folder):
    return package.FileEgress(folder / "events.jsonl")


def theirs(package, folder):
    module = importlib.import_module(f"{package.__name__}.connectors.egress.storage")
    path = str(folder / "events.jsonl")
    return module.JsonlStorageEgress(path_router=lambda record: path)


def simulate(name, folder):
    package = importlib.import_module(name)
    env = package.DynamicRealtimeEnvironment(factor=0)
    egress = ours(package, folder) if name == "dynamic_des" else theirs(package, folder)

    def model():
        for number in range(0, RECORDS, EACH_STEP):
            for part in range(number, number + EACH_STEP):
                env.publish_event(f"part-{part}", value(part))
            yield env.timeout(1)

    begin = time.perf_counter()
    env.setup_egress([egress])
    env.process(model())
    env.run(until=RECORDS // EACH_STEP + 1)
    env.teardown()
    return time.perf_counter() - begin


def bare_loop(folder):
    import orjson

    begin = time.perf_counter()
    with (folder / "events.jsonl").open("wb", buffering=0) as file:
        for first in range(0, RECORDS, 500):
            lines = [
                orjson.dumps(
                    {
                        "stream_type": "event",
                        "sim_ts": n / 10,
                        "timestamp": "2026-01-01T00:00:00.000000+00:00",
                        "key": f"part-{n}",
                        "value": value(n),
                        "seq": n,
                    }
                )
                for n in range(first, first + 500)
            ]
            file.write(b"\n".join(lines) + b"\n")
    return time.perf_counter() - begin


def measure(who):
    """Run one contender in this process and print its seconds; every record has to be there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = bare_loop(folder) if who == "bare loop" else simulate(who, folder)
        lines = sum(file.read_bytes().count(b"\n") for file in folder.rglob("*") if file.is_file())
        assert lines == RECORDS, f"{who} wrote {lines} of {RECORDS} records"
        print(seconds, flush=True)
        os._exit(0)  # nothing is measured at the end


def fresh(python, who):
    command = [python, __file__, "--measure", who]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)


def table(arguments):
    contenders = {"dynamic_des": sys.executable, "bare loop": sys.executable}
    if arguments.desflow:
        contenders["desflow"] = arguments.desflow
    figures = {who: [] for who in contenders}
    for _ in range(arguments.rounds):
        for who, python in contenders.items():
            figures[who].append(fresh(python, who))
    print(f"{'':<12} {'records/s':>10} {'ours is faster by':>18}")
    for who, seconds in figures.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, figures["dynamic_des"], strict=True))
        print(f"{who:<12} {RECORDS / statistics.median(seconds):>10.0f} {ratio:>18.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--desflow", help="an interpreter with desflow installed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
    table(arguments)


if __name__ == "__main__":
    main()
