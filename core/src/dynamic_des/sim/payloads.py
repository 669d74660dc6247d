"""The records that leave a twin, as schemas.

The framework itself hands plain dictionaries of this form to the sinks, plus ``seq``; these classes are for
who reads them: validate what a topic delivers, or generate a JSON Schema.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

__all__ = ["BaseStreamPayload", "EventPayload", "TelemetryPayload"]


class BaseStreamPayload(BaseModel):
    """What all records share.

    Attributes:
        stream_type: The nature of the record.
        sim_ts: Simulation time in simulated seconds, not rounded.
        timestamp: ISO 8601: the environment's ``start_datetime`` plus the simulated seconds since then.
            In ``system.*`` records: the wall clock.
        seq: Number of the record among the model's own, 1, 2, 3 …; None in ``system.*`` records.
        sys_seq: Number of the record among the framework's ``system.*`` records; None in the model's.
    """

    stream_type: Literal["telemetry", "event"]
    sim_ts: float
    timestamp: str
    seq: int | None = None
    sys_seq: int | None = None


class TelemetryPayload(BaseStreamPayload):
    """One metric at one time.

    Attributes:
        path_id: Dot path of the metric, such as ``"Line_A.lathe.utilization"``.
        value: The metric's value.
    """

    stream_type: Literal["telemetry"] = "telemetry"
    path_id: str
    value: Any


class EventPayload(BaseStreamPayload):
    """One event in the life of an entity.

    Attributes:
        key: The entity, such as ``"task-001"``; brokers keep the events of one key in order.
        value: The event's details.
    """

    stream_type: Literal["event"] = "event"
    key: str
    value: dict[str, Any]
