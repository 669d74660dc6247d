"""Records on the screen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, TextIO

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import ConfigError, PermanentError, show
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ConsoleEgress"]

_PREFIX = {"telemetry": "[TEL]", "event": "[EVT]"}


class ConsoleEgress(BaseEgress):
    """Prints records to standard output: ``[TEL]`` for telemetry, ``[EVT]`` for events.

    Args:
        format: ``"text"`` for people, ``"json"`` for one JSON document a line, of the whole record.
        system: Whether the framework's own ``system.*`` records are printed too.
    """

    def __init__(self, format: Literal["text", "json"] = "text", *, system: bool = True) -> None:  # noqa: A002
        if format not in ("text", "json"):
            raise ConfigError(f"ConsoleEgress: format is {show(format)}. Give 'text' or 'json'.")
        self._json = JsonSerializer() if format == "json" else None
        self._system = system

    def write(self, batch: Batch) -> None:  # type: ignore[override]  # plain: a pipe that is full may block
        """Print the batch and flush it."""
        if batch.system and not self._system:
            return
        out = sys.stdout  # looked up at each write: tests and notebooks replace it
        lines = self._as_json(batch) if self._json else map(_as_text, batch)
        _print(out, lines)

    def _as_json(self, batch: Batch) -> Iterable[str]:
        assert self._json is not None
        return [line.decode() for line in batch.encode(self._json) if line is not None]


def _print(out: TextIO | None, lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    if out is None:
        raise PermanentError("ConsoleEgress: this process has no standard output. Use another egress.")
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        raise PermanentError("nobody reads standard output any more") from None


def _as_text(record: dict[str, Any]) -> str:
    name = record.get("key", record.get("path_id"))
    return f"{_PREFIX[record['stream_type']]} t={record['sim_ts']:.3f} {name}: {_value(record['value'])}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={_value(item)}" for key, item in value.items() if item is not None)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
