"""Standard random variates, drawn ahead in blocks: numpy costs a microsecond a call, whether for one or for many."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from numpy.random import PCG64, Generator, SeedSequence

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Variates"]

_FIRST_BLOCK = 16  # most streams of a large model are used a few times only
_LARGEST_BLOCK = 1024


class Variates:
    """Three endless streams of standard variates, independent of one another.

    Each kind has a generator of its own: how many normals were drawn never moves the uniforms. Neither does the
    size of a block: a stream is the same numbers as one draw at a time would give.

    Attributes:
        exponential: Return the next exponential variate of mean 1.
        normal: Return the next normal variate of mean 0 and standard deviation 1.
        uniform: Return the next uniform variate of [0, 1).
        cumulated: What the empirical distributions keep between two draws, by the identity of the weights.
    """

    __slots__ = ("cumulated", "exponential", "normal", "uniform")

    def __init__(self, entropy: list[int]) -> None:
        self.exponential = _stream(entropy, 0, Generator.standard_exponential)
        self.normal = _stream(entropy, 1, Generator.standard_normal)
        self.uniform = _stream(entropy, 2, Generator.random)
        self.cumulated: dict[int, tuple[list[float], list[float], int]] = {}


def _stream(entropy: list[int], kind: int, draw: Callable[[Generator, int], Any]) -> Callable[[], float]:
    """Return a function that gives the next variate. Its loop is C: a call of it costs as little as ``len``."""
    return chain.from_iterable(iter(_Blocks(entropy, kind, draw), None)).__next__


class _Blocks:
    """Gives a block of variates at every call, each larger than the one before up to a limit."""

    def __init__(self, entropy: list[int], kind: int, draw: Callable[[Generator, int], Any]) -> None:
        self._seed = (entropy, kind)
        self._draw = draw
        self._size = _FIRST_BLOCK
        self._generator: Generator | None = None

    def __call__(self) -> list[float]:
        if self._generator is None:  # making one takes longer than a block: wait until the kind is asked for
            entropy, kind = self._seed
            self._generator = Generator(PCG64(SeedSequence(entropy, spawn_key=(kind,))))
        size, self._size = self._size, min(2 * self._size, _LARGEST_BLOCK)
        block: list[float] = self._draw(self._generator, size).tolist()
        return block
