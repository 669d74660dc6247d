"""How long to wait before trying again."""

from __future__ import annotations

from random import Random

__all__ = ["Backoff"]


class Backoff:
    """Exponential pauses with jitter: 0.1 s, 0.2 s, 0.4 s … up to 10 s, each plus up to 0.1 s."""

    # a generator of its own: the module's functions belong to the model, which may have seeded them
    _random = Random()  # noqa: S311 - not for cryptography

    def __init__(self, initial_s: float = 0.1, max_s: float = 10.0) -> None:
        self._initial_s = initial_s
        self._max_s = max_s
        self.failures = 0

    def failed(self) -> float:
        """Note a failure and return the pause before the next attempt, in seconds."""
        doublings = min(self.failures, 64)
        self.failures += 1
        return min(self._initial_s * 2.0**doublings + self._random.uniform(0, self._initial_s), self._max_s)

    def succeeded(self) -> None:
        """Start over at the next failure."""
        self.failures = 0
