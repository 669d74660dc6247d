"""How long a log keeps its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dynamic_des.components.checks import positive_number, whole
from dynamic_des.errors import ConfigError, nearest, show

if TYPE_CHECKING:
    from dynamic_des_streaming.records import Partition, Record

__all__ = ["Retention", "RetentionPolicy", "RetentionSetting", "SizeRetention", "TimeRetention"]


@runtime_checkable
class RetentionPolicy(Protocol):
    """Decides which records of a log are kept. Asked at every sweep about the oldest record, until it keeps one.

    A policy under which a record expires by age has ``expires_at(record)`` too: the simulation time from which on
    ``should_retain`` is false. Without it, a sweep is made after an append only, as no other is known to be needed.
    """

    def should_retain(self, record: Record, current_time_s: float) -> bool:
        """Return whether a record should be kept.

        Args:
            record: The record to evaluate.
            current_time_s: Current simulation time in seconds.
        """


class TimeRetention:
    """Retains records younger than a maximum age: at exactly that age a record expires.

    Args:
        max_age_s: Maximum record age in simulated seconds.

    Raises:
        ParameterError: (a ValueError) If it is not above 0.
    """

    def __init__(self, max_age_s: float) -> None:
        self._max_age_s = positive_number(max_age_s, "TimeRetention: max_age_s")

    @property
    def max_age_s(self) -> float:
        """Maximum record age in simulated seconds."""
        return self._max_age_s

    def expires_at(self, record: Record) -> float:
        """Return the simulation time from which on ``record`` is not retained."""
        return record.timestamp + self._max_age_s

    def should_retain(self, record: Record, current_time_s: float) -> bool:
        """Return whether ``record`` is younger than the maximum age."""
        return current_time_s < record.timestamp + self._max_age_s


class SizeRetention:
    """Retains at most ``max_records`` per partition: the oldest go.

    Args:
        max_records: Maximum number of records per partition.

    Raises:
        ParameterError: (a ValueError) If it is not a whole number above 0.
    """

    def __init__(self, max_records: int) -> None:
        self._max_records = whole(max_records, 1, "SizeRetention: max_records")

    @property
    def max_records(self) -> int:
        """Maximum number of records per partition."""
        return self._max_records

    def should_retain(self, record: Record, current_time_s: float) -> bool:  # noqa: ARG002 - the protocol's names
        """Return True: which records are too many depends on the partition, not on the record."""
        return True


RetentionSetting = RetentionPolicy | Sequence[RetentionPolicy] | Mapping[str, Any]
"""A policy; several, all of which must keep a record; or the table ``{max_age_s = 60, max_records = 1000}``."""


class Retention:
    """All policies of a log, taken together: a record is kept as long as each of them keeps it."""

    def __init__(self, setting: RetentionSetting | None, where: str) -> None:
        policies = _policies(setting, where)
        self._limit = min((policy.max_records for policy in policies if isinstance(policy, SizeRetention)), default=inf)
        self._policies = [policy for policy in policies if not isinstance(policy, SizeRetention)]
        self._timed = [policy for policy in self._policies if hasattr(policy, "expires_at")]
        self._untimed = len(self._timed) < len(self._policies)
        self.empty = not policies

    def due(self, partition: Partition) -> float:
        """Return when a sweep may expire something, after an append: -inf for at once, inf for never."""
        if len(partition) > self._limit or self._untimed:
            return -inf
        return self._expiry_of_oldest(partition)

    def due_after_sweep(self, partition: Partition, now: float) -> float:
        """Return when another sweep may expire something, if nothing is appended; inf for never."""
        due = self._expiry_of_oldest(partition)
        return due if due > now else inf  # a policy that keeps what it calls expired must not keep a run going

    def sweep(self, partition: Partition, now: float) -> int:
        """Expire what is not to be kept; return how many records that were."""
        before = len(partition)
        if before > self._limit:
            partition.expire(before - int(self._limit))
        while len(partition) and not all(policy.should_retain(partition.oldest, now) for policy in self._policies):
            partition.expire(1)
        return before - len(partition)

    def _expiry_of_oldest(self, partition: Partition) -> float:
        if not self._timed or not len(partition):
            return inf
        oldest = partition.oldest
        due: float = min(policy.expires_at(oldest) for policy in self._timed)
        return due


def _policies(setting: RetentionSetting | None, where: str) -> list[Any]:
    if setting is None:
        return []
    if isinstance(setting, Mapping):
        return [_policy_of(key, value, where) for key, value in setting.items()]
    policies = list(setting) if isinstance(setting, Sequence) else [setting]
    for policy in policies:
        if not callable(getattr(policy, "should_retain", None)):
            raise ConfigError(
                f"{where}: {show(policy)} is no retention policy. Give TimeRetention(max_age_s), "
                "SizeRetention(max_records), a list of both, or an object with should_retain(record, current_time_s)."
            )
    return policies


def _policy_of(key: str, value: Any, where: str) -> TimeRetention | SizeRetention:
    if key == "max_age_s":
        return TimeRetention(value)
    if key == "max_records":
        return SizeRetention(value)
    known = ("max_age_s", "max_records")
    raise ConfigError(f"{where}: {show(key)} is unknown.{nearest(key, known) or f' There are {known[0]}, {known[1]}.'}")
