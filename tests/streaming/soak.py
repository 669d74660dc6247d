"""Ten million events through a log, a group and a processor. Prints the memory in use after one and after ten million.

Linux only: it reads what the kernel says of this process.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import simpy

from dynamic_des_streaming import ConsumerGroup, EventLog, SlidingWindow, StreamProcessor

MILLION = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000


def resident_pages():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1])


def main():
    env = simpy.Environment()
    log = EventLog(
        env,
        "orders",
        append_latency=0,
        retention_policy={"max_age_s": 60, "max_records": 2000},
        retention_check_interval=5,
    )
    group = ConsumerGroup(env, "billing", log, "sticky", session_timeout=30)
    counts = StreamProcessor(env, "counts", SlidingWindow(2.0, 1.0), len, lambda result: None, 5.0, "update")
    seen = 0

    def produce():
        number = 0
        while True:
            yield env.timeout(0.1)
            for _ in range(100):
                number += 1
                log.append(f"customer-{number % 1000}", number)

    def consume(name):
        nonlocal seen
        while True:
            yield group.join(name)
            for _ in range(5000):  # then it restarts
                records = yield group.poll(name, 500)
                for record in records:
                    counts.put(record)
                seen += len(records)
                yield group.commit(name)
                yield env.timeout(0.05)
            yield group.leave(name)

    env.process(produce())
    for name in ("c1", "c2"):
        env.process(consume(name))
    for events in (MILLION, 10 * MILLION):
        while seen < events:
            env.run(until=env.now + 100)
        print(resident_pages())


main()
