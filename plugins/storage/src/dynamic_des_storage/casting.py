"""One value as a field's type wants it, without loss; or the reason why not."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
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
        zoned = kind.tz is not None
        return all(value is None or (value.utcoffset() is not None) is zoned for value in values)
    return True


def cast(kind: pa.DataType, value: Any) -> Any:
    """Return a value that Arrow can hold in this type.

    Raises:
        CastError: If that is not possible without changing what it says.
    """
    value = plain(value)
    if isinstance(value, Enum):
        value = value.value
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
    if isinstance(value, (float, Decimal)) and made != value:
        _refuse()
    return made


def _float(_: pa.DataType, value: Any) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        _refuse()
    made = float(value)
    if isinstance(value, int) and int(made) != value:
        _refuse()
    return made


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
    return made


def _date(_: pa.DataType, value: Any) -> date:
    made = date.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(made, datetime):
        if made.time() != time():
            _refuse()
        return made.date()
    return made if isinstance(made, date) else _refuse()


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
    pa.binary().id: _bytes,
    pa.decimal128(1).id: _decimal,
    pa.decimal256(1).id: _decimal,
}
