"""How long to wait before trying again."""

from __future__ import annotations

from tenacity import RetryCallState, Retrying, wait_exponential, wait_random

__all__ = ["Backoff"]


class Backoff:
    """Exponential pauses with jitter: 0.1 s, 0.2 s, 0.4 s … up to 10 s, each plus up to 0.1 s."""

    def __init__(self, initial_s: float = 0.1, max_s: float = 10.0) -> None:
        self._wait = wait_exponential(multiplier=initial_s, max=max_s) + wait_random(0, initial_s)
        self.failures = 0

    def failed(self) -> float:
        """Note a failure and return the pause before the next attempt, in seconds."""
        self.failures += 1
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = self.failures
        return self._wait(state)

    def succeeded(self) -> None:
        """Start over at the next failure."""
        self.failures = 0
