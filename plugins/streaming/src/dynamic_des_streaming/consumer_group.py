"""Consumers that share the partitions of a log."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from simpy import Environment  # noqa: TC002 - a run that is put together from a file reads the constructors' types

from dynamic_des.components.checks import positive_number, whole
from dynamic_des.components.live import LiveNumber, live_number
from dynamic_des.components.sinks import named_resource
from dynamic_des.components.telemetry import Telemetered
from dynamic_des.errors import ConfigError, show
from dynamic_des_streaming.assignment import PartitionAssignment, assignment_of
from dynamic_des_streaming.coordinator import Coordinator, Listener
from dynamic_des_streaming.errors import CommitFailedError, NoOffsetError
from dynamic_des_streaming.event_log import EventLog
from dynamic_des_streaming.members import ConsumerState, Member
from dynamic_des_streaming.offsets import GroupOffsets
from dynamic_des_streaming.operations import Operation, WatchedOperation, failed, succeeded
from dynamic_des_streaming.rebalancing import protocol_named
from dynamic_des_streaming.requests import carry_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_des_streaming.operations import DelayedOperation

__all__ = ["ConsumerGroup", "ConsumerGroupStats"]

_OPERATIONS = ("join", "leave", "poll", "commit", "heartbeat")


@dataclass(frozen=True)
class ConsumerGroupStats:
    """Statistics tracked by `ConsumerGroup`.

    Attributes:
        joins: Number of consumer joins.
        leaves: Number of consumer leaves.
        rebalances: Number of rebalance events.
        polls: Number of poll operations.
        commits: Number of commit operations.
        records_polled: Total records returned by polls.
        commits_failed: Commits that were refused.
        members_lost: Members removed because they were silent, or because another one took their place.
    """

    joins: int = 0
    leaves: int = 0
    rebalances: int = 0
    polls: int = 0
    commits: int = 0
    records_polled: int = 0
    commits_failed: int = 0
    members_lost: int = 0


class ConsumerGroup(Telemetered):
    """Coordinated consumer group over an `EventLog`.

    Every partition belongs to one member at a time. Committed offsets belong to the group; each member has a position
    in each partition that it owns, which `poll` advances, and which restarts at the committed offset when the
    partition is assigned anew. So every record is delivered at least once, and those that were polled but not
    committed when their partition changed hands are delivered again.

    A consumer that crashes does nothing at all: it is removed after ``session_timeout``, if there is one.

    Args:
        env: Any SimPy environment.
        name: Name for this group.
        event_log: The `EventLog` to consume from, or the name of one among the environment's resources.
        assignment_strategy: Strategy for assigning partitions: ``"range"`` (the default), ``"roundrobin"``,
            ``"sticky"`` or an object with ``assign(partitions, consumers)``.
        rebalance_delay: Simulated rebalance latency in seconds; may be live. Joins and leaves within one delay make
            one rebalance, one generation.
        poll_latency: Simulated poll latency in seconds; may be live.
        session_timeout: Simulated seconds without a poll, commit or heartbeat after which a member is removed. None:
            never.
        rebalance_protocol: ``"eager"``: while a rebalance is on, polls return nothing, and all positions restart.
            ``"cooperative"``: members go on; partitions that move are revoked by one rebalance and assigned by a
            second one, which follows at once.
        auto_offset_reset: Where to start without a committed offset, or when retention has overtaken the position:
            ``"earliest"``, ``"latest"``, or ``"none"`` (the poll fails with `NoOffsetError`).
        commit_latency: Simulated commit latency in seconds; may be live. A commit without latency takes effect at
            the call.
        on_assigned: Called with (consumer name, partitions) when a member is given partitions.
        on_revoked: Called likewise when partitions are taken from a member that can still commit.
        on_lost: Called likewise when they are taken from one that cannot: it was silent, or has been replaced.

    Attributes:
        env: The environment.
        name: Name of this group.

    Raises:
        ParameterError: (a ValueError) If a number makes no sense.
        ConfigError: (a ValueError) If a strategy, protocol or reset is unknown.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        event_log: EventLog | str,
        assignment_strategy: PartitionAssignment | str | None = None,
        rebalance_delay: LiveNumber = 0.5,
        poll_latency: LiveNumber = 0.001,
        session_timeout: float | None = None,
        *,
        rebalance_protocol: str = "eager",
        auto_offset_reset: str = "earliest",
        commit_latency: LiveNumber = 0.0,
        on_assigned: Listener | None = None,
        on_revoked: Listener | None = None,
        on_lost: Listener | None = None,
    ) -> None:
        self.env = env
        self.name = name
        self._log = _log_of(env, event_log, name)
        self._poll_latency = live_number(env, poll_latency, f"{name}.poll_latency")
        self._commit_latency = live_number(env, commit_latency, f"{name}.commit_latency")
        if session_timeout is not None:
            session_timeout = positive_number(session_timeout, f"{name}: session_timeout")
        self._offsets = GroupOffsets(self._log, auto_offset_reset, name)
        self._coordinator = Coordinator(
            env,
            name,
            self._offsets,
            partitions=self._log.num_partitions,
            strategy=assignment_of(assignment_strategy, f"{name}: assignment_strategy"),
            protocol=protocol_named(rebalance_protocol, name),
            rebalance_delay=live_number(env, rebalance_delay, f"{name}.rebalance_delay"),
            session_timeout=session_timeout,
            listeners={"assigned": on_assigned, "revoked": on_revoked, "lost": on_lost},
        )
        self._members = self._coordinator.members
        self._polls = self._commits = self._commits_failed = self._records_polled = 0

    # -- what there is -----------------------------------------------------------------------------------

    @property
    def stats(self) -> ConsumerGroupStats:
        """A frozen snapshot of current statistics."""
        coordinator = self._coordinator
        return ConsumerGroupStats(
            joins=coordinator.joins,
            leaves=coordinator.leaves,
            rebalances=coordinator.generation,
            polls=self._polls,
            commits=self._commits,
            records_polled=self._records_polled,
            commits_failed=self._commits_failed,
            members_lost=coordinator.lost,
        )

    @property
    def consumer_count(self) -> int:
        """Number of active consumers: those that have joined, and have neither left nor been removed."""
        return len(self._members)

    @property
    def consumers(self) -> list[str]:
        """Names of active consumers, sorted."""
        return self._members.names

    @property
    def assignments(self) -> dict[str, list[int]]:
        """Current partition assignments; nothing for a consumer whose first rebalance is not over."""
        return {name: list(member.owned) for name, member in self._named()}

    @property
    def generation(self) -> int:
        """Current group generation (incremented on each rebalance)."""
        return self._coordinator.generation

    @property
    def committed(self) -> dict[int, int]:
        """The group's committed offset of each partition that has one."""
        return dict(self._offsets.committed)

    def positions(self, consumer_name: str) -> dict[int, int | None]:
        """Return a consumer's position in each partition it owns; None where it has nowhere to start."""
        member = self._members.get(consumer_name)
        return {} if member is None else dict(member.positions)

    def state(self, consumer_name: str) -> ConsumerState | None:
        """Return the state of a consumer; None when it is not in the group."""
        member = self._members.get(consumer_name)
        return None if member is None else member.state

    def entity(self, consumer_name: str) -> Any:
        """Return what a consumer joined with as its ``consumer_entity``."""
        member = self._members.get(consumer_name)
        return None if member is None else member.entity

    def consumer_lag(self, consumer_name: str) -> dict[int, int]:
        """Return, for each partition that a consumer owns, high watermark - committed offset.

        Where nothing is committed it counts from where the consumer started. Nothing for a consumer that is not in
        the group.
        """
        member = self._members.get(consumer_name)
        if member is None:
            return {}
        return {id: self._offsets.lag(id, member.starts.get(id)) for id in member.owned}

    def total_lag(self) -> int:
        """Return the total lag across all consumers and partitions."""
        return sum(sum(self.consumer_lag(name).values()) for name, _ in self._named())

    def telemetry(self) -> dict[str, float]:
        """Return the figures that `publish_telemetry` publishes: ``lag``, ``active`` and the counters."""
        return {"lag": self.total_lag(), "active": len(self._members), **asdict(self.stats)}

    # -- operations --------------------------------------------------------------------------------------

    def join(self, consumer_name: str, consumer_entity: Any = None, *, instance_id: str | None = None) -> Operation:
        """Join a consumer to the group; the operation's value is the list of its partitions.

        A consumer that joins under the name of a member takes its place: the old one is removed, and what it still
        asks for fails.

        Args:
            consumer_name: Unique name for the consumer.
            consumer_entity: Anything: given back by `entity`.
            instance_id: Static identity. A member that joins with the ``instance_id`` of another takes over its
                partitions at once, without a rebalance, from the committed offsets; the other one is fenced. So a
                restart within ``session_timeout`` disturbs nobody.

        Returns:
            An operation that succeeds when the rebalance is over, and the member has all that was assigned to it.

        Raises:
            ParameterError: (a ValueError) If a name is the ``instance_id`` of another member, or the reverse.
        """
        return self._coordinator.join(consumer_name, consumer_entity, instance_id)

    def leave(self, consumer_name: str) -> Operation:
        """Remove a consumer from the group; its partitions are assigned to the others.

        What it wants to commit, it commits before. Static members are removed too. Leaving twice, or after a
        removal, does nothing.

        Args:
            consumer_name: Name of the consumer to remove.

        Returns:
            An operation that succeeds when the rebalance is over; it fails with `UnknownMemberError` for a name that
            never was a member.
        """
        member = self._members.get(consumer_name)
        if member is None:
            if self._members.has_gone(consumer_name):
                return succeeded(self.env)
            return failed(self.env, self._members.why_not(consumer_name))
        return self._coordinator.leave(member)

    def poll(self, consumer_name: str, max_records: int = 100) -> Operation:
        """Poll for records from assigned partitions; the operation's value is a list of `Record`.

        Starts with another partition each time, so that one with a long backlog does not starve the others. A poll
        whose process was interrupted, or chose another event, delivers nothing and moves no position.

        Args:
            consumer_name: The polling consumer.
            max_records: Maximum records to return.

        Returns:
            An operation that takes ``poll_latency`` and returns what is there when it completes: nothing while an
            eager rebalance is on. It fails with `UnknownMemberError` if the consumer is not in the group (any more),
            and with `NoOffsetError` where there is nowhere to start.
        """
        whole(max_records, 0, f"{self.name}: max_records")
        member = self._heard(consumer_name)
        if member is None:
            return failed(self.env, self._members.why_not(consumer_name))
        return WatchedOperation(self.env, self._poll_latency(), self._complete_poll, (member, int(max_records)))

    def commit(
        self, consumer_name: str, offsets: Mapping[int, int] | None = None, *, generation: int | None = None
    ) -> Operation:
        """Commit offsets for the group: all of them or none.

        Args:
            consumer_name: The committing consumer.
            offsets: Partition → offset to go on from: one after the last record that is done. None: the consumer's
                positions, that is, everything it has polled.
            generation: The generation that the records come from. None: the current one.

        Returns:
            An operation that takes ``commit_latency``. It fails with `CommitFailedError` if the consumer does not
            own one of the partitions, is not in the group any more, or the generation is over by then; and with
            `OffsetOutOfRangeError` (one of these) if an offset is outside of the log.

        Raises:
            ParameterError: (a ValueError) If there is no such partition, or an offset is not a whole number.
        """
        member = self._heard(consumer_name)
        if member is None:
            return self._commit_failed(CommitFailedError(str(self._members.why_not(consumer_name))))
        if offsets is None:
            offsets = {id: position for id, position in member.positions.items() if position is not None}
        if generation is None:
            generation = self._coordinator.generation
        try:
            checked = self._offsets.check(offsets)
            latency = self._commit_latency()
            if latency:
                request = (member, checked, generation)
                return WatchedOperation(self.env, latency, self._complete_commit, request)
            self._commit(member, checked, generation)
        except CommitFailedError as error:
            return self._commit_failed(error)
        return succeeded(self.env)

    def heartbeat(self, consumer_name: str) -> Operation:
        """Tell the group that a consumer is alive, though it does not poll.

        Returns:
            An operation that succeeds at this instant, or fails with `UnknownMemberError`.
        """
        if self._heard(consumer_name) is None:
            return failed(self.env, self._members.why_not(consumer_name))
        return succeeded(self.env)

    def handle_event(self, event: object) -> Operation:
        """Carry out an operation in the form of an event, for ``yield from group.handle_event(event)``.

        Args:
            event: Its ``event_type`` names it, in whatever case: ``"join"``, ``"leave"``, ``"poll"``, ``"commit"`` or
                ``"heartbeat"``. Its ``context`` has the arguments by name.

        Raises:
            ParameterError: (a ValueError) If it asks for no such operation, or an argument is missing.
        """
        return carry_out(self, event, _OPERATIONS)

    # -- polls and commits -------------------------------------------------------------------------------

    def _complete_poll(self, operation: WatchedOperation) -> None:
        member, max_records = operation.request
        if member.gone is not None:
            return operation.refuse(member.gone)
        if operation.given_up:
            return operation.conclude([])
        member.heard = self.env.now
        records = []
        if member.state is ConsumerState.ACTIVE:
            try:
                records = member.fetch(self._log, self._offsets, max_records)
            except NoOffsetError as error:
                return operation.refuse(error)
        self._polls += 1
        self._records_polled += len(records)
        return operation.conclude(records)

    def _complete_commit(self, operation: DelayedOperation) -> None:
        try:
            self._commit(*operation.request)
        except CommitFailedError as error:
            self._commits_failed += 1
            operation.refuse(error)
        else:
            operation.conclude(None)

    def _commit(self, member: Member, offsets: dict[int, int], generation: int) -> None:
        if member.gone is not None:
            raise CommitFailedError(str(member.gone))
        if generation != self._coordinator.generation:
            raise CommitFailedError(
                f"{self.name}: {member.name} commits for generation {generation}, and the group is at "
                f"{self._coordinator.generation}. Nothing was committed: poll again."
            )
        for partition in offsets:
            if partition not in member.owned:
                raise CommitFailedError(
                    f"{self.name}: {member.name} does not own partition {partition}. Nothing was committed: its new "
                    "owner starts at the committed offset."
                )
        self._offsets.committed.update(offsets)
        self._commits += 1

    def _commit_failed(self, error: CommitFailedError) -> Operation:
        self._commits_failed += 1
        return failed(self.env, error)

    def _named(self) -> list[tuple[str, Member]]:
        return [(name, self._members.named(name)) for name in self._members.names]

    def _heard(self, name: str) -> Member | None:
        member = self._members.get(name)
        if member is not None:
            member.heard = self.env.now
        return member


def _log_of(env: Environment, log: EventLog | str, name: str) -> EventLog:
    if isinstance(log, str):
        log = named_resource(env, log, f"{name}: event_log")
    if isinstance(log, EventLog):
        return log
    raise ConfigError(f"{name}: event_log: {show(log)} is no EventLog. Give one, or the name of one.")
