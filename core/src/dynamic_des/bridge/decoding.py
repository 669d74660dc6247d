"""From what an ingress yielded to a change: the wire forms, in one place for all connectors."""

from __future__ import annotations

from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import DecodeError, PermanentError, UnavailableError, nearest, show, told
from dynamic_des.messages import Change, Message

if TYPE_CHECKING:
    from dynamic_des.serializers import MessageDeserializer

__all__ = ["MAX_MESSAGE_BYTES", "as_message", "decode", "place_of", "to_change"]

MAX_MESSAGE_BYTES = 1 << 20
_PATH_KEYS = ("path_id", "path", "param_path")
_VALUE_KEYS = ("value", "param_value")
_FORM = 'Send {"path": …, "value": …}, a list of them, or {"changes": […]}; "at" and "id" are optional.'


def as_message(item: Any) -> tuple[Message, str | None]:
    """Return what an ingress yielded as a message, and what is wrong with it as such."""
    if not issubclass(type(item), Message):  # isinstance asks the object, and any object may have been yielded
        return Message(item), None
    if type(item) is Message and type(item.position) is dict and type(item.info) is dict:
        return Message(item.payload, item.position.copy(), item.info), None  # an ingress may keep one, and change it
    kept: dict[str, dict[str, Any]] = {"position": {}, "info": {}}
    wrong = None
    for name in kept:
        try:
            kept[name] = dict(getattr(item, name))
        except Exception:  # noqa: BLE001 - it may be any object, and must not stall what follows
            wrong = f"the {name} of this message is {_shown(item, name)}, not a dictionary. Mend the ingress."
    return Message(item.payload, **kept), wrong


def _shown(item: Any, name: str) -> str:
    try:
        return show(getattr(item, name))
    except Exception as error:  # noqa: BLE001 - the same
        return f"not to be had ({told(error)})"


def place_of(source: str, message: Message | Change) -> str:
    """Return where a message comes from, for the texts of errors: ``"control (topic t, offset 17)"``."""
    parts = [f"{_word(key)} {_word(value)}" for key, value in message.info.items() if key != "headers"]
    return f"{source} ({', '.join(parts)})" if parts else source


def decode(payload: bytes | str, deserializer: MessageDeserializer, topic: str, limit: int = MAX_MESSAGE_BYTES) -> Any:
    """Return what ``payload`` holds.

    Raises:
        DecodeError: If it is larger than ``limit`` bytes, or the deserializer refuses it.
        UnavailableError: If the deserializer cannot reach what it needs.
        PermanentError: If the deserializer says that it never will.
    """
    if len(payload) > limit:
        raise DecodeError(f"the message has {len(payload)} bytes; {limit} are allowed. Raise max_message_bytes.")
    try:
        raw = payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else payload
        return deserializer.deserialize(topic, raw)
    except (DecodeError, PermanentError, UnavailableError):
        raise
    except Exception as error:
        raise DecodeError(f"{type(deserializer).__name__}: {told(error)}") from error


def to_change(data: Any, message: Message, source: str) -> Change:
    """Return the change that decoded ``data`` asks for.

    Args:
        data: ``(path, value)``, a dictionary in one of the wire forms, or a list of them.
        message: What it came in.
        source: Name of the ingress.

    Raises:
        DecodeError: If it is none of these; says what was found.
    """
    at: float | None = None
    ref: str | None = None
    if isinstance(data, tuple):
        updates = [_pair(data)]
    elif isinstance(data, dict) and "changes" in data:
        items = data["changes"]
        if not isinstance(items, list) or not items:
            raise DecodeError(f'"changes" is {show(items)}, not a list of changes. {_FORM}')
        updates = [_update(item) for item in items]
        at, ref = _extras([data, *items])
    elif isinstance(data, dict):
        updates = [_update(data)]
        at, ref = _extras([data])
    elif isinstance(data, list) and data:
        updates = [_update(item) for item in data]
        at, ref = _extras(data)
    else:
        raise DecodeError(f"{show(data)} is not a change. {_FORM}")
    return Change(tuple(updates), at, ref, source, message.position, message.info)


def _word(value: Any) -> str:
    return value[:200] if type(value) is str else show(value)


def _pair(data: tuple[Any, ...]) -> tuple[str, Any]:
    if len(data) != 2:
        raise DecodeError(f"{show(data)} has {len(data)} parts. Put (path, value), or a dictionary. {_FORM}")
    return _path(data[0]), data[1]


def _update(item: Any) -> tuple[str, Any]:
    if isinstance(item, tuple):
        return _pair(item)
    if not isinstance(item, dict):
        raise DecodeError(f"{show(item)} is not a change. {_FORM}")
    path = next((item[key] for key in _PATH_KEYS if key in item), None)
    if path is None:
        hint = next(filter(None, (nearest(key, _PATH_KEYS) for key in islice(item, 8))), "")
        raise DecodeError(f"{show(item)} names no path.{hint} {_FORM}")
    for key in _VALUE_KEYS:
        if key in item:
            return _path(path), item[key]
    raise DecodeError(f"{show(item)} has no value. {_FORM}")


def _path(path: Any) -> str:
    if not isinstance(path, str) or not path:
        raise DecodeError(f"the path {show(path)} is not text. {_FORM}")
    return path


def _extras(items: list[Any]) -> tuple[float | None, str | None]:
    """Return the simulation time and the reference of a change, wherever in it they stand."""
    times = {_time(item["at"]) for item in items if isinstance(item, dict) and item.get("at") is not None}
    if len(times) > 1:
        raise DecodeError(f'one change has several times "at": {sorted(times)}. Send one message for each time.')
    refs = [item["id"] for item in items if isinstance(item, dict) and item.get("id") is not None]
    if refs and not isinstance(refs[0], (str, int)):
        raise DecodeError(f'the "id" {show(refs[0])} is neither text nor a whole number.')
    return (times.pop() if times else None), (str(refs[0]) if refs else None)


def _time(at: Any) -> float:
    try:
        good = isinstance(at, (int, float)) and not isinstance(at, bool) and isfinite(at)
    except OverflowError:  # an integer beyond all floats
        good = False
    if not good:
        raise DecodeError(f'the time "at" {show(at)} is not a finite number of simulated seconds.')
    return at  # type: ignore[no-any-return]
