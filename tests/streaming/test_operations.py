from __future__ import annotations

import pytest
import simpy

from dynamic_des_streaming import (
    ConsumerGroup,
    EventLog,
    Operation,
    StreamProcessor,
    TumblingWindow,
    UnknownMemberError,
)


@pytest.fixture
def log(env):
    return EventLog(env, "orders", 1)


def test_an_operation_is_a_simpy_event(env, log):
    operation = log.append("k", 1)
    assert isinstance(operation, simpy.Event)
    assert isinstance(operation, Operation)
    assert not operation.triggered
    assert env.run(until=operation).offset == 0
    assert operation.triggered


def test_yield_from_means_the_same_as_yield(env, log, run):
    def model():
        first = yield log.append("k", 1)
        second = yield from log.append("k", 2)
        records = yield from log.read(0)
        return [first, second] == records

    assert run(model())
    assert env.now == pytest.approx(0.0025)


def test_yield_from_hands_an_error_to_the_process(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        with pytest.raises(UnknownMemberError):
            yield from group.poll("nobody")
        return "went on"

    assert run(model()) == "went on"


def test_operations_compose_with_timeouts(env, log, run):
    slow = EventLog(env, "slow", 1, append_latency=5.0)

    def model():
        append, timeout = slow.append("k", 1), env.timeout(1.0)
        first = yield append | timeout
        assert (append in first, timeout in first, env.now) == (False, True, 1.0)
        both = yield append & log.append("k", 2)
        return [record.value for record in both.values()], env.now

    assert run(model()) == ([1, 2], 5.0)


def test_an_append_that_nobody_waits_for_any_more_still_happens(env, log):
    def model():
        yield log.append("k", 1)

    process = env.process(model())

    def interrupt():
        yield env.timeout(0.0005)
        process.interrupt()

    env.process(interrupt())
    with pytest.raises(simpy.Interrupt):
        env.run()
    env.run()
    assert log.total_records == 1


def test_an_operation_that_has_happened_already_costs_no_event(env):
    processor = StreamProcessor(env, "counts", TumblingWindow(10), len, [].append)
    before = len(env._queue)
    operation = processor.process("k", 1)
    after_first = len(env._queue)
    processor.process("k", 2)
    assert (operation.processed, operation.value) == (True, True)
    assert (before, after_first, len(env._queue)) == (0, 1, 1)  # the tick that closes the window


def test_who_yields_what_has_happened_goes_on_at_the_same_instant(env, run):
    processor = StreamProcessor(env, "counts", TumblingWindow(10), len, [].append)

    def model():
        one = yield processor.process("k", 1)
        two = yield from processor.process("k", 1)
        three = yield processor.process("k", 1) | env.timeout(5)
        return one, two, len(three.events), env.now

    assert run(model()) == (True, True, 1, 0)
