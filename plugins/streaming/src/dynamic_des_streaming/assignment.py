"""Which member of a group owns which partitions: Kafka's three assignors for one topic."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from dynamic_des.errors import ConfigError, ParameterError, nearest, show

__all__ = [
    "PartitionAssignment",
    "RangeAssignment",
    "RoundRobinAssignment",
    "StickyAssignment",
    "assignment_of",
    "checked_assignment",
]


@runtime_checkable
class PartitionAssignment(Protocol):
    """Assigns partitions to consumers."""

    def assign(self, partitions: list[int], consumers: list[str]) -> dict[str, list[int]]:
        """Assign every partition to one consumer.

        Args:
            partitions: Available partition ids.
            consumers: Consumer names, sorted (the ``instance_id`` of those that have one).

        Returns:
            Consumer → partition ids.
        """


class RangeAssignment:
    """Contiguous ranges; the remainder goes to the earliest consumers."""

    def assign(self, partitions: list[int], consumers: list[str]) -> dict[str, list[int]]:
        """Assign contiguous ranges, whose sizes differ by at most one."""
        ordered, result, start = sorted(partitions), {}, 0
        for place, consumer in enumerate(sorted(consumers)):
            size = len(ordered) // len(consumers) + (place < len(ordered) % len(consumers))
            result[consumer] = ordered[start : start + size]
            start += size
        return result


class RoundRobinAssignment:
    """Deals the partitions out to the consumers in turn."""

    def assign(self, partitions: list[int], consumers: list[str]) -> dict[str, list[int]]:
        """Assign partition after partition to consumer after consumer."""
        ordered = sorted(partitions)
        return {consumer: ordered[place :: len(consumers)] for place, consumer in enumerate(sorted(consumers))}


class StickyAssignment:
    """Balanced first, then sticky: moves as few partitions as a balanced assignment allows.

    Assigns what Kafka's sticky assignor does (KIP-54) when all members subscribe to the same topic. It remembers its
    last assignment: every group needs its own.
    """

    def __init__(self) -> None:
        self._previous: dict[str, list[int]] = {}

    def assign(self, partitions: list[int], consumers: list[str]) -> dict[str, list[int]]:
        """Assign, keeping as much as possible of the last assignment of those consumers that are still here."""
        available = set(partitions)
        result = {
            consumer: [id for id in self._previous.get(consumer, ()) if id in available]
            for consumer in sorted(consumers)
        }
        if result:
            self._balance(sorted(available), result)
        self._previous = {consumer: sorted(owned) for consumer, owned in result.items()}
        return {consumer: list(owned) for consumer, owned in self._previous.items()}

    def _balance(self, partitions: list[int], result: dict[str, list[int]]) -> None:
        """Give away what nobody owns, then move partitions from those with too many, in Kafka's order."""
        owner = {id: consumer for consumer, owned in result.items() for id in owned}
        free = [id for id in partitions if id not in owner]
        candidates = _most_loaded_first(result) + free
        for id in free:
            owner[id] = _least_loaded(result)
            result[owner[id]].append(id)
        for id in candidates:
            poorest = _least_loaded(result)
            if max(map(len, result.values())) - len(result[poorest]) <= 1:
                return
            if len(result[owner[id]]) > len(result[poorest]) + 1:
                result[owner[id]].remove(id)
                result[poorest].append(id)


def assignment_of(setting: PartitionAssignment | str | None, where: str) -> PartitionAssignment:
    """Return the strategy that ``setting`` names: an object with ``assign``, or one of Kafka's names for them.

    Raises:
        ConfigError: If it names none.
    """
    known: dict[str, type[PartitionAssignment]] = {
        "range": RangeAssignment,
        "roundrobin": RoundRobinAssignment,
        "sticky": StickyAssignment,
    }
    if setting is None:
        return RangeAssignment()
    if isinstance(setting, str) and setting in known:
        return known[setting]()
    if not isinstance(setting, (type, str)) and isinstance(setting, PartitionAssignment):
        return setting
    hint = nearest(setting, known) if isinstance(setting, str) else ""
    raise ConfigError(
        f"{where}: {show(setting)} assigns nothing.{hint} Give {', '.join(map(repr, known))} or an object with "
        "assign(partitions, consumers)."
    )


def checked_assignment(result: Any, partitions: int, consumers: list[str], where: str) -> dict[str, list[int]]:
    """Return what a strategy assigned, complete and sorted, if every partition has exactly one owner that exists.

    Raises:
        ParameterError: (a ValueError) If it does not.
    """
    assigned = {consumer: sorted(result.get(consumer, ())) for consumer in consumers}
    strangers = sorted(set(result) - set(consumers))
    given = sorted(id for owned in assigned.values() for id in owned)
    if strangers or (consumers and given != list(range(partitions))):
        raise ParameterError(
            f"{where}: the assignment strategy returned {show(result)}. Assign each of the partitions 0 to "
            f"{partitions - 1} to exactly one of {', '.join(consumers) or 'no consumers'}."
        )
    return assigned


def _least_loaded(result: dict[str, list[int]]) -> str:
    return min(result, key=lambda consumer: (len(result[consumer]), consumer))


def _most_loaded_first(result: dict[str, list[int]]) -> list[int]:
    """Return what is owned: each time the last partition of whoever has the most left, the last name among equals."""
    left = {consumer: list(owned) for consumer, owned in result.items()}
    order: list[int] = []
    while any(left.values()):
        richest = max(left, key=lambda consumer: (len(left[consumer]), consumer))
        order.append(left[richest].pop())
    return order
