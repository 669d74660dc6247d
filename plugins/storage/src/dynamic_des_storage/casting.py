"""One value as a field's type wants it, without loss; or the reason why not."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dynamic_des import JsonSerializer
from dynamic_des.errors import show
from dynamic_des_storage.inference import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CastError", "as_json", "cast", "fits"]

_json = JsonSerializer().serialize


class CastError(ValueError):
    """A value cannot be cast to the type of its field."""


def as_json(value: Any) -> str:
    """Return a value as a JSON document."""
    try:
        return _json("", value).decode()
    except ValueError as error:
        raise CastError(str(error)) from error


def fits(kind: pa.DataType, values: Sequence[Any]) -> bool:
    """Return whether Arrow itself takes all values for what they are.

    Asked before it is given them: Arrow cuts 2.5 to 2, takes True for 1.0, and a time without a zone for UTC.
    """
    allowed = _TAKEN.get(kind.id)
    if allowed is None or not allowed.issuperset(map(type, values)):
        return False
    if kind.id == pa.lib.Type_TIMESTAMP:
        zoned, step = kind.tz is not None, _STEPS.get(kind.unit, 1)
        return all(
            value is None or ((value.utcoffset() is not None) is zoned and value.microsecond % step == 0)
            for value in values
        )
    if kind.id == pa.lib.Type_TIME64:
        return all(value is None or value.tzinfo is None for value in values)
    return True


def cast(kind: pa.DataType, value: Any) -> Any:
    """Return a value that Arrow can hold in this type.

    Raises:
        CastError: If that is not possible without changing what it says.
    """
    value = plain(value)
    if value is None:
        return None
    try:
        made = _CASTS.get(kind.id, _other)(kind, value)
        pa.scalar(made, kind)
    except (ValueError, TypeError, OverflowError, ArithmeticError, pa.ArrowException) as error:
        reason = f" ({error})" if isinstance(error, (UnicodeError, CastError)) else ""
        raise CastError(f"{show(value)} is no {kind}{reason}") from error
    return made


def _refuse(*_: Any) -> Any:
    raise TypeError


def _whole(_: pa.DataType, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        _refuse()
    made = int(value)
    if (isinstance(value, (float, Decimal)) and made != value) or (isinstance(value, str) and "_" in value):
        _refuse()
    return made


def _float(_: pa.DataType, value: Any) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        _refuse()
    made = float(value)
    if not (_is_exact(value, made) if math.isfinite(made) else _says_so(value)):
        _refuse()
    return made


def _is_exact(value: Any, made: float) -> bool:
    """Return whether a double says what a value said: 0.1 is the double nearest to it."""
    if isinstance(value, float):
        return True
    if isinstance(value, int):
        return int(made) == value
    if isinstance(value, str) and "_" in value:  # which is Python, and no number elsewhere
        return False
    return Decimal(value) in (Decimal(repr(made)), Decimal(made))


def _says_so(value: Any) -> bool:
    """Return whether what became infinite, or no number, was that before."""
    if isinstance(value, str):
        return value.strip().lower().lstrip("+-") in ("nan", "inf", "infinity")
    return not math.isfinite(value)


def _text(_: pa.DataType, value: Any) -> str:
    if isinstance(value, str):
        value.encode()  # half of a surrogate pair has no place in a file
        return value
    text = as_json(value)
    return text[1:-1] if text.startswith('"') and "\\" not in text else text


def _flag(_: pa.DataType, value: Any) -> bool:
    return value if isinstance(value, bool) else _refuse()


def _moment(kind: pa.DataType, value: Any) -> datetime:
    made = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(made, datetime) or (made.utcoffset() is not None) is not (kind.tz is not None):
        _refuse()
    return made if made.microsecond % _STEPS.get(kind.unit, 1) == 0 else _refuse()


def _date(_: pa.DataType, value: Any) -> date:
    made = date.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(made, datetime):
        if made.time() != time():
            _refuse()
        return made.date()
    return made if isinstance(made, date) else _refuse()


def _clock(_: pa.DataType, value: Any) -> time:
    made = time.fromisoformat(value) if isinstance(value, str) else value
    return made if isinstance(made, time) and made.tzinfo is None else _refuse()


def _bytes(_: pa.DataType, value: Any) -> bytes:
    return value if isinstance(value, bytes) else _refuse()


def _decimal(_: pa.DataType, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        _refuse()
    if isinstance(value, float) and not math.isfinite(value):
        _refuse()
    return Decimal(str(value))


def _other(_: pa.DataType, value: Any) -> Any:
    return value


_INTEGERS = (
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
)  # fmt: skip
_NONE = type(None)
_STEPS = {"s": 1_000_000, "ms": 1000}  # microseconds, of which the unit has no part
_TAKEN: dict[int, frozenset[type]] = {
    **{kind.id: frozenset((int, _NONE)) for kind in _INTEGERS},
    pa.float64().id: frozenset((float, int, _NONE)),
    pa.bool_().id: frozenset((bool, _NONE)),
    pa.string().id: frozenset((str, _NONE)),
    pa.large_string().id: frozenset((str, _NONE)),
    pa.binary().id: frozenset((bytes, _NONE)),
    pa.date32().id: frozenset((date, _NONE)),
    pa.time64("us").id: frozenset((time, _NONE)),
    pa.timestamp("us").id: frozenset((datetime, _NONE)),
}
_CASTS: dict[int, Callable[[pa.DataType, Any], Any]] = {
    **{kind.id: _whole for kind in _INTEGERS},
    pa.float64().id: _float,
    pa.float32().id: _float,
    pa.string().id: _text,
    pa.large_string().id: _text,
    pa.bool_().id: _flag,
    pa.timestamp("us").id: _moment,
    pa.date32().id: _date,
    pa.time64("us").id: _clock,
    pa.binary().id: _bytes,
    pa.decimal128(1).id: _decimal,
    pa.decimal256(1).id: _decimal,
}
