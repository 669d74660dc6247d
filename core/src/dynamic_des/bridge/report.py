"""What a run did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Report", "SinkReport", "SourceReport"]


@dataclass(frozen=True)
class SinkReport:
    """What became of the model's records at one egress.

    Attributes:
        name: The egress's name.
        state: ``connecting``, ``up``, ``stalled``, ``failed`` or ``closed``.
        written: Records written.
        retried: Attempts that failed and were followed by another.
        set_aside: Records that could never be written.
        dropped: Records dropped because the outbox was full.
        nulled: NaN and infinite numbers written as ``null``.
        waiting: Records not written yet.
        reason: Why it is not up, or None.
        blocked_seconds: For how long it blocked the I/O loop, as far as was noticed.
        filtered: Records that its ``when`` kept from it.
        dead_lettered: How many of those set aside are in the dead letters.
    """

    name: str
    state: str
    written: int
    retried: int
    set_aside: int
    dropped: int
    waiting: int
    reason: str | None
    filtered: int = 0
    dead_lettered: int = 0
    nulled: int = 0
    blocked_seconds: float = 0.0

    @property
    def lost(self) -> int:
        """How many records neither the sink has nor the dead letters."""
        return self.set_aside - self.dead_lettered + self.dropped + self.waiting


@dataclass(frozen=True)
class SourceReport:
    """What came through one ingress.

    Attributes:
        name: The ingress's name.
        state: ``connecting``, ``up``, ``stalled``, ``failed`` or ``ended``.
        received: Messages received.
        reason: Why it is not up, or None.
        reopened: Connections that were lost, or could not be made, and were tried again.
        blocked_seconds: For how long it blocked the I/O loop, as far as was noticed.
        refused: Messages that were refused.
        dead_lettered: How many of those are in the dead letters.
        undelivered: How many of those should be there, and are not.
    """

    name: str
    state: str
    received: int
    reason: str | None
    refused: int = 0
    dead_lettered: int = 0
    undelivered: int = 0
    reopened: int = 0
    blocked_seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        events: Events handed to the egresses.
        telemetry: Telemetry records handed to the egresses.
        changes_applied: Changes put in force, or in force already.
        changes_refused: Changes refused.
        lag_seconds: By how much the simulation was late when it was last measured, in wall seconds.
        sinks: Each egress.
        sources: Each ingress.
        dead_letters: Each destination of dead letters.
        worst_lag_seconds: The largest lag that was measured, in wall seconds.
    """

    events: int
    telemetry: int
    changes_applied: int
    changes_refused: int
    lag_seconds: float
    sinks: list[SinkReport] = field(default_factory=list)
    sources: list[SourceReport] = field(default_factory=list)
    dead_letters: list[SinkReport] = field(default_factory=list)
    worst_lag_seconds: float = 0.0

    @property
    def lost(self) -> int:
        """How many records some sink does not have, and how many refused messages the dead letters do not have."""
        return sum(sink.lost for sink in self.sinks) + sum(source.undelivered for source in self.sources)
