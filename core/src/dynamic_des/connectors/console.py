"""Records on the screen."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Literal, TextIO

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import ConfigError, PermanentError, show
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ConsoleEgress"]

_PREFIX = {"telemetry": "[TEL]", "event": "[EVT]", "dead_letter": "[DLQ]"}


class ConsoleEgress(BaseEgress):
    """Prints records to standard output: ``[TEL]`` for telemetry, ``[EVT]`` for events, ``[DLQ]`` for dead letters.

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
    if out is None:
        raise PermanentError("ConsoleEgress: this process has no standard output. Use FileEgress.")
    text = "".join(f"{line}\n" for line in lines)
    try:
        try:
            out.write(text)
        except UnicodeEncodeError:  # a terminal that does not know all of Unicode must not stop what follows
            encoding = out.encoding or "ascii"
            out.write(text.encode(encoding, "backslashreplace").decode(encoding))
        out.flush()
    except BrokenPipeError:
        _forget(out)
        raise PermanentError("ConsoleEgress: whoever read the standard output has gone.") from None
    except ValueError as error:  # closed by the program itself
        raise PermanentError(f"ConsoleEgress: standard output: {error}.") from None


def _forget(out: TextIO) -> None:
    """Point a broken standard output to nowhere, or the interpreter complains at its end about what is left in it.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    if out is sys.__stdout__:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)


def _as_text(record: dict[str, Any]) -> str:
    name = record.get("key", record.get("path_id"))
    return f"{_PREFIX[record['stream_type']]} t={record['sim_ts']:.3f} {name}: {_value(record['value'])}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={_value(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, float):
        return f"{value:.6g}"
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - the model's own objects may raise anything, and must not stop what follows
        return show(value)
