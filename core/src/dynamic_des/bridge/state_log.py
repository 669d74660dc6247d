"""What a connector says in the log: enough to know how it fares, never a line for each record."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger

__all__ = ["StateLog"]

_BURST = 5
_EVERY_S = 60.0


class StateLog:
    """Lines in the log about one connector: five at once, and one a minute from then on.

    What is held back is counted, and said with the next line.

    Args:
        log: Where the lines go.
        subject: What every line begins with, such as ``"egress kafka"``.
        wall: Returns the wall time, in monotonic seconds.
    """

    def __init__(self, log: Logger, subject: str, wall: Callable[[], float] = monotonic) -> None:
        self._log = log
        self._subject = subject
        self._wall = wall
        self._lines_left = float(_BURST)
        self._counted_at = wall()
        self._held_back = 0

    @property
    def has_room(self) -> bool:
        """Whether the next line would be said."""
        now = self._wall()
        self._lines_left = min(_BURST, self._lines_left + (now - self._counted_at) / _EVERY_S)
        self._counted_at = now
        return self._lines_left >= 1

    def say(self, level: int, text: str) -> bool:
        """Say something if it is not too much by now; return whether it was said."""
        if not self.has_room:
            self._held_back += 1
            return False
        self._lines_left -= 1
        held_back, self._held_back = self._held_back, 0
        more = f" (after {held_back} lines about it that were held back)" if held_back else ""
        self._log.log(level, "%s: %s%s", self._subject, text, more)
        return True
