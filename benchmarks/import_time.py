#!/usr/bin/env python3
"""How long `import dynamic_des` takes, beside the start of Python itself and the import of SimPy.

    python benchmarks/import_time.py

Every figure is the median of fresh processes that take turns, less the median of one that imports nothing. The exit
code is 1 when `import dynamic_des` takes longer than the bar.
"""

import argparse
import statistics
import subprocess
import sys
import time

BAR_MS = 50.0
WORK = {
    "python alone": "pass",
    "import simpy": "import simpy",
    "import dynamic_des": "import dynamic_des",
    "… and SimParameter": "from dynamic_des import SimParameter",
    "… and DynamicRealtimeEnvironment": "from dynamic_des import DynamicRealtimeEnvironment",
}


def wall_ms(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - start) * 1000


def medians(rounds):
    for code in WORK.values():  # compiled files and the disk's cache: the second start is the one that users meet
        wall_ms(code)
    taken = {name: [] for name in WORK}
    for _ in range(rounds):
        for name, code in WORK.items():
            taken[name].append(wall_ms(code))
    return {name: statistics.median(times) for name, times in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    result = medians(parser.parse_args().rounds)
    alone = result["python alone"]
    print(f"{'':34} {'ms':>7} {'added ms':>9} {'of python':>10}")
    for name, total in result.items():
        print(f"{name:34} {total:7.1f} {total - alone:9.1f} {(total - alone) / alone:9.2f}x")
    added = result["import dynamic_des"] - alone
    held = added <= BAR_MS
    print(f"bar: import dynamic_des adds at most {BAR_MS:g} ms: {'held' if held else 'NOT held'} ({added:.1f} ms)")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
