"""What a registry answered, so that it is asked only once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from dynamic_des.errors import DecodeError, EncodeError

__all__ = ["Remembered"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_CAPACITY = 1000


class Remembered(Generic[K, V]):
    """Answers by key, each asked for once, by one thread; what was refused is asked again after a while.

    That nobody answers is not remembered: who asks waits between two attempts. The oldest of more than 1000 answers
    are forgotten: a stranger's messages may name any number of schemas.

    Args:
        ask: Returns the answer for a key; raises `EncodeError` or `DecodeError` for a refusal.
        refusal_s: How long a refusal is remembered, in wall seconds.

    Attributes:
        answers: What is known, for a look without a call.
    """

    def __init__(self, ask: Callable[[K], V], *, refusal_s: float = 10.0) -> None:
        self._ask = ask
        self._refusal_s = refusal_s
        self._lock = Lock()
        self._refusals: dict[K, tuple[float, EncodeError | DecodeError]] = {}
        self.answers: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        """Return the answer."""
        with self._lock:
            if key in self.answers:
                return self.answers[key]
            if key in self._refusals:
                since, refusal = self._refusals[key]
                if monotonic() - since < self._refusal_s:
                    raise type(refusal)(str(refusal)) from refusal.__cause__
            try:
                answer = self._ask(key)
            except (EncodeError, DecodeError) as refusal:
                _put(self._refusals, key, (monotonic(), refusal))
                raise
            self._refusals.pop(key, None)
            _put(self.answers, key, answer)
            return answer


def _put(table: dict[K, V], key: K, value: V) -> None:
    table[key] = value
    while len(table) > _CAPACITY:
        del table[next(iter(table))]
