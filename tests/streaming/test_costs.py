"""What an operation costs does not grow with the length of the log, nor with the number of closed windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import simpy

from dynamic_des_streaming import (
    ConsumerGroup,
    EventLog,
    SessionWindow,
    SlidingWindow,
    StreamProcessor,
    TumblingWindow,
)


def instructions(function):
    """Return how many bytecode instructions a call takes, in whatever it calls."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


@pytest.fixture(scope="module")
def logs():
    """A short and a long log that expire one record for each new one, with a group that is at the end."""
    made = []
    for length in (10**4, 10**6):
        env = simpy.Environment()
        log = EventLog(env, "orders", 4, None, {"max_records": length // 4}, retention_check_interval=1.0)
        for number in range(length):
            log.partitions[number % 4].append(None, number, 0.0)
        group = ConsumerGroup(env, "billing", log, auto_offset_reset="latest")
        env.run(until=group.join("c1"))
        made.append((env, log, group))
    return made


OPERATIONS = {
    "append": lambda env, log, group: env.run(until=log.append("k", 1)),
    "append and expire": lambda env, log, group: (log.append("k", 1), env.run(until=int(env.now) + 2)),
    "read at the tail": lambda env, log, group: env.run(until=log.read(0, log.high_watermark(0) - 100)),
    "read at the head": lambda env, log, group: env.run(until=log.read(0, 0)),
    "read in the middle": lambda env, log, group: env.run(until=log.read(0, log.high_watermark(0) // 2)),
    "append and poll": lambda env, log, group: (log.append("k", 1), env.run(until=group.poll("c1"))),
    "commit": lambda env, log, group: env.run(until=group.commit("c1")),
    "lag": lambda env, log, group: group.total_lag(),
    "stats": lambda env, log, group: (log.stats, group.stats),
    "telemetry": lambda env, log, group: (log.telemetry(), group.telemetry()),
    "rebalances": lambda env, log, group: [env.run(until=ask("c2")) for ask in (group.join, group.leave)],
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_on_a_million_records_costs_what_it_costs_on_ten_thousand(logs, operation):
    for made in logs:
        instructions(lambda made=made: operation(*made))  # what is done once is done; Python 3.12 counts from now on
    short, long = (instructions(lambda made=made: operation(*made)) for made in logs)
    assert 0 < long <= 1.5 * short


def test_no_container_that_an_operation_touches_grows_with_the_log(logs):
    for _, log, _ in logs:
        for partition in log.partitions:
            assert max(map(len, partition._segments.values())) <= 1024
            assert len(partition._segments) <= len(partition) // 1024 + 2


@pytest.mark.parametrize("window_type", [TumblingWindow(1.0), SlidingWindow(2.0, 1.0), SessionWindow(0.5)])
@pytest.mark.parametrize("lateness", [0.0, 5.0])
def test_an_event_after_many_windows_costs_what_it_costs_after_a_few(window_type, lateness):
    env = simpy.Environment()
    processor = StreamProcessor(env, "counts", window_type, len, lambda result: None, lateness)

    def second():
        for number in range(10):
            processor.process(f"k{number}", 1)
        env.run(until=env.now + 1.0)

    instructions(second)  # Python 3.12 counts from the second time on
    costs = []
    for windows in (100, 20_000):
        while processor.total_windows_emitted < windows:
            second()
        costs.append(instructions(second))
    assert 0 < costs[1] <= 1.5 * costs[0]


SOAK = Path(__file__).with_name("soak.py")


@pytest.mark.full
def test_memory_after_ten_million_events_is_that_after_one_million():
    done = subprocess.run([sys.executable, str(SOAK)], capture_output=True, text=True, check=True)
    after_one, after_ten = map(int, done.stdout.split())
    assert after_ten <= 1.05 * after_one
