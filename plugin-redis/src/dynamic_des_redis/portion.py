"""How many entries to ask for at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Portion"]


class Portion:
    """Few after an answer that was too long to come in time, then slowly more again.

    Attributes:
        size: How many.
    """

    largest = 1000

    def __init__(self) -> None:
        self.size = self.largest

    @contextmanager
    def asked(self) -> Iterator[int]:
        """Give the size, and see what becomes of the question."""
        try:
            yield self.size
        except RedisTimeoutError:
            self.size = max(1, self.size // 10)
            raise
        self.size = min(self.largest, self.size + 1 + self.size // 10)  # slowly: a history begins anew each time
