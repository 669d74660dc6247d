"""The members of a consumer group, and how each of them fetches."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ParameterError, nearest, show
from dynamic_des_streaming.errors import FencedMemberError, UnknownMemberError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_des_streaming.event_log import EventLog
    from dynamic_des_streaming.offsets import GroupOffsets
    from dynamic_des_streaming.operations import Operation
    from dynamic_des_streaming.records import Record

__all__ = ["ConsumerState", "Member", "Members"]

_REMEMBERED = 1024  # of those that have gone: enough for the texts of errors


class ConsumerState(Enum):
    """State of a consumer within the group.

    Attributes:
        ACTIVE: It fetches from the partitions it owns.
        REBALANCING: It waits for a rebalance: its polls return nothing.
    """

    ACTIVE = "active"
    REBALANCING = "rebalancing"


class Member:
    """One consumer, from its join on.

    Attributes:
        name: Its name.
        instance_id: Its static identity, if it has one.
        identity: What assignments know it by.
        entity: What it joined with; kept for the model's own use.
        owned: The partitions of the current generation.
        positions: Partition → offset of the next record to fetch.
        starts: Partition → where it started.
        heard: Simulation time of its last sign of life.
        state: Whether it fetches.
        joining: The joins that wait for a rebalance.
        gone: Why it is not a member any more; None while it is.
    """

    def __init__(self, name: str, instance_id: str | None, entity: Any, now: float) -> None:
        self.name = name
        self.instance_id = instance_id
        self.identity = instance_id or name
        self.entity = entity
        self.owned: list[int] = []
        self.positions: dict[int, int | None] = {}
        self.starts: dict[int, int | None] = {}
        self.heard = now
        self.state = ConsumerState.REBALANCING
        self.joining: list[Operation] = []
        self.gone: UnknownMemberError | None = None
        self._turn = 0

    def take(self, partitions: list[int], offsets: GroupOffsets) -> None:
        """Own ``partitions`` from now on; those it did not own before start at the committed offset."""
        kept = [id for id in partitions if id in self.positions]
        positions = {id: self.positions[id] for id in kept}
        starts = {id: self.starts[id] for id in kept}
        for id in partitions:
            if id not in positions:
                positions[id] = starts[id] = offsets.start(id)
        self.owned, self.positions, self.starts = partitions, positions, starts
        self.state = ConsumerState.ACTIVE

    def take_over(self, other: Member, offsets: GroupOffsets) -> None:
        """Take the place of ``other``: its partitions, from the committed offsets on."""
        self.take(list(other.owned), offsets)
        self.state = other.state

    def forget_positions(self) -> None:
        """Start at the committed offsets the next time, also in partitions that are kept."""
        self.positions, self.starts = {}, {}

    def fetch(self, log: EventLog, offsets: GroupOffsets, max_records: int) -> list[Record]:
        """Return the next records and move the positions behind them.

        It begins with the partition after the one it ended with last time, so that a partition with an endless
        backlog does not starve the others.
        """
        # all positions first: one that cannot be found must not cost the records of another
        positions = [offsets.fetchable(partition, self.positions[partition]) for partition in self.owned]
        records: list[Record] = []
        count = len(self.owned)
        first = self._turn
        for step in range(count):
            if len(records) >= max_records:
                break
            turn = (first + step) % count
            partition, position = self.owned[turn], positions[turn]
            found = log.fetch(partition, position, max_records - len(records))
            self.positions[partition] = position + len(found)
            if found:
                records += found
                self._turn = (turn + 1) % count
        return records


class Members:
    """Who is in the group."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._by_name: dict[str, Member] = {}
        self._by_identity: dict[str, Member] = {}
        self._departed: OrderedDict[str, UnknownMemberError] = OrderedDict()

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def names(self) -> list[str]:
        """Their names, sorted."""
        return sorted(self._by_name)

    def get(self, name: str) -> Member | None:
        """Return the member called ``name``."""
        return self._by_name.get(name)

    def named(self, name: str) -> Member:
        """Return the member called ``name``, which there must be."""
        return self._by_name[name]

    def identified(self, identity: str) -> Member:
        """Return the member that assignments know as ``identity``."""
        return self._by_identity[identity]

    @property
    def identities(self) -> list[str]:
        """What assignments know them by, sorted."""
        return sorted(self._by_identity)

    def holder(self, instance_id: str | None) -> Member | None:
        """Return the member with this static identity."""
        member = None if instance_id is None else self._by_identity.get(instance_id)
        return None if member is None or member.instance_id is None else member

    def check(self, name: str, instance_id: str | None) -> None:
        """Check that a name and a static identity can be told apart from those of the members.

        Raises:
            ParameterError: (a ValueError) If they cannot.
        """
        for what, text in (("name", name), ("instance_id", name if instance_id is None else instance_id)):
            if not isinstance(text, str) or not text:
                raise ParameterError(f"{self._where}: the {what} {show(text)} is no name. Give text, such as 'c1'.")
        other = self._by_identity.get(instance_id or name)
        if other is not None and other.name != name and other.instance_id != instance_id:
            raise ParameterError(
                f"{self._where}: {show(instance_id or name)} is what another member, {other.name}, is known by. "
                "Choose another name or instance_id."
            )

    def add(self, member: Member) -> None:
        """Let a consumer in, whose name and identity nobody has."""
        self._by_name[member.name] = self._by_identity[member.identity] = member
        self._departed.pop(member.name, None)

    def remove(self, member: Member, reason: str, *, fenced: bool = False) -> UnknownMemberError:
        """Let a member go; what it asks for from now on fails with the error that is returned."""
        error = FencedMemberError if fenced else UnknownMemberError
        member.gone = error(f"{self._where}: {member.name} {reason} Join again.")
        del self._by_name[member.name]
        del self._by_identity[member.identity]
        self._departed[member.name] = member.gone
        while len(self._departed) > _REMEMBERED:
            self._departed.popitem(last=False)
        return member.gone

    def has_gone(self, name: str) -> bool:
        """Return whether ``name`` is known to have been a member."""
        return name in self._departed

    def why_not(self, name: str) -> UnknownMemberError:
        """Return the error for whom ``name`` is not a member."""
        if name in self._departed:
            return self._departed[name]
        hint = nearest(name, self._by_name) if isinstance(name, str) else ""
        return UnknownMemberError(f"{self._where}: {show(name)} is not a member.{hint} Join first.")
