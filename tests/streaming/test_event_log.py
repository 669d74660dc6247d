from __future__ import annotations

import pytest
import simpy

from dynamic_des.errors import ParameterError
from dynamic_des_streaming import EventLog, EventLogStats, KafkaSharding, Record


class Everything:
    """A sharding strategy that routes every key to one partition."""

    def __init__(self, partition):
        self.partition = partition

    def get_shard(self, key, num_partitions):
        return self.partition


def test_an_append_takes_its_latency_and_gives_the_record(env, run):
    log = EventLog(env, "orders", sharding_strategy=Everything(2))

    def model():
        record = yield log.append("user-42", {"action": "buy"})
        return record

    assert run(model()) == Record(0, "user-42", {"action": "buy"}, 0.001, 2)
    assert env.now == 0.001


def test_a_read_takes_its_latency_and_gives_the_records_in_order(env, run):
    log = EventLog(env, "orders", num_partitions=1)

    def model():
        for number in range(5):
            yield log.append("k", number)
        records = yield log.read(0, 1, 3)
        return [(record.offset, record.value) for record in records]

    assert run(model()) == [(1, 1), (2, 2), (3, 3)]
    assert env.now == pytest.approx(0.0055)


def test_the_documented_defaults(env):
    log = EventLog(env, "orders")
    appended, read = log.append("k", 1), log.read(0)
    assert log.num_partitions == 4
    assert [partition.id for partition in log.partitions] == [0, 1, 2, 3]
    assert (appended.delay, read.delay) == (0.001, 0.0005)
    assert read.request == (log.partitions[0], 0, 100)


def test_offsets_follow_the_order_of_completion_not_of_the_calls(env):
    latencies = iter([3.0, 1.0, 2.0])
    log = EventLog(env, "orders", 1, append_latency=lambda: next(latencies))
    slow, fast, middle = (log.append("k", name) for name in ("slow", "fast", "middle"))
    env.run()
    assert [(operation.value.offset, operation.value.timestamp) for operation in (slow, fast, middle)] == [
        (2, 3.0),
        (0, 1.0),
        (1, 2.0),
    ]


def test_what_completes_at_one_instant_keeps_the_order_of_the_calls(env):
    log = EventLog(env, "orders", 1, append_latency=0)
    operations = [log.append("k", number) for number in range(10)]
    env.run()
    assert [operation.value.offset for operation in operations] == list(range(10))


def test_a_record_cannot_be_changed(env, run):
    log = EventLog(env, "orders")

    def model():
        return (yield log.append("k", 1))

    record = run(model())
    with pytest.raises(AttributeError):
        record.offset = 7
    assert record == Record(0, "k", 1, 0.001, record.partition)
    assert hash(record) == hash(Record(0, "k", 1, 0.001, record.partition))
    assert repr(record).startswith("Record(offset=0, key='k', value=1, timestamp=0.001")


def test_high_watermarks_are_the_next_offsets_and_are_not_lowered_by_retention(env):
    log = EventLog(env, "orders", 2, Everything(1), {"max_records": 2}, append_latency=0, retention_check_interval=1)
    for number in range(5):
        log.append("k", number)
    assert log.high_watermarks() == {0: 0, 1: 0}
    env.run()
    assert (env.now, log.high_watermarks(), log.low_watermarks()) == (0, {0: 0, 1: 5}, {0: 0, 1: 3})
    assert (log.high_watermark(1), log.low_watermark(1), log.total_records) == (5, 3, 2)


def test_reading_below_the_low_watermark_starts_at_the_oldest_kept_record(env, run):
    log = EventLog(env, "orders", 1, retention_policy={"max_records": 2}, append_latency=0)
    for number in range(5):
        log.append("k", number)
    env.run()

    def model():
        answers = []
        for offset in (-7, 0, 3, 4, 5, 99):
            records = yield log.read(0, offset)
            answers.append([record.offset for record in records])
        return answers

    assert run(model()) == [[3, 4], [3, 4], [3, 4], [4], [], []]


def test_max_records_0_reads_nothing(env, run):
    log = EventLog(env, "orders", 1, append_latency=0)
    log.append("k", 1)
    env.run()

    def model():
        return (yield log.read(0, 0, 0))

    assert run(model()) == []
    assert log.stats.records_read == 0


def test_a_read_sees_what_is_there_when_it_completes(env, run):
    log = EventLog(env, "orders", 1, append_latency=1.0, read_latency=2.0)

    def model():
        log.append("k", "in time")
        records = yield log.read(0)
        return [record.value for record in records]

    assert run(model()) == ["in time"]


def test_records_without_a_key_are_dealt_out_in_turn(env):
    log = EventLog(env, "orders", 3, append_latency=0)
    operations = [log.append(None, number) for number in range(7)]
    env.run()
    assert [operation.value.partition for operation in operations] == [0, 1, 2, 0, 1, 2, 0]
    assert log.stats.per_partition_appends == {0: 3, 1: 2, 2: 2}


def test_a_custom_strategy_decides_and_is_not_asked_about_none(env):
    asked = []

    class Last:
        def get_shard(self, key, num_partitions):
            asked.append((key, num_partitions))
            return num_partitions - 1

    log = EventLog(env, "orders", 3, Last(), append_latency=0)
    keyed, unkeyed = log.append("a", 1), log.append(None, 2)
    env.run()
    assert (keyed.value.partition, unkeyed.value.partition, asked) == (2, 0, [("a", 3)])


def test_kafkas_strategy_can_be_named(env):
    log = EventLog(env, "orders", 7, "kafka", append_latency=0)
    operations = [log.append(f"user-{number}", number) for number in range(20)]
    env.run()
    expected = [KafkaSharding().get_shard(f"user-{number}", 7) for number in range(20)]
    assert [operation.value.partition for operation in operations] == expected


def test_stats_are_a_frozen_snapshot(env, run):
    log = EventLog(env, "orders", 2, Everything(1), append_latency=0.25)
    assert log.stats == EventLogStats(0, 0, 0, {0: 0, 1: 0}, ())

    def model():
        yield log.append("a", 1)
        yield log.append("b", 2)
        yield log.read(1)

    run(model())
    stats = log.stats
    assert stats == EventLogStats(2, 2, 0, {0: 0, 1: 2}, (0.25, 0.25))
    with pytest.raises(AttributeError):
        stats.records_read = 0
    log.append("c", 3)
    env.run()
    assert (stats.records_appended, log.stats.records_appended) == (2, 3)


@pytest.mark.parametrize(("history", "kept"), [(0, ()), (2, (3.0, 4.0)), (9, (1.0, 2.0, 3.0, 4.0))])
def test_the_history_of_latencies_is_bounded(env, run, history, kept):
    latencies = iter([1.0, 2.0, 3.0, 4.0])
    log = EventLog(env, "orders", append_latency=lambda: next(latencies), latency_history=history)

    def model():
        for number in range(4):
            yield log.append("k", number)

    run(model())
    assert log.stats.append_latencies == kept


def test_waiting_for_an_append_wakes_everybody_at_once(env, run):
    log = EventLog(env, "orders", 1, append_latency=3.0)
    woken = []

    def waiter(name):
        record = yield log.wait_for_append()
        woken.append((name, env.now, record.value))

    env.process(waiter("a"))
    env.process(waiter("b"))
    log.append("k", "first")
    env.run()
    assert woken == [("a", 3.0, "first"), ("b", 3.0, "first")]


def test_a_log_can_be_the_sink_of_something_else(env):
    log = EventLog(env, "orders", append_latency=0)
    log.put(Record(9, "copied", 1, 0.0, 0))
    log.put("bare")
    env.run()
    copied, bare = (record for partition in log.partitions for record in partition.records)
    assert sorted([str(copied.key), str(bare.key)]) == ["None", "copied"]


def test_one_entry_in_the_event_queue_per_operation(env):
    log = EventLog(env, "orders")
    for number in range(5):
        log.append("k", number)
        log.read(0)
    assert len(env._queue) == 10


def test_the_run_ends_when_nothing_is_left_to_do(env):
    log = EventLog(env, "orders", retention_policy={"max_age_s": 100.0})
    env.run()
    assert env.now == 0
    log.append("k", 1)
    env.run()
    assert (env.now, log.total_records) == (120.0, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"num_partitions": 0},
        {"num_partitions": -1},
        {"num_partitions": 2.5},
        {"num_partitions": True},
        {"append_latency": -0.1},
        {"append_latency": float("nan")},
        {"read_latency": -1},
        {"read_latency": "soon"},
        {"retention_check_interval": 0},
        {"retention_check_interval": -1},
        {"retention_check_interval": float("inf")},
        {"latency_history": -1},
        {"sharding_strategy": "murmur"},
        {"sharding_strategy": 7},
        {"retention_policy": 60},
        {"retention_policy": {"max_age": 60}},
    ],
)
def test_nonsense_is_refused_when_a_log_is_made(env, options):
    with pytest.raises(ValueError, match="orders"):
        EventLog(env, "orders", **options)


@pytest.mark.parametrize("partition", [-1, 4, 1.5, "0", None])
def test_there_is_no_such_partition(env, partition):
    log = EventLog(env, "orders")
    for ask in (log.read, log.high_watermark, log.low_watermark, log.partition):
        with pytest.raises(ParameterError, match=r"orders: there is no partition .*\. There are 0 to 3\."):
            ask(partition)


def test_a_read_with_nonsense_is_refused_at_the_call(env):
    log = EventLog(env, "orders")
    with pytest.raises(ValueError, match=r"the offset 'tail' is not a whole number"):
        log.read(0, "tail")
    with pytest.raises(ValueError, match=r"max_records: -1 is not a whole number, 0 or more"):
        log.read(0, 0, -1)


@pytest.mark.parametrize("shard", [-1, 4])
def test_a_strategy_that_routes_to_nowhere_is_named(env, shard):
    log = EventLog(env, "orders", sharding_strategy=Everything(shard))
    with pytest.raises(ParameterError, match=rf"put the key 'k' in partition {shard}\. There are 0 to 3\."):
        log.append("k", 1)


@pytest.mark.parametrize("key", [1.5, ["list"], object()])
def test_a_key_that_cannot_be_routed_is_refused_at_the_call(env, key):
    with pytest.raises(ParameterError, match="cannot be routed"):
        EventLog(env, "orders").append(key, 1)


def test_a_real_time_environment_of_simpys_will_do(env):
    env = simpy.RealtimeEnvironment(factor=1e-6, strict=False)
    log = EventLog(env, "orders")
    record = env.run(until=log.append("k", 1))
    assert (record.offset, env.now) == (0, 0.001)
