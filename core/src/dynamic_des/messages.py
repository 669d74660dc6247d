"""What crosses the border: a message that comes in, the change it asks for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Change", "Message", "Outcome", "RunInfo", "Status"]

Status = Literal["applied", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as an ingress received it, undecoded.

    Attributes:
        payload: Bytes or text as received, or what is decoded already: ``(path, value)``, a dictionary, a
            list of dictionaries. Core decodes it, nobody else: a generator that raises on garbage is closed,
            and meets the same garbage again when it is reopened.
        position: Part → position *after* this message, such as ``{"control/3": 18}``. Core merges the parts
            and gives them back through ``applied`` once the message is settled. Empty where the source has
            no positions.
        info: Topic, partition, offset, headers, line …: for dead letters and the texts of errors.
    """

    payload: Any
    position: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A wish to change one parameter or several: all of them or none.

    Attributes:
        updates: ``(path, value)`` pairs in the sender's order.
        at: Simulation time at which it is to be applied, or None for at once.
        id: The sender's own reference, given back in ``system.changes``.
        source: Name of the ingress it came through; ``"post"`` for ``env.post``.
        position: Position of the message it came in (see `Message`).
        info: What the ingress said about the message (see `Message`).
    """

    updates: tuple[tuple[str, Any], ...]
    at: float | None = None
    id: str | None = None
    source: str = ""
    position: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change.

    Attributes:
        status: ``"applied"``; ``"unchanged"`` when every value was in force already; ``"refused"`` when
            nothing was changed.
        reason: Why it was refused, or what was done differently from the wish (a capacity that was clamped
            to its maximum). None when there is nothing to say.
    """

    status: Status
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a connector is told when it is opened.

    Attributes:
        name: The twin's name: the same in every run of it.
        run_id: This run's id: never the same twice.
        started: Wall-clock time at which the environment was made (``env.start_datetime``).
        seed: The seed of the run's random streams.
        sim_time: Simulation time when the connector was set up, in simulated seconds.
        positions: For an ingress: merged positions of everything settled, when a run goes on from another.
        trial: Whether this is only a try of the connection (``dynamic-des check --connect``): nothing may be made,
            emptied, read away or written.
        connector: The name of the connector that is told.
    """

    name: str
    run_id: str
    started: datetime
    seed: int
    sim_time: float = 0.0
    positions: Mapping[str, Any] = field(default_factory=dict)
    trial: bool = False
    connector: str = ""
