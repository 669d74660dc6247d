"""An append-only, partitioned log of records."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from numbers import Integral
from typing import TYPE_CHECKING, Any

from simpy import Environment  # noqa: TC002 - a run that is put together from a file reads the constructors' types
from simpy.events import Event

from dynamic_des.components.checks import positive_number, whole
from dynamic_des.components.live import LiveNumber, live_number
from dynamic_des.components.telemetry import Telemetered
from dynamic_des.components.timers import Ticker
from dynamic_des.errors import ParameterError, show
from dynamic_des_streaming.operations import DelayedOperation
from dynamic_des_streaming.records import Partition
from dynamic_des_streaming.requests import carry_out
from dynamic_des_streaming.retention import Retention, RetentionSetting
from dynamic_des_streaming.sharding import HashSharding, KafkaSharding, ShardingStrategy

if TYPE_CHECKING:
    from dynamic_des_streaming.operations import Operation
    from dynamic_des_streaming.records import Record

__all__ = ["EventLog", "EventLogStats"]

_STRATEGIES: dict[str, type[ShardingStrategy]] = {"hash": HashSharding, "kafka": KafkaSharding}

_OPERATIONS = ("append", "read")


@dataclass(frozen=True)
class EventLogStats:
    """Statistics tracked by `EventLog`.

    Attributes:
        records_appended: Total records appended across all partitions.
        records_read: Total records returned by read operations, and by the polls of consumer groups.
        records_expired: Total records removed by retention.
        per_partition_appends: Append count per partition.
        append_latencies: The latest append latencies, in simulated seconds, as many as ``latency_history``.
    """

    records_appended: int = 0
    records_read: int = 0
    records_expired: int = 0
    per_partition_appends: dict[int, int] = field(default_factory=dict)
    append_latencies: tuple[float, ...] = ()


class EventLog(Telemetered):
    """Append-only partitioned event log.

    Each partition numbers its records 0, 1, 2 … in the order in which their appends complete. An offset never
    changes, and is never used again. What an operation costs does not depend on how long the log is.

    Args:
        env: Any SimPy environment.
        name: Name for this log.
        num_partitions: Number of partitions.
        sharding_strategy: Routes keys to partitions: an object with ``get_shard(key, num_partitions)``, ``"hash"``
            (the default) or ``"kafka"`` (the partition that Kafka's clients choose). Records whose key is None are
            dealt out in turn.
        retention_policy: Which records expire: a policy, several of them, or
            ``{"max_age_s": …, "max_records": …}``. None keeps all.
        append_latency: Simulated append latency in seconds; may be live.
        read_latency: Simulated read latency in seconds; may be live.
        retention_check_interval: Simulated seconds between two retention sweeps, which come at whole multiples of
            it. Until then records that have expired can still be read.
        latency_history: How many append latencies ``stats`` remembers; 0 for none.

    Attributes:
        env: The environment.
        name: Name of this log.

    Raises:
        ParameterError: (a ValueError) If a parameter makes no sense, such as ``num_partitions < 1``.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        num_partitions: int = 4,
        sharding_strategy: ShardingStrategy | str | None = None,
        retention_policy: RetentionSetting | None = None,
        append_latency: LiveNumber = 0.001,
        read_latency: LiveNumber = 0.0005,
        retention_check_interval: float = 60.0,
        *,
        latency_history: int = 10_000,
    ) -> None:
        self.env = env
        self.name = name
        self._partitions = [Partition(id) for id in range(whole(num_partitions, 1, f"{name}: num_partitions"))]
        self._get_shard = _strategy(sharding_strategy, f"{name}: sharding_strategy").get_shard
        self._append_latency = live_number(env, append_latency, f"{name}.append_latency")
        self._read_latency = live_number(env, read_latency, f"{name}.read_latency")
        self._retention = Retention(retention_policy, f"{name}: retention_policy")
        self._expires = not self._retention.empty
        interval = positive_number(retention_check_interval, f"{name}: retention_check_interval")
        self._sweeps = Ticker(env, interval, self._sweep)
        self._latencies: deque[float] = deque(maxlen=whole(latency_history, 0, f"{name}: latency_history"))
        self._records_read = 0
        self._records_expired = 0
        self._next_unkeyed = 0
        self._appended: Event | None = None

    # -- what there is -----------------------------------------------------------------------------------

    @property
    def stats(self) -> EventLogStats:
        """A frozen snapshot of current statistics."""
        appends = self.high_watermarks()
        return EventLogStats(
            sum(appends.values()), self._records_read, self._records_expired, appends, tuple(self._latencies)
        )

    @property
    def num_partitions(self) -> int:
        """Number of partitions."""
        return len(self._partitions)

    @property
    def partitions(self) -> list[Partition]:
        """The partition objects."""
        return list(self._partitions)

    @property
    def total_records(self) -> int:
        """Records that are kept, across all partitions."""
        return sum(map(len, self._partitions))

    def high_watermark(self, partition_id: int) -> int:
        """Return the next offset that will be assigned in a partition. Retention does not lower it.

        Raises:
            ParameterError: (a ValueError) If there is no such partition.
        """
        return self.partition(partition_id).high_watermark

    def low_watermark(self, partition_id: int) -> int:
        """Return the offset of the oldest record that is kept in a partition; the high watermark when there is none.

        Raises:
            ParameterError: (a ValueError) If there is no such partition.
        """
        return self.partition(partition_id).low_watermark

    def high_watermarks(self) -> dict[int, int]:
        """Return the high watermarks of all partitions."""
        return {partition.id: partition.high_watermark for partition in self._partitions}

    def low_watermarks(self) -> dict[int, int]:
        """Return the low watermarks of all partitions."""
        return {partition.id: partition.low_watermark for partition in self._partitions}

    def partition(self, partition_id: int) -> Partition:
        """Return one partition.

        Raises:
            ParameterError: (a ValueError) If there is none of this number.
        """
        if type(partition_id) is int and 0 <= partition_id < len(self._partitions):
            return self._partitions[partition_id]
        if isinstance(partition_id, Integral) and 0 <= partition_id < len(self._partitions):
            return self._partitions[int(partition_id)]
        raise ParameterError(
            f"{self.name}: there is no partition {show(partition_id)}. There are 0 to {len(self._partitions) - 1}."
        )

    def telemetry(self) -> dict[str, float]:
        """Return the figures that `publish_telemetry` publishes: ``depth`` and the counters."""
        return {
            "depth": self.total_records,
            "records_appended": sum(partition.high_watermark for partition in self._partitions),
            "records_read": self._records_read,
            "records_expired": self._records_expired,
        }

    # -- operations --------------------------------------------------------------------------------------

    def append(self, key: Any, value: Any) -> Operation:
        """Append a record; the operation's value is the `Record`.

        Args:
            key: Routing key: text, or whatever the sharding strategy takes. None: any partition.
            value: Record payload. Not copied.

        Returns:
            An operation that takes ``append_latency``; the record is in the log when it completes, and its offset
            and timestamp are those of that moment.

        Raises:
            ParameterError: (a ValueError) If the key is of a kind that cannot be routed.
        """
        request = (self._route(key), key, value)
        return DelayedOperation(self.env, self._append_latency(), self._complete_append, request)

    def read(self, partition_id: int, offset: int = 0, max_records: int = 100) -> Operation:
        """Read records from a partition; the operation's value is a list of `Record`.

        Args:
            partition_id: Partition to read from.
            offset: Starting offset. Below the low watermark it means the oldest record that is kept; from the high
                watermark on there is nothing.
            max_records: Maximum records to return.

        Returns:
            An operation that takes ``read_latency``, and returns what is there when it completes.

        Raises:
            ParameterError: (a ValueError) If there is no such partition, or a number makes no sense.
        """
        partition = self.partition(partition_id)
        if not isinstance(offset, Integral):
            raise ParameterError(f"{self.name}: the offset {show(offset)} is not a whole number.")
        request = (partition, int(offset), whole(max_records, 0, f"{self.name}: max_records"))
        return DelayedOperation(self.env, self._read_latency(), self._complete_read, request)

    def handle_event(self, event: object) -> Operation:
        """Carry out an operation in the form of an event, for ``yield from log.handle_event(event)``.

        Args:
            event: Its ``event_type`` names it, in whatever case: ``"append"`` or ``"read"``.
                Its ``context`` has the arguments by name.

        Raises:
            ParameterError: (a ValueError) If it asks for no such operation, or an argument is missing.
        """
        return carry_out(self, event, _OPERATIONS)

    def put(self, item: Any) -> Operation:
        """Append ``item`` under its own ``key``, or under None: so that a log can be the sink of something else."""
        return self.append(getattr(item, "key", None), item)

    def wait_for_append(self) -> Event:
        """Return an event that happens when the next record is in the log; its value is the record.

        All who wait share one event. Combine it freely (``log.wait_for_append() | env.timeout(1)``): it is what a
        consumer whose poll came back empty waits for.
        """
        if self._appended is None:
            self._appended = Event(self.env)
        return self._appended

    def apply_retention(self) -> int:
        """Expire now what retention does not keep, without waiting for the next sweep.

        Returns:
            How many records have expired.
        """
        retention, now = self._retention, self.env.now
        expired = sum(retention.sweep(partition, now) for partition in self._partitions)
        self._records_expired += expired
        self._sweeps.arm(min(retention.due_after_sweep(partition, now) for partition in self._partitions))
        return expired

    def fetch(self, partition_id: int, offset: int, max_records: int) -> list[Record]:
        """Return what a read finds, at once: for components that model the latency of reading themselves."""
        records = self._partitions[partition_id].read(offset, max_records)
        self._records_read += len(records)
        return records

    # -- how they complete -------------------------------------------------------------------------------

    def _sweep(self) -> None:
        self.apply_retention()

    def _route(self, key: Any) -> int:
        count = len(self._partitions)
        if key is None:
            shard = self._next_unkeyed
            self._next_unkeyed = (shard + 1) % count
            return shard
        shard = self._get_shard(key, count)
        if not 0 <= shard < count:
            raise ParameterError(
                f"{self.name}: the sharding strategy put the key {show(key)} in partition {show(shard)}. "
                f"There are 0 to {count - 1}."
            )
        return shard

    def _complete_append(self, operation: DelayedOperation) -> None:
        shard, key, value = operation.request
        partition = self._partitions[shard]
        record = partition.append(key, value, self.env.now)
        self._latencies.append(operation.delay)
        operation.conclude(record)
        if self._expires:
            due = self._retention.due(partition)
            if due < inf:
                self._sweeps.arm(due)
        if self._appended is not None:
            appended, self._appended = self._appended, None
            appended.succeed(record)

    def _complete_read(self, operation: DelayedOperation) -> None:
        partition, offset, max_records = operation.request
        operation.conclude(self.fetch(partition.id, offset, max_records))


def _strategy(setting: ShardingStrategy | str | None, where: str) -> ShardingStrategy:
    if setting is None:
        return HashSharding()
    if isinstance(setting, str) and setting in _STRATEGIES:
        return _STRATEGIES[setting]()
    if isinstance(setting, ShardingStrategy):
        return setting
    raise ParameterError(
        f'{where}: {show(setting)} routes nothing. Give "hash", "kafka", or an object with '
        "get_shard(key, num_partitions)."
    )
