"""Any value as JSON, so that it comes back as it was: what JSON has no form for carries the name of its type.

``(1, 2)`` becomes ``{"$": "tuple", "of": [1, 2]}``. A value whose type is unknown here is written as its repr, to be
read by people; to read it back is `NotRepeatableError`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dynamic_des.errors import DynamicDesError, show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NotRepeatableError", "from_json", "to_json"]

_TAG, _OF = "$", "of"
_UNKNOWN = "unknown"
_DEPTH = 100  # of nests; what JSON and Python read back from any depth of the stack
_BITS = 2000  # longer integers are written in hexadecimal, which Python reads at any length
_TEXT = 1000  # characters of a repr
_SCALARS = frozenset((bool, float, type(None)))
_NUMBERS = "biuf"  # kinds of numpy types that are numbers or flags
_LONGEST = 8  # bytes of those that Python's own numbers hold exactly


class NotRepeatableError(DynamicDesError, ValueError):
    """A value was written as its repr only, and cannot be read back."""


class _Unknown(Exception):  # noqa: N818 - the answer to a question
    """There is no form for this value."""


def to_json(value: Any) -> Any:
    """Return ``value`` as what Python's ``json`` writes as valid UTF-8: a copy, in its own form or tagged.

    Never raises. Subclasses of Python's types, and objects of other types, are written as their repr.
    """
    try:
        return _tagged(value, ())
    except Exception:  # noqa: BLE001 - it may be any object
        return _unknown(value)


def from_json(form: Any) -> Any:
    """Return the value that `to_json` was given.

    Raises:
        NotRepeatableError: If the value, or a part of it, was written as its repr.
        ValueError: If ``form`` is none that `to_json` returns.
    """
    try:
        return _value(form)
    except NotRepeatableError:
        raise
    except Exception as error:
        raise ValueError(f"{show(form)} is not the form of a value") from error


def _tagged(value: Any, outer: tuple[int, ...]) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is str:
        return _text(value)
    if kind is int:
        return value if value.bit_length() <= _BITS else _as("int", hex(value))
    if kind in (list, dict, tuple, set, frozenset):
        if id(value) in outer or len(outer) >= _DEPTH:
            return _unknown(value)
        return _container(kind, value, (*outer, id(value)))
    if kind in _WRITERS:
        try:
            return _as(kind.__name__, _WRITERS[kind](value))
        except _Unknown:
            return _unknown(value)
    if kind.__module__ == "numpy" and hasattr(value, "dtype"):
        return _array(value)
    return _unknown(value)


def _container(kind: type, value: Any, outer: tuple[int, ...]) -> Any:
    if kind is not dict:
        items = [_tagged(item, outer) for item in value]
        if kind in (set, frozenset):
            items.sort(key=repr)  # their order is another in every process
        return items if kind is list else _as(kind.__name__, items)
    pairs = [(_tagged(key, outer), _tagged(item, outer)) for key, item in value.items()]
    if all(type(key) is str for key, _ in pairs) and _TAG not in value:
        return dict(pairs)
    return _as("dict", [list(pair) for pair in pairs])


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:  # halves of surrogate pairs
        return _as("str", [ord(letter) for letter in value])
    return value


def _array(value: Any) -> Any:
    dtype = value.dtype
    if dtype.hasobject or dtype.fields is not None:
        return _unknown(value)
    if dtype.kind in _NUMBERS and dtype.itemsize <= _LONGEST:
        items = value.tolist()
    else:
        items = {"base64": b64encode(value.tobytes()).decode()}
    return {_TAG: "numpy", "dtype": dtype.str, "shape": list(value.shape), "scalar": not _is_array(value), _OF: items}


def _is_array(value: Any) -> bool:
    return type(value).__name__ == "ndarray"


def _moment(value: datetime) -> list[Any]:
    zone = value.tzinfo
    if zone is not None and type(zone) is not timezone and not (isinstance(zone, ZoneInfo) and zone.key):
        raise _Unknown
    return [value.isoformat(), zone.key if isinstance(zone, ZoneInfo) else None, value.fold]


def _time(value: time) -> list[Any]:
    if value.tzinfo is not None and type(value.tzinfo) is not timezone:
        raise _Unknown
    return [value.isoformat(), value.fold]


def _as(name: str, form: Any) -> dict[str, Any]:
    return {_TAG: name, _OF: form}


def _unknown(value: Any) -> dict[str, Any]:
    text = show(value, _TEXT).encode("utf-8", "backslashreplace").decode()
    return {_TAG: _UNKNOWN, "type": type(value).__qualname__, _OF: text}


_WRITERS: dict[type, Callable[[Any], Any]] = {
    bytes: lambda value: b64encode(value).decode(),
    bytearray: lambda value: b64encode(value).decode(),
    complex: lambda value: [value.real, value.imag],
    range: lambda value: [to_json(part) for part in (value.start, value.stop, value.step)],
    Decimal: str,
    Fraction: lambda value: [hex(value.numerator), hex(value.denominator)],
    UUID: str,
    date: date.isoformat,
    datetime: _moment,
    time: _time,
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
}


def _value(form: Any) -> Any:
    if type(form) is list:
        return [_value(item) for item in form]
    if type(form) is not dict:
        return form
    if _TAG not in form:
        return {key: _value(item) for key, item in form.items()}
    name, inner = form[_TAG], form[_OF]
    if name == _UNKNOWN:
        raise NotRepeatableError(f"{inner} (of type {form['type']})")
    if name == "dict":
        return {_value(key): _value(item) for key, item in inner}
    if name == "numpy":
        return _numpy(form)
    return _READERS[name](inner)


def _numpy(form: dict[str, Any]) -> Any:
    import numpy as np  # which the original had

    inner, dtype = form[_OF], np.dtype(form["dtype"])
    if isinstance(inner, dict):
        array = np.frombuffer(b64decode(inner["base64"]), dtype).reshape(form["shape"]).copy()
    else:
        array = np.array(inner, dtype).reshape(form["shape"])
    return array[()] if form["scalar"] else array


def _read_moment(form: list[Any]) -> datetime:
    text, zone, fold = form
    moment = datetime.fromisoformat(text)
    if zone is not None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.replace(fold=fold)


_READERS: dict[str, Callable[[Any], Any]] = {
    "str": lambda form: "".join(map(chr, form)),
    "int": lambda form: int(form, 16),
    "tuple": lambda form: tuple(map(_value, form)),
    "set": lambda form: set(map(_value, form)),
    "frozenset": lambda form: frozenset(map(_value, form)),
    "bytes": b64decode,
    "bytearray": lambda form: bytearray(b64decode(form)),
    "complex": lambda form: complex(*form),
    "range": lambda form: range(*map(_value, form)),
    "Decimal": Decimal,
    "Fraction": lambda form: Fraction(int(form[0], 16), int(form[1], 16)),
    "UUID": UUID,
    "date": date.fromisoformat,
    "datetime": _read_moment,
    "time": lambda form: time.fromisoformat(form[0]).replace(fold=form[1]),
    "timedelta": lambda form: timedelta(*form),
}
