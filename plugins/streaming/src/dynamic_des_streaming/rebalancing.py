"""How partitions change hands: at once for all members, or only those that move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dynamic_des.errors import ConfigError, nearest, show
from dynamic_des_streaming.members import ConsumerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des_streaming.members import Member, Members
    from dynamic_des_streaming.offsets import GroupOffsets

    Notify = Callable[[Member, list[int]], None]

__all__ = ["CooperativeProtocol", "EagerProtocol", "RebalanceProtocol", "protocol_named"]


class RebalanceProtocol(Protocol):
    """What happens when a rebalance begins and when it ends."""

    def begin(self, members: Members, revoked: Notify) -> None:
        """Begin: membership has changed."""

    def end(
        self,
        members: Members,
        target: dict[str, list[int]],
        offsets: GroupOffsets,
        revoked: Notify,
        assigned: Notify,
    ) -> bool:
        """Hand out ``target`` as far as possible; return whether another rebalance must complete it."""


class EagerProtocol:
    """Everybody stops: all partitions are revoked when the rebalance begins and assigned anew when it ends.

    In between polls return nothing; the offsets of what was fetched before can still be committed. All positions
    restart at the committed offsets.
    """

    def begin(self, members: Members, revoked: Notify) -> None:
        """Revoke everything."""
        for member in list(members):
            if member.state is ConsumerState.ACTIVE:
                member.state = ConsumerState.REBALANCING
                revoked(member, member.owned)

    def end(
        self,
        members: Members,
        target: dict[str, list[int]],
        offsets: GroupOffsets,
        revoked: Notify,  # noqa: ARG002 - revoked at the beginning
        assigned: Notify,
    ) -> bool:
        """Assign everything."""
        for identity, partitions in target.items():
            member = members.identified(identity)
            member.forget_positions()
            member.take(partitions, offsets)
        for identity, partitions in target.items():
            assigned(members.identified(identity), partitions)
        return False


class CooperativeProtocol:
    """Nobody stops: members go on with what they own, and only what moves is revoked (KIP-429).

    A partition that moves is revoked at the end of one rebalance and assigned at the end of the next, which begins
    at once: nobody owns it in between. Positions of partitions that are kept stay.
    """

    def begin(self, members: Members, revoked: Notify) -> None:
        """Do nothing: everybody goes on."""

    def end(
        self,
        members: Members,
        target: dict[str, list[int]],
        offsets: GroupOffsets,
        revoked: Notify,
        assigned: Notify,
    ) -> bool:
        """Revoke what moves; assign what is free."""
        owner = {id: member.identity for member in members for id in member.owned}
        news: list[tuple[Member, list[int], list[int], list[int]]] = []
        for identity, partitions in target.items():
            member, before = members.identified(identity), members.identified(identity).owned
            now = [id for id in partitions if owner.get(id, identity) == identity]
            lost, gained = [id for id in before if id not in now], [id for id in now if id not in before]
            news.append((member, now, lost, gained))
        for member, _, lost, _ in news:
            revoked(member, lost)  # while it still owns them: what it commits then counts
        for member, now, _, _ in news:
            member.take(now, offsets)
        for member, _, _, gained in news:
            assigned(member, gained)
        return any(lost for _, _, lost, _ in news)


def protocol_named(name: str, where: str) -> RebalanceProtocol:
    """Return the protocol called ``name``.

    Raises:
        ConfigError: If there is none.
    """
    known: dict[str, type[RebalanceProtocol]] = {"eager": EagerProtocol, "cooperative": CooperativeProtocol}
    if name in known:
        return known[name]()
    hint = nearest(name, known) or " Give 'eager' or 'cooperative'."
    raise ConfigError(f"{where}: rebalance_protocol: {show(name)} is unknown.{hint}")
