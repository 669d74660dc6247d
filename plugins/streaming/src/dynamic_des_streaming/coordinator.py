"""Who coordinates a consumer group: membership, sessions and rebalances."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dynamic_des.components.timers import Ticker
from dynamic_des.errors import show
from dynamic_des_streaming.assignment import checked_assignment
from dynamic_des_streaming.members import Member, Members
from dynamic_des_streaming.operations import Operation, succeeded

if TYPE_CHECKING:
    from typing import Any

    from simpy import Environment

    from dynamic_des_streaming.assignment import PartitionAssignment
    from dynamic_des_streaming.offsets import GroupOffsets
    from dynamic_des_streaming.rebalancing import RebalanceProtocol

__all__ = ["Coordinator", "Listener"]

Listener = Callable[[str, list[int]], object]
"""Called with the name of a consumer and partitions."""


class Coordinator:
    """Decides who is in a group and who owns what.

    Attributes:
        members: Who is in the group.
        generation: How many rebalances there have been.
        joins: How many consumers have joined.
        leaves: How many have left.
        lost: How many were removed because they were silent, or because another one took their place.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        offsets: GroupOffsets,
        *,
        partitions: int,
        strategy: PartitionAssignment,
        protocol: RebalanceProtocol,
        rebalance_delay: Callable[[], float],
        session_timeout: float | None,
        listeners: dict[str, Listener | None],
    ) -> None:
        self.members = Members(name)
        self.generation = self.joins = self.leaves = self.lost = 0
        self._env = env
        self._name = name
        self._offsets = offsets
        self._partitions = partitions
        self._strategy = strategy
        self._protocol = protocol
        self._rebalance_delay = rebalance_delay
        self._session_timeout = session_timeout
        self._listeners = listeners
        self._leaving: list[Operation] = []
        self._rebalancing = False
        self._rebalance = Ticker(env, 0, self._end_rebalance)
        self._sessions = Ticker(env, 0, self._remove_silent)

    def join(self, name: str, entity: Any, instance_id: str | None) -> Operation:
        """Let a consumer in."""
        self.members.check(name, instance_id)
        before, namesake = self.members.holder(instance_id), self.members.get(name)
        member = Member(name, instance_id, entity, self._env.now)
        if namesake is not None and namesake is not before:
            self._lose(namesake, "was replaced by another consumer of this name.")
            self._begin_rebalance()
        if before is not None:
            member.take_over(before, self._offsets)
            self._lose(before, f"was fenced: {name} joined with its instance_id {show(instance_id)}.", fenced=True)
        self.joins += 1
        self.members.add(member)
        self._watch_session(member)
        if before is not None and not self._rebalancing:
            self._notify("assigned", member, member.owned)
            return succeeded(self._env, list(member.owned))
        operation = Operation(self._env)
        member.joining.append(operation)
        self._begin_rebalance()
        return operation

    def leave(self, member: Member) -> Operation:
        """Let a member go that says so."""
        self._notify("revoked", member, member.owned)
        self.leaves += 1
        self._remove(member, "has left.")
        operation = Operation(self._env)
        self._leaving.append(operation)
        self._begin_rebalance()
        return operation

    # -- membership --------------------------------------------------------------------------------------

    def _notify(self, what: str, member: Member, partitions: list[int]) -> None:
        listener = self._listeners[what]
        if listener is not None and partitions and member.gone is None:
            listener(member.name, list(partitions))

    def _lose(self, member: Member, reason: str, *, fenced: bool = False) -> None:
        """Remove a member that cannot be asked any more."""
        self._notify("lost", member, member.owned)
        self.lost += 1
        self._remove(member, reason, fenced=fenced)

    def _remove(self, member: Member, reason: str, *, fenced: bool = False) -> None:
        error = self.members.remove(member, reason, fenced=fenced)
        for operation in member.joining:
            operation.fail(error)
            if not operation.callbacks:
                operation.defused = True  # whoever waited was interrupted

    def _watch_session(self, member: Member) -> None:
        if self._session_timeout is not None:
            self._sessions.arm(member.heard + self._session_timeout)

    def _remove_silent(self) -> None:
        """Remove who was silent for a session timeout; whoever waits for a rebalance does not count as silent."""
        assert self._session_timeout is not None
        now = self._env.now
        watched = [member for member in self.members if not member.joining]
        silent = [member for member in watched if member.heard + self._session_timeout <= now]
        for member in silent:
            self._lose(member, f"was removed: it was silent for {self._session_timeout} s.")
        for member in watched:
            if member.gone is None:
                self._watch_session(member)
        if silent:
            self._begin_rebalance()

    # -- rebalances --------------------------------------------------------------------------------------

    def _begin_rebalance(self) -> None:
        if not self._rebalancing:
            self._rebalancing = True
            self._rebalance.arm(self._env.now + self._rebalance_delay())
            self._protocol.begin(self.members, self._revoked)

    def _end_rebalance(self) -> None:
        self._rebalancing = False
        self.generation += 1
        identities = self.members.identities
        target: dict[str, list[int]] = {}
        if identities:
            result = self._strategy.assign(list(range(self._partitions)), list(identities))
            target = checked_assignment(result, self._partitions, identities, self._name)
        unfinished = self._protocol.end(self.members, target, self._offsets, self._revoked, self._assigned)
        for member in list(self.members):
            if member.joining and member.owned == target.get(member.identity):
                self._admit(member)
        leaving, self._leaving = self._leaving, []
        for operation in leaving:
            operation.succeed()
        if unfinished:
            self._begin_rebalance()

    def _admit(self, member: Member) -> None:
        """Tell a member that has waited for it what it owns."""
        member.heard = self._env.now
        joining, member.joining = member.joining, []
        for operation in joining:
            operation.succeed(list(member.owned))
        self._watch_session(member)

    def _revoked(self, member: Member, partitions: list[int]) -> None:
        self._notify("revoked", member, partitions)

    def _assigned(self, member: Member, partitions: list[int]) -> None:
        self._notify("assigned", member, partitions)
