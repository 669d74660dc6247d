"""How the benchmarks of single calls measure: each row in a fresh process, its contenders taking turns.

A class that is used second in one process is penalised by the interpreter's inline caches, and a noisy machine
penalises whoever is measured last: so no row shares a process with another, and the best of many short turns counts.
"""

import subprocess
import sys
from timeit import Timer

TURNS = 40
CALLS = 5000


def best_ns(contenders, *, calls=1):
    """Return the time of one call for each contender, in nanoseconds.

    Args:
        contenders: Statements, each with the names that it uses.
        calls: How many calls one statement makes.
    """
    timers = [Timer(statement, globals=names) for statement, names in contenders]
    for timer in timers:
        timer.timeit(CALLS)
    turns = [[timer.timeit(CALLS) for timer in timers] for _ in range(TURNS)]
    return [min(times) / CALLS / calls * 1e9 for times in zip(*turns, strict=True)]


def print_rows(script, rows):
    """Run ``script`` once for each row; it prints the row's columns."""
    for row in rows:
        subprocess.run([sys.executable, script, row], check=True)
