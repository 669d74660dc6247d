"""How many messages to ask a server for at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Portion"]


class Portion:
    """Few after an answer that was too long to come in time, then slowly more again.

    For connectors that ask again after a time-out: the same question would be too long again, for ever.

    Args:
        largest: How many at most.
        timed_out: What a client raises when the answer did not come in time.

    Attributes:
        size: How many.
    """

    def __init__(self, largest: int, timed_out: type[Exception] = TimeoutError) -> None:
        self.size = self._largest = largest
        self._timed_out = timed_out

    @contextmanager
    def asked(self) -> Iterator[int]:
        """Give the size, and see what becomes of the question."""
        try:
            yield self.size
        except self._timed_out:
            self.size = max(1, self.size // 10)
            raise
        self.size = min(self._largest, self.size + 1 + self.size // 10)  # slowly: a history begins anew each time
