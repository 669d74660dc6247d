"""Every class, constructor, method, property, field and default that the two plugins are documented to have.

After the environment, which comes first, parameters have the documented names, order and defaults; more may follow.
"""

from __future__ import annotations

import dataclasses
import inspect
import re

import pytest

import dynamic_des_servers
import dynamic_des_streaming

STREAMING = """
ConsumerGroup(name, event_log, assignment_strategy=None, rebalance_delay=0.5, poll_latency=0.001,
    session_timeout=None)
ConsumerGroup.stats
ConsumerGroup.consumer_count
ConsumerGroup.consumers
ConsumerGroup.assignments
ConsumerGroup.generation
ConsumerGroup.consumer_lag(consumer_name)
ConsumerGroup.total_lag()
ConsumerGroup.join(consumer_name, consumer_entity)
ConsumerGroup.leave(consumer_name)
ConsumerGroup.poll(consumer_name, max_records=100)
ConsumerGroup.commit(consumer_name, offsets)
ConsumerGroup.handle_event(event)
ConsumerGroupStats(joins=0, leaves=0, rebalances=0, polls=0, commits=0, records_polled=0)
ConsumerState
PartitionAssignment
PartitionAssignment.assign(partitions, consumers)
RangeAssignment
RoundRobinAssignment
StickyAssignment()
EventLog(name, num_partitions=4, sharding_strategy=None, retention_policy=None, append_latency=0.001,
    read_latency=0.0005, retention_check_interval=60.0)
EventLog.stats
EventLog.num_partitions
EventLog.partitions
EventLog.total_records
EventLog.high_watermark(partition_id)
EventLog.high_watermarks()
EventLog.append(key, value)
EventLog.read(partition_id, offset=0, max_records=100)
EventLog.handle_event(event)
EventLogStats(records_appended=0, records_read=0, records_expired=0, per_partition_appends=dict(),
    append_latencies=())
Partition(id, records=list(), high_watermark=0)
Record(offset, key, value, timestamp, partition)
RetentionPolicy
RetentionPolicy.should_retain(record, current_time_s)
SizeRetention(max_records)
TimeRetention(max_age_s)
LateEventPolicy
SessionWindow(gap_s)
SlidingWindow(size_s, slide_s)
StreamProcessor(name, window_type, aggregate_fn, downstream, allowed_lateness_s=0.0,
    late_event_policy=LateEventPolicy.DROP, side_output=None, watermark_interval_s=1.0)
StreamProcessor.stats
StreamProcessor.watermark_s
StreamProcessor.active_windows
StreamProcessor.total_windows_emitted
StreamProcessor.handle_event(event)
StreamProcessorStats(events_processed=0, windows_emitted=0, late_events=0, late_events_dropped=0,
    late_events_updated=0, late_events_side_output=0)
TumblingWindow(size_s)
WindowState(start, end, records=list(), emitted=False)
WindowType
WindowType.assign_windows(event_time_s)
WindowType.should_close(window_end, watermark_s)
"""

SERVERS = """
AsyncServer(name, max_connections=10000, cpu_work_distribution=None, io_handler=None)
AsyncServer.max_connections
AsyncServer.active_connections
AsyncServer.peak_connections
AsyncServer.cpu_queue_depth
AsyncServer.is_cpu_busy
AsyncServer.stats
AsyncServer.utilization
AsyncServer.average_cpu_time
AsyncServer.has_capacity()
AsyncServer.handle_event(event)
AsyncServer.get_cpu_time_percentile(percentile)
AsyncServerStats(requests_completed=0, requests_rejected=0, total_cpu_time=0.0, total_io_time=0.0)
ConcurrencyModel
ConcurrencyModel.available
ConcurrencyModel.active
ConcurrencyModel.limit
ConcurrencyModel.acquire(weight=1)
ConcurrencyModel.release(weight=1)
ConcurrencyModel.has_capacity(weight=1)
DynamicConcurrency(initial, min_limit=1, max_limit=None)
DynamicConcurrency.current_limit
DynamicConcurrency.min_limit
DynamicConcurrency.max_limit
DynamicConcurrency.available
DynamicConcurrency.active
DynamicConcurrency.limit
DynamicConcurrency.set_limit(new_limit)
DynamicConcurrency.scale_up(amount=1)
DynamicConcurrency.scale_down(amount=1)
DynamicConcurrency.acquire(weight=1)
DynamicConcurrency.release(weight=1)
DynamicConcurrency.has_capacity(weight=1)
FixedConcurrency(max_concurrent)
FixedConcurrency.available
FixedConcurrency.active
FixedConcurrency.limit
FixedConcurrency.acquire(weight=1)
FixedConcurrency.release(weight=1)
FixedConcurrency.has_capacity(weight=1)
WeightedConcurrency(total_capacity)
WeightedConcurrency.total_capacity
WeightedConcurrency.available
WeightedConcurrency.active
WeightedConcurrency.limit
WeightedConcurrency.utilization
WeightedConcurrency.acquire(weight=1)
WeightedConcurrency.release(weight=1)
WeightedConcurrency.has_capacity(weight=1)
Server(name, concurrency=1, service_time=None, queue_policy=None, queue_capacity=None, downstream=None)
Server.downstream
Server.concurrency_model
Server.concurrency
Server.service_time
Server.active_requests
Server.available_capacity
Server.utilization
Server.average_service_time
Server.stats
Server.has_capacity(weight=1)
Server.handle_queued_event(event)
Server.get_service_time_percentile(percentile)
ServerStats(requests_completed=0, requests_rejected=0, total_service_time=0.0)
ThreadPool(name, num_workers, queue_policy=None, queue_capacity=None, processing_time_extractor=None,
    default_processing_time=0.01)
ThreadPool.num_workers
ThreadPool.active_workers
ThreadPool.idle_workers
ThreadPool.queued_tasks
ThreadPool.worker_utilization
ThreadPool.average_processing_time
ThreadPool.stats
ThreadPool.has_capacity()
ThreadPool.submit(task)
ThreadPool.handle_queued_event(event)
ThreadPool.get_processing_time_percentile(percentile)
ThreadPoolStats(tasks_completed=0, tasks_rejected=0, total_processing_time=0.0)
AsyncServer.cpu_work_distribution
FixedConcurrency.max_concurrent
"""


def entries(package, text):
    """Yield (package, name of the class, name of the member or None, parameters or None)."""
    for line in re.sub(r"\n\s+", " ", text).strip().splitlines():
        name, bracket, parameters = line.partition("(")
        owner, _, member = name.partition(".")
        yield package, owner, member or None, parameters.removesuffix(")") if bracket else None


INTERFACE = [*entries(dynamic_des_streaming, STREAMING), *entries(dynamic_des_servers, SERVERS)]


def split(parameters):
    """Return (name, default as text or None) of each parameter."""
    pairs = [part.partition("=") for part in re.split(r", (?=\w+(?:=|,|$))", parameters) if part]
    return [(name, default if equals else None) for name, equals, default in pairs]


def default_of(parameter, owner):
    """Return a default as the documents write it."""
    fields = {field.name: field for field in dataclasses.fields(owner)} if dataclasses.is_dataclass(owner) else {}
    field = fields.get(parameter.name)
    if field is not None and field.default_factory is not dataclasses.MISSING:
        return f"{field.default_factory.__name__}()"
    if (owner.__name__, parameter.name) == ("Partition", "records"):
        return "list()" if list(parameter.default) == [] else None
    return str(parameter.default)


@pytest.mark.parametrize(("package", "owner", "member", "parameters"), INTERFACE, ids=lambda part: str(part)[:40])
def test_what_is_documented_is_there(package, owner, member, parameters):
    assert owner in package.__all__
    kind = getattr(package, owner)
    target = kind if member is None else inspect.getattr_static(kind, member)
    assert inspect.getdoc(target)
    if parameters is None:
        assert inspect.isclass(target) or isinstance(target, property)
        return
    callable_ = kind if member is None else getattr(kind, member)
    found = [one for one in inspect.signature(callable_).parameters.values() if one.name not in ("self", "env")]
    wanted = split(parameters)
    assert [one.name for one in found[: len(wanted)]] == [name for name, _ in wanted]
    for parameter, (name, default) in zip(found, wanted, strict=False):
        assert parameter.kind is not inspect.Parameter.KEYWORD_ONLY, name
        if default is not None:
            assert default_of(parameter, kind) == default, name
    for parameter in found[len(wanted) :]:
        assert parameter.default is not inspect.Parameter.empty, f"{parameter.name} is asked for, and not documented"


@pytest.mark.parametrize(
    "kind", [dynamic_des_streaming.EventLog, dynamic_des_streaming.ConsumerGroup, dynamic_des_streaming.StreamProcessor,
             dynamic_des_servers.Server, dynamic_des_servers.ThreadPool, dynamic_des_servers.AsyncServer]
)  # fmt: skip
def test_the_environment_comes_first_then_the_name(kind):
    assert list(inspect.signature(kind).parameters)[:2] == ["env", "name"]


STATS = [
    getattr(package, owner) for package, owner, member, _ in INTERFACE if owner.endswith("Stats") and member is None
]


def test_there_are_six_kinds_of_stats():
    assert len(STATS) == 6


@pytest.mark.parametrize("kind", STATS)
def test_stats_are_frozen_and_begin_at_nothing(kind):
    stats = kind()
    for field in dataclasses.fields(kind):
        assert getattr(stats, field.name) in (0, 0.0, {}, ())
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(stats, field.name, 1)


def test_late_events_have_three_policies():
    assert [policy.name for policy in dynamic_des_streaming.LateEventPolicy] == ["DROP", "UPDATE", "SIDE_OUTPUT"]
