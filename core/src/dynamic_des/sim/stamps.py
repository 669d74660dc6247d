"""Points in simulation time as time stamps."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Moments = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["expect_many", "moments_of", "stamp", "stamps_of", "stamps_one_by_one"]

_NUMBERS = frozenset((int, float))
_CALENDAR_S = 4e11  # more than all years of the calendar, in seconds
_WORTH_NUMPY = 100_000  # different times: fewer are told one by one before it would be imported
_DIGITS = len("2026-01-01T00:00:00.000000")


def stamp(start: datetime, seconds: float) -> str:
    """Return ``start`` plus ``seconds`` as ISO 8601, with microseconds; the last representable time beyond it."""
    try:
        moment = start + timedelta(seconds=float(seconds))
    except (OverflowError, ValueError):
        moment = datetime.max.replace(tzinfo=start.tzinfo)
    return moment.isoformat(timespec="microseconds")


def expect_many(moments: int) -> bool:
    """Import numpy if so many different times are worth a tenth of a second; return whether they are."""
    if moments < _WORTH_NUMPY:
        return False
    import numpy as np  # noqa: F401 - not for a small run, and not in a loop that others wait for

    return True


def stamps_one_by_one(start: datetime, times: Sequence[Any], initial_time: float) -> list[str]:
    """Return what `stamp` does for each time; records that follow each other often have the same."""
    texts: list[str] = []
    known: Any = None
    text = ""
    for now in times:
        if now != known:
            known, text = now, stamp(start, now - initial_time)
        texts.append(text)
    return texts


def stamps_of(start: datetime, times: Sequence[Any], initial_time: float) -> list[str] | None:
    """Return what `stamp` would for each time, all at once; None where only it can tell.

    That is: for times which are no plain numbers, for those beyond the calendar, and for a start whose offset from
    UTC depends on the date; and where numpy is not imported (see `expect_many`).
    """
    moments = moments_of(start, times, initial_time)
    if moments is None or not len(moments):
        return None if moments is None else []
    offset = start.isoformat(timespec="microseconds")[_DIGITS:]
    full = f".000000{offset}"  # what is left out where it is zero
    return [text + offset if len(text) == _DIGITS else text + full for text in _texts(moments)]


def _texts(moments: Moments) -> list[str]:
    """Return points in time as ISO 8601, with microseconds where they are not zero."""
    import orjson  # here: importing this module is to cost nothing

    try:
        return orjson.dumps(moments, None, orjson.OPT_SERIALIZE_NUMPY).decode()[2:-2].split('","')
    except orjson.JSONEncodeError:  # the last year of the calendar
        import numpy as np

        texts: list[str] = np.datetime_as_string(moments).tolist()
        return texts


def moments_of(start: datetime, times: Sequence[Any], initial_time: float) -> Moments | None:
    """Return the points in time of `stamps_of`, in the zone of the start."""
    if type(start.tzinfo) is not timezone or not _NUMBERS.issuperset(map(type, times)):
        return None
    if "numpy" not in sys.modules:
        return None
    import numpy as np  # which may be being imported just now: this waits for it

    try:
        now = np.array(times, dtype=np.float64)
    except OverflowError:  # an integer beyond all floats
        return None
    seconds = now - initial_time
    if not ((np.abs(now) < _CALENDAR_S) & (np.abs(seconds) < _CALENDAR_S)).all():
        return None
    whole = np.trunc(seconds)
    micros = whole.astype(np.int64) * 1_000_000 + np.rint((seconds - whole) * 1e6).astype(np.int64)
    moments: Moments = np.datetime64(start.replace(tzinfo=None), "us") + micros.astype("timedelta64[us]")
    first, last = np.datetime64(datetime.min, "us"), np.datetime64(datetime.max, "us")
    if len(moments) and (moments.min() < first or moments.max() > last):
        return None
    return moments
