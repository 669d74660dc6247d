"""What a dead letter holds: a message that was refused, or a record that can never be written."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from dynamic_des.egress import BaseEgress
from dynamic_des.errors import ConfigError, show
from dynamic_des.serializers import JsonSerializer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.messages import Message

__all__ = ["Destination", "Letter", "check_destination", "of_message", "of_record"]

Destination = str | Path | BaseEgress

_DEPTH = 50  # deeper nests are shown as text
_TEXT = 10_000  # characters of what has no other form than its repr
_JSON = JsonSerializer()


@dataclass(slots=True)
class Letter:
    """One dead letter on its way.

    Attributes:
        name: The connector that it comes from.
        sim_ts: Simulation time at which the message was refused, or of the record.
        value: Makes what it holds: called where there is time for it, not in the simulation thread.
        size: About how many bytes it keeps in memory.
        told: Called once on the I/O loop: with None when the letter is written, with the reason when it never will be.
        wall: When it became one.
        seq: Its number among the letters of its destination, from 1.
    """

    name: str
    sim_ts: float
    value: Callable[[], dict[str, Any]]
    size: int
    told: Callable[[str | None], None]
    wall: datetime = field(default_factory=lambda: datetime.now(UTC))
    seq: int = 0

    def payload(self) -> dict[str, Any]:
        """Return the letter as a record."""
        return {
            "stream_type": "dead_letter",
            "sim_ts": self.sim_ts,
            "timestamp": self.wall.isoformat(timespec="microseconds"),
            "key": self.name,
            "value": self.value(),
            "seq": self.seq,
        }


def of_message(
    name: str, message: Message, reason: str | None, *, sim_ts: float, told: Callable[[str | None], None]
) -> Letter:
    """Return the letter for a message that ingress ``name`` brought and that was refused."""

    def value() -> dict[str, Any]:
        text, encoding = _as_received(message.payload)
        return {
            "source": name,
            "reason": reason,
            "payload": text,
            "encoding": encoding,
            "position": _plain(message.position),
            "info": _plain(message.info),
        }

    return Letter(name, sim_ts, value, _size(message.payload), told)


def of_record(name: str, record: dict[str, Any], reason: str, told: Callable[[str | None], None]) -> Letter:
    """Return the letter for a record that egress ``name`` can never write."""
    return Letter(
        name, record["sim_ts"], lambda: {"sink": name, "reason": reason, "record": _plain(record)}, 1000, told
    )


def check_destination(where: str, given: object) -> None:
    """Check what was given as ``dead_letters``.

    Raises:
        ConfigError: If it is neither the path of a file nor an egress.
    """
    remedy = "Give the path of a file, or an egress."
    if not isinstance(given, (str, Path, BaseEgress)) or given == "":
        raise ConfigError(f"{where}: dead_letters is {show(given)}. {remedy}")
    if isinstance(given, (str, Path)) and Path(given).is_dir():
        raise ConfigError(f"{where}: dead_letters is {show(str(given))}, which is a folder. {remedy}")


def _as_received(payload: Any) -> tuple[str, str]:
    """Return a payload as text, and in which form: as UTF-8 or base64 what was bytes, else as JSON, else its repr."""
    try:
        if isinstance(payload, str):
            payload = payload.encode("utf-8", "surrogatepass")
        if isinstance(payload, (bytes, bytearray)):
            return _text(bytes(payload))
        if isinstance(payload, tuple) and len(payload) == 2 and isinstance(payload[0], str):
            payload = {"path": payload[0], "value": payload[1]}  # which every ingress understands
        return _JSON.serialize("", payload).decode(), "json"
    except Exception:  # noqa: BLE001 - it may be any object, and is refused already
        return show(payload, _TEXT), "repr"


def _size(payload: Any) -> int:
    # not isinstance, which asks the object: this runs in the simulation thread, which must not fail for a message
    return len(payload) if type(payload) in (bytes, bytearray, str) else 1000


def _text(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return b64encode(raw).decode("ascii"), "base64"


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a value as what JSON has, text in place of what JSON has not: a letter must never be refused itself."""
    try:
        if value is None or type(value) in (bool, int, str):
            return value if type(value) is not str else value.encode("utf-8", "backslashreplace").decode()
        if type(value) is float:
            return value if isfinite(value) else repr(value)
        if depth < _DEPTH:
            if isinstance(value, dict):
                return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
            if isinstance(value, (list, tuple)):
                return [_plain(item, depth + 1) for item in value]
        if isinstance(value, (bytes, bytearray)):
            text, encoding = _text(bytes(value))
            return text if encoding == "utf-8" else {"base64": text}
        return orjson.loads(_JSON.serialize("", value)) if depth < _DEPTH else show(value, _TEXT)
    except Exception:  # noqa: BLE001 - the same: the model's own objects may raise anything
        return show(value, _TEXT)


def _key(key: Any) -> str:
    plain = _plain(key, _DEPTH)
    return plain if isinstance(plain, str) else show(plain)
