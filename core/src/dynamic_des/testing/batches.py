"""Batches and runs as core makes them, for tests that call a connector directly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dynamic_des.columns import RecordColumns
from dynamic_des.egress import Batch
from dynamic_des.messages import RunInfo
from dynamic_des.sim.records import record_builder, system_payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["START", "make_batch", "make_run"]

START = datetime(2026, 1, 1, tzinfo=UTC)


def make_batch(values: Iterable[Any], first_seq: int = 1, *, system: bool = False) -> Batch:
    """Return a batch of one event for each value, as core hands it to ``write``.

    Args:
        values: The values, oldest first; the record with ``seq`` n has the key ``"part-n"`` and the time n seconds.
        first_seq: ``seq`` of the first one.
        system: Make ``system.*`` records instead, which have a ``sys_seq`` and a ``path_id``.
    """
    numbered = list(enumerate(values, first_seq))
    if system:
        raw: list[Any] = [(seq, float(seq), START, "system.contract", value) for seq, value in numbered]
        return Batch(raw, system_payload, system=True)
    records = RecordColumns([(seq, float(seq), True, f"part-{seq}", value) for seq, value in numbered])
    return Batch(records, record_builder(START, 0.0))


def make_run(name: str = "contract", positions: Mapping[str, Any] | None = None) -> RunInfo:
    """Return what a connector is told when it is opened.

    Args:
        name: The twin's name.
        positions: For an ingress: where the run goes on.
    """
    return RunInfo(name, f"run-of-{name}", START, seed=1, positions=dict(positions or {}))
