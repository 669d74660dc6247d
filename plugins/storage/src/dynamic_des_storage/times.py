"""Times of rows, in all the forms that files have for them, as simulated seconds."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_time", "times_of"]


def is_time(value: Any) -> bool:
    """Return whether a value is simulated seconds."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def times_of(given: Sequence[Any], start: float) -> list[Any]:
    """Return simulated seconds for each; None for None, and what is no time as it is.

    Args:
        given: Numbers of seconds, or moments, which count from the earliest of them; also as text. Moments with a zone
            and such without one have no order: those that are unlike the first are no times.
        start: What they count from, in simulated seconds.
    """
    read = [_number_or_moment(one) for one in given]
    moments = [one for one in read if isinstance(one, datetime)]
    zoned = bool(moments) and moments[0].utcoffset() is not None
    first = min((one for one in moments if (one.utcoffset() is not None) is zoned), default=None)
    times: list[Any] = []
    for raw, one in zip(given, read, strict=True):
        if isinstance(one, datetime) and first is not None and (one.utcoffset() is not None) is zoned:
            one = (one - first).total_seconds()
        times.append(start + one if is_time(one) else raw)
    return times


def _number_or_moment(value: Any) -> Any:
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value


def _read(text: str) -> Any:
    for form in (datetime.fromisoformat, float):
        try:
            return form(text)
        except ValueError:
            continue
    return None
