#!/usr/bin/env python3
"""How long `dynamic-des run` takes to its first event, beside what it cannot do without.

    python benchmarks/startup.py               half a minute
    python benchmarks/startup.py --rounds 40   steadier figures

Every figure is a median of fresh processes that take turns, from their start to the first line they print.
The ratios are to `python -c pass`; and to the imports that any such program has to make (SimPy, a parser of command
lines, asyncio), which is the limit that a start can come near to.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMALL = """
[simulation]
model = "model:build"
factor = 0
[parameters.A.variables]
word = "first"
[egress.screen]
type = "console"
"""
MODEL = "def build(env): env.publish_event('x', {'word': env.registry.get('A.variables.word').value})\n"
# numpy is imported when a model first draws a random number; a distribution in the file does not yet need it
SAMPLING = "def build(env): env.publish_event('x', {'first': env.sampler().rng.random()})\n"


def first_line(command, folder):
    """Return the seconds until a command prints its first line, or ends."""
    begin = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.readline()
        taken = time.perf_counter() - begin
        process.stdout.read()
    return taken


def measured(rounds):
    """Return the median seconds of each program, interleaved."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for twin, model in (("small", MODEL), ("sampling", SAMPLING)):
            (folder / f"{twin}.toml").write_text(SMALL.replace("model:build", f"{twin}:build"))
            (folder / f"{twin}.py").write_text(model)
        python, run = [sys.executable], [sys.executable, "-m", "dynamic_des", "run"]
        programs = {
            "python -c pass": [*python, "-c", "pass"],
            "import simpy, click, asyncio": [*python, "-c", "import simpy, click, asyncio"],
            "dynamic-des run, small file": [*run, "small.toml"],
            "import simpy, click, asyncio, numpy.random": [*python, "-c", "import simpy, click, asyncio, numpy.random"],
            "dynamic-des run, a model that draws": [*run, "sampling.toml"],
            "import dynamic_des": [*python, "-c", "import dynamic_des"],
        }
        taken = {program: [] for program in programs}
        for _ in range(rounds + 1):
            for program, command in programs.items():
                taken[program].append(first_line(command, folder))
        return {program: statistics.median(seconds[1:]) for program, seconds in taken.items()}  # the first one warms up


def main():
    options = argparse.ArgumentParser(description="Time to the first event, beside Python's own start.")
    options.add_argument("--rounds", type=int, default=15)
    seconds = measured(options.parse_args().rounds)
    bare, limit, numpy = (
        seconds[name]
        for name in ("python -c pass", "import simpy, click, asyncio", "import simpy, click, asyncio, numpy.random")
    )
    print(f"{'program':<46}{'ms':>8}{'x python':>10}{'x its imports':>15}")
    for program, taken in seconds.items():
        beside = numpy if "draws" in program else limit
        ratio = f"{taken / beside:>15.2f}" if program.startswith("dynamic-des") else ""
        print(f"{program:<46}{taken * 1000:>8.0f}{taken / bare:>10.1f}{ratio}")


if __name__ == "__main__":
    main()
