"""Event logs, consumer groups and windowed stream processors for SimPy models.

Pure simulation: nothing here talks to a broker. Works with a plain ``simpy.Environment`` as well as with a
``DynamicRealtimeEnvironment``.
"""

from __future__ import annotations

from dynamic_des.components.live import LiveNumber
from dynamic_des.components.sinks import RegistrySink, Sink
from dynamic_des.components.telemetry import Publication, publish_telemetry
from dynamic_des.hookspecs import hookimpl
from dynamic_des_streaming.aggregates import AGGREGATES
from dynamic_des_streaming.assignment import (
    PartitionAssignment,
    RangeAssignment,
    RoundRobinAssignment,
    StickyAssignment,
)
from dynamic_des_streaming.consumer_group import ConsumerGroup, ConsumerGroupStats
from dynamic_des_streaming.errors import (
    CommitFailedError,
    FencedMemberError,
    NoOffsetError,
    OffsetOutOfRangeError,
    UnknownMemberError,
)
from dynamic_des_streaming.event_log import EventLog, EventLogStats
from dynamic_des_streaming.members import ConsumerState
from dynamic_des_streaming.operations import Operation
from dynamic_des_streaming.records import Partition, Record
from dynamic_des_streaming.results import LateEvent, Pane, WindowResult
from dynamic_des_streaming.retention import RetentionPolicy, SizeRetention, TimeRetention
from dynamic_des_streaming.sharding import HashSharding, KafkaSharding, ShardingStrategy, murmur2
from dynamic_des_streaming.stream_processor import StreamProcessor, StreamProcessorStats
from dynamic_des_streaming.triggers import EarlyTrigger
from dynamic_des_streaming.twin import RegistryFeed
from dynamic_des_streaming.windows import (
    LateEventPolicy,
    SessionWindow,
    SlidingWindow,
    TumblingWindow,
    WindowState,
    WindowType,
)

__version__ = "0.1.0"

__all__ = [
    # the log
    "EventLog",
    "EventLogStats",
    "Partition",
    "Record",
    "RetentionPolicy",
    "SizeRetention",
    "TimeRetention",
    "HashSharding",
    "KafkaSharding",
    "ShardingStrategy",
    "murmur2",
    # the group
    "ConsumerGroup",
    "ConsumerGroupStats",
    "ConsumerState",
    "PartitionAssignment",
    "RangeAssignment",
    "RoundRobinAssignment",
    "StickyAssignment",
    "CommitFailedError",
    "FencedMemberError",
    "NoOffsetError",
    "OffsetOutOfRangeError",
    "UnknownMemberError",
    # the processor
    "StreamProcessor",
    "StreamProcessorStats",
    "TumblingWindow",
    "SlidingWindow",
    "SessionWindow",
    "WindowState",
    "WindowType",
    "WindowResult",
    "Pane",
    "LateEvent",
    "LateEventPolicy",
    "EarlyTrigger",
    "AGGREGATES",
    # in a model
    "Operation",
    "Publication",
    "publish_telemetry",
    "RegistryFeed",
    "RegistrySink",
    "LiveNumber",
    "Sink",
]


@hookimpl
def dynamic_des_register_resource() -> list[type]:
    """Return the resource kinds of this distribution."""
    return [EventLog, ConsumerGroup, StreamProcessor]
