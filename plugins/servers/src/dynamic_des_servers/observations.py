"""Observed durations: their sums for ever, the latest of them for percentiles."""

from __future__ import annotations

from collections import deque

from dynamic_des.errors import ParameterError, show

__all__ = ["Observations"]


class Observations:
    """The service times and waits of requests that are finished.

    Args:
        history: How many of the latest are kept for percentiles: 0 keeps none, None all of them (8 bytes and a
            float object each).

    Attributes:
        count: How many there were, whether kept or not.
        total: Sum of their service times.
        waited: Sum of their waits.
    """

    def __init__(self, history: int | None, where: str) -> None:
        if history is not None and (not isinstance(history, int) or isinstance(history, bool) or history < 0):
            raise ParameterError(
                f"{where}: history is {show(history)}. Give a whole number, 0 or more, or None for all."
            )
        self.count = 0
        self.total = 0.0
        self.waited = 0.0
        self._latest: deque[float] = deque(maxlen=history)

    def add(self, duration: float, waited: float) -> None:
        """Take one more."""
        self.count += 1
        self.total += duration
        self.waited += waited
        self._latest.append(duration)

    @property
    def average(self) -> float:
        """Mean service time; 0 when there was none."""
        return self.total / self.count if self.count else 0.0

    @property
    def average_wait(self) -> float:
        """Mean wait; 0 when there was none."""
        return self.waited / self.count if self.count else 0.0

    def percentile(self, percentile: float) -> float:
        """Return a percentile of the service times kept; 0 without any.

        Interpolated linearly at ``percentile * (n - 1)`` of those in ascending order, as numpy does by default. It
        sorts what is kept: its cost is bounded by ``history``, whatever the run's length.

        Raises:
            ParameterError: (a ValueError) If ``percentile`` is not between 0 and 1.
        """
        if not 0 <= percentile <= 1:
            raise ParameterError(f"percentile: {show(percentile)} is not between 0 and 1. For p99 give 0.99.")
        if not self._latest:
            return 0.0
        ordered = sorted(self._latest)
        place = percentile * (len(ordered) - 1)
        below = int(place)
        low = ordered[below]
        if place == below:
            return low
        return low + (ordered[below + 1] - low) * (place - below)
