#!/usr/bin/env python3
"""How fast the streaming components are, against the least that plain SimPy needs, and against happysim.

    python benchmarks/streaming.py              the table
    python benchmarks/streaming.py --rounds 9   more rounds, less noise

Every figure comes from a process of its own, the contestants in turn, and is the median of the rounds. happysim takes
part where it is installed. It needs Python 3.13, so: make an environment of that version by hand, install happysim,
`core` and `plugins/streaming` in it, and run this script there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import process_time
from zlib import crc32

RECORDS = 20_000
EVENTS = 100_000
KEYS = 10
PARTITIONS = 4
BATCH = 100
SHORT, LONG = 10_000, 1_000_000
PROBE = 10_000  # operations whose time is taken on the short and on the long log


# -- append + poll + commit ------------------------------------------------------------------------------


def log_ours() -> tuple[float, int]:
    import simpy

    from dynamic_des_streaming import ConsumerGroup, EventLog

    env = simpy.Environment()
    log = EventLog(env, "orders", num_partitions=PARTITIONS)
    group = ConsumerGroup(env, "billing", log)
    seen = []

    def run():
        yield group.join("c1")
        for number in range(RECORDS):
            yield log.append(f"k{number % 1000}", number)
            for record in (yield group.poll("c1", BATCH)):
                seen.append(record.value)
                yield group.commit("c1", {record.partition: record.offset + 1})

    env.process(run())
    start = process_time()
    env.run()
    return process_time() - start, sum(seen)


def log_simpy() -> tuple[float, int]:
    import simpy

    env = simpy.Environment()
    partitions = [[] for _ in range(PARTITIONS)]
    positions, committed = [0] * PARTITIONS, [0] * PARTITIONS
    seen = []

    def run():
        yield env.timeout(0.5)
        for number in range(RECORDS):
            yield env.timeout(0.001)
            key = f"k{number % 1000}"
            partition = partitions[crc32(key.encode()) % PARTITIONS]
            partition.append((len(partition), key, number, env.now))
            yield env.timeout(0.001)
            for index, partition in enumerate(partitions):
                records = partition[positions[index] : positions[index] + BATCH]
                positions[index] += len(records)
                for record in records:
                    seen.append(record[2])
                    yield env.timeout(0)
                    committed[index] = record[0] + 1

    env.process(run())
    start = process_time()
    env.run()
    return process_time() - start, sum(seen)


def log_happysim() -> tuple[float, int]:
    from happysimulator import Entity, Event, Instant, Simulation
    from happysimulator.components.streaming import ConsumerGroup, EventLog

    log = EventLog("orders", num_partitions=PARTITIONS)
    group = ConsumerGroup("billing", log)
    seen = []

    class Consumer(Entity):
        def handle_event(self, event):
            yield from group.join("c1", self)
            for number in range(RECORDS):
                yield from log.append(f"k{number % 1000}", number)
                for record in (yield from group.poll("c1", BATCH)):
                    seen.append(record.value)
                    yield from group.commit("c1", {record.partition: record.offset + 1})

    consumer = Consumer("c1")
    simulation = Simulation(entities=[log, group, consumer], end_time=Instant.from_seconds(100_000))
    simulation.schedule(Event(time=Instant.Epoch, event_type="Go", target=consumer))
    start = process_time()
    simulation.run()
    return process_time() - start, sum(seen)


# -- tumbling windows ------------------------------------------------------------------------------------


def windows_ours() -> tuple[float, int]:
    import simpy

    from dynamic_des_streaming import StreamProcessor, TumblingWindow

    env = simpy.Environment()
    results = []
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results.append)

    def run():
        for number in range(EVENTS):
            yield env.timeout(0.01)
            yield processor.process(f"k{number % KEYS}", 1, env.now)

    env.process(run())
    start = process_time()
    env.run()
    return process_time() - start, sum(result.result for result in results)


def windows_simpy() -> tuple[float, int]:
    import simpy

    env = simpy.Environment()
    results, windows = [], {}

    def run():
        for number in range(EVENTS):
            yield env.timeout(0.01)
            windows.setdefault((env.now // 10.0, f"k{number % KEYS}"), []).append(1)

    def close():
        while True:
            yield env.timeout(10.0)
            due = sorted(window for window in windows if window[0] < env.now // 10.0)
            results.extend((window, sum(windows.pop(window))) for window in due)

    env.process(run())
    env.process(close())
    start = process_time()
    env.run(until=EVENTS * 0.01 + 20)
    return process_time() - start, sum(result for _, result in results)


def windows_happysim() -> tuple[float, int]:
    from happysimulator import Entity, Event, Instant, Simulation
    from happysimulator.components.streaming import StreamProcessor, TumblingWindow

    class Sink(Entity):
        def __init__(self):
            super().__init__("sink")
            self.total = 0

        def handle_event(self, event):
            self.total += event.context["result"]

    sink = Sink()
    processor = StreamProcessor("sums", TumblingWindow(10.0), sum, sink)
    end = Instant.from_seconds(EVENTS * 0.01 + 20)
    simulation = Simulation(entities=[processor, sink], end_time=end)
    for number in range(EVENTS):
        at = (number + 1) * 0.01
        context = {"key": f"k{number % KEYS}", "value": 1, "event_time_s": at}
        event = Event(time=Instant.from_seconds(at), event_type="Process", target=processor, context=context)
        simulation.schedule(event)
    start = process_time()
    simulation.run()
    return process_time() - start, sink.total


# -- flatness --------------------------------------------------------------------------------------------


def flat_log(length: int) -> tuple[float, int]:
    """Append, poll and commit on a log that has ``length`` records already, and expires one for each new one."""
    import simpy

    from dynamic_des_streaming import ConsumerGroup, EventLog, SizeRetention

    env = simpy.Environment()
    retention = SizeRetention(length // PARTITIONS)
    log = EventLog(env, "orders", PARTITIONS, None, retention, retention_check_interval=0.05)
    group = ConsumerGroup(env, "billing", log, auto_offset_reset="latest")
    for number in range(length):
        log.append(None, number)
    env.run()
    assert log.total_records == length

    def run():
        yield group.join("c1")
        for number in range(PROBE):
            yield log.append(f"k{number % 1000}", number)
            yield group.poll("c1", BATCH)
            yield group.commit("c1")

    process = env.process(run())
    start = process_time()
    env.run(until=process)
    return process_time() - start, group.stats.records_polled


def flat_windows(length: int) -> tuple[float, int]:
    """Events for a processor that has closed ``length`` windows already."""
    import simpy

    from dynamic_des_streaming import StreamProcessor, TumblingWindow

    env = simpy.Environment()
    processor = StreamProcessor(env, "sums", TumblingWindow(1.0), sum, lambda result: None)

    def run(events):
        for number in range(events):
            yield env.timeout(1.0)
            yield processor.process(f"k{number % KEYS}", 1)

    env.run(until=env.process(run(length)))
    process = env.process(run(PROBE))
    start = process_time()
    env.run(until=process)
    return process_time() - start, processor.total_windows_emitted - length


# -- the table -------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, _, length = options.work.partition(":")
        seconds, checksum = globals()[name](*([int(length)] if length else []))
        print(seconds, checksum)
        return
    others = ["simpy", *(["happysim"] if find_spec("happysimulator") else [])]
    print(f"Python {sys.version.split()[0]}, median of {options.rounds} rounds; x is how much less time ours takes")
    compare("append + poll + commit", "log", RECORDS, others, options.rounds)
    compare("tumbling windows", "windows", EVENTS, others, options.rounds)
    for name in ("flat_log", "flat_windows"):
        took, _ = measure([f"{name}:{SHORT}", f"{name}:{LONG}"], options.rounds)
        print(f"{name}: {PROBE} operations after {LONG:_} take {took[1] / took[0]:.2f} of the time of after {SHORT:_}")
    if "happysim" not in others:
        print("happysim is not installed here (see the top of this file)")


def compare(title: str, name: str, count: int, others: list[str], rounds: int) -> None:
    took, checksums = measure([f"{name}_{contestant}" for contestant in ("ours", *others)], rounds)
    ratios = [f"{other} {time / took[0]:.2f}x" for other, time in zip(others, took[1:], strict=True)]
    same = "" if len(set(checksums)) == 1 else f" (the results differ: {checksums})"
    print(f"{title}: {count / took[0]:,.0f}/s; against {', '.join(ratios)}{same}")


def measure(works: list[str], rounds: int) -> tuple[list[float], list[str]]:
    """Return, for each work, the median of its times and its checksum."""
    times: list[list[float]] = [[] for _ in works]
    checksums = [""] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            command = [sys.executable, str(Path(__file__).resolve()), "--work", work]
            seconds, checksums[place] = subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout.split()
            times[place].append(float(seconds))
    return [median(taken) for taken in times], checksums


if __name__ == "__main__":
    main()
