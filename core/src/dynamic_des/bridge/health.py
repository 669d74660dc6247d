"""How a twin and its connectors fare at this moment, in plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from dynamic_des.bridge.condition import Condition, State
    from dynamic_des.bridge.sink import Sink
    from dynamic_des.bridge.source import Source
    from dynamic_des.bridge.watchdog import Block

SimulationState = Literal["idle", "running", "blocked", "closed"]

__all__ = [
    "EgressHealth",
    "Health",
    "IngressHealth",
    "SimulationHealth",
    "SimulationState",
    "health_of_sink",
    "health_of_source",
    "is_well",
]


@dataclass(frozen=True)
class EgressHealth:
    """How one egress fares. Counts are of the model's records and go back to when it was set up.

    Attributes:
        name: Its name.
        state: ``connecting``, ``up``, ``stalled`` (a call has not returned for five seconds), ``failed`` (for good) or
            ``closed``.
        reason: Why it is not up, or None.
        state_seconds: For how long it has been in this state.
        last_progress: Wall time at which it was opened or wrote a batch last, ISO 8601; None before the first time.
        last_progress_seconds: How long ago that was.
        waiting: Records that wait for it or are being written.
        lag_seconds: For how long the oldest of them has been waiting.
        written: Records written.
        retried: Attempts to write that failed and were followed by another.
        set_aside: Records that could never be written.
        dead_lettered: How many of those are in the dead letters.
        filtered: Records that its ``when`` kept from it.
        dropped: Records dropped because too many waited.
        nulled: NaN and infinite numbers written as ``null``.
        blocked_seconds: For how long it has blocked the I/O loop, as far as was noticed.
        system_waiting: ``system.*`` records that wait.
        system_lost: ``system.*`` records dropped or set aside.
    """

    name: str
    state: State
    reason: str | None
    state_seconds: float
    last_progress: str | None
    last_progress_seconds: float | None
    waiting: int
    lag_seconds: float
    written: int
    retried: int
    set_aside: int
    dead_lettered: int
    filtered: int
    dropped: int
    nulled: int
    blocked_seconds: float
    system_waiting: int
    system_lost: int


@dataclass(frozen=True)
class IngressHealth:
    """How one ingress fares.

    Attributes:
        name: Its name.
        state: ``connecting``, ``up``, ``stalled`` (a call has not returned for five seconds), ``failed`` (for good) or
            ``ended`` (nothing more will come).
        reason: Why it is not up, or None.
        state_seconds: For how long it has been in this state.
        last_progress: Wall time at which it was opened, brought or acknowledged something last, ISO 8601; None before
            the first time.
        last_progress_seconds: How long ago that was.
        waiting: Messages that are not settled: those that wait for their simulation time too.
        lag_seconds: For how long the oldest of them has been waiting.
        received: Messages received.
        refused: Messages refused.
        dead_lettered: How many of those are in the dead letters.
        reopened: Connections that were lost, or could not be made, and were tried again.
        blocked_seconds: For how long it has blocked the I/O loop, as far as was noticed.
    """

    name: str
    state: State
    reason: str | None
    state_seconds: float
    last_progress: str | None
    last_progress_seconds: float | None
    waiting: int
    lag_seconds: float
    received: int
    refused: int
    dead_lettered: int
    reopened: int
    blocked_seconds: float


@dataclass(frozen=True)
class SimulationHealth:
    """How the simulation fares.

    Attributes:
        state: ``idle`` (no run is on), ``running``, ``blocked`` (it waits for room in a full outbox) or ``closed``
            (torn down).
        sim_time: Simulation time, in simulated seconds.
        lag_seconds: By how much it is late at this moment, in wall seconds; 0 at ``factor=0``.
        changes_applied: Changes put in force, or found in force already.
        changes_refused: Changes refused.
    """

    state: SimulationState
    sim_time: float
    lag_seconds: float
    changes_applied: int
    changes_refused: int


@dataclass(frozen=True)
class Health:
    """How a twin fares at one moment.

    Attributes:
        ok: Whether every connector is up, or has ended in the ordinary way, and nobody blocks the I/O loop. Counts
            are no part of it: what was lost once stays counted for ever.
        name: The twin's name.
        run_id: This run's id.
        at: The moment, wall time, ISO 8601.
        simulation: The simulation.
        egresses: Each egress.
        ingresses: Each ingress.
        dead_letters: Each destination of dead letters: its records are letters.
        block: The latest connector found blocking the I/O loop, or None.
    """

    ok: bool
    name: str
    run_id: str
    at: str
    simulation: SimulationHealth
    egresses: list[EgressHealth]
    ingresses: list[IngressHealth]
    dead_letters: list[EgressHealth]
    block: Block | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as dictionaries, lists, text, numbers and None: what ``json.dumps`` takes."""
        return asdict(self)


def is_well(connector: EgressHealth | IngressHealth) -> bool:
    """Return whether a connector is up, or has ended in the ordinary way."""
    return connector.state in ("up", "ended", "closed")


def health_of_sink(sink: Sink) -> EgressHealth:
    """Return how an egress fares. From any thread."""
    outbox = sink.outbox
    return EgressHealth(
        **_of_condition(sink.condition),
        waiting=outbox.waiting,
        lag_seconds=round(outbox.ages.oldest_s(), 3),
        written=sink.written,
        retried=sink.retried,
        set_aside=sink.set_aside,
        dead_lettered=sink.dead_lettered,
        filtered=sink.filtered,
        dropped=outbox.dropped,
        nulled=sink.nulled,
        system_waiting=outbox.system_waiting,
        system_lost=outbox.system_dropped + sink.system_set_aside,
    )


def health_of_source(source: Source) -> IngressHealth:
    """Return how an ingress fares. From any thread."""
    return IngressHealth(
        **_of_condition(source.condition),
        waiting=source.waiting,
        lag_seconds=round(source.oldest_s(), 3),
        received=source.received,
        refused=source.refused,
        dead_lettered=source.dead_lettered,
        reopened=source.reopened,
    )


def _of_condition(condition: Condition) -> dict[str, Any]:
    now, progress_at = monotonic(), condition.progress_at
    age_s = None if progress_at is None else max(0.0, now - progress_at)
    state, reason = condition.state_and_reason
    return {
        "name": condition.name,
        "state": state,
        "reason": reason,
        "state_seconds": round(max(0.0, now - condition.since), 3),
        "last_progress": None if age_s is None else _wall(age_s),
        "last_progress_seconds": None if age_s is None else round(age_s, 3),
        "blocked_seconds": round(condition.blocked_s, 3),
    }


def _wall(age_s: float) -> str:
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() - age_s, UTC).isoformat(timespec="milliseconds")
