"""Random numbers from live distributions, in independent streams that are named."""

from __future__ import annotations

import sys
from hashlib import sha256
from math import inf, nan
from numbers import Integral
from typing import TYPE_CHECKING

from numpy.random import PCG64, Generator, SeedSequence, default_rng

from dynamic_des.errors import ConfigError, ParameterError, show
from dynamic_des.sim.casting import Refusal, to_number
from dynamic_des.sim.draws import DRAWS
from dynamic_des.sim.rules import checked
from dynamic_des.sim.variates import Variates

if TYPE_CHECKING:
    from dynamic_des.sim.parameters import DistributionConfig

__all__ = ["RandomStreams", "Sampler"]

_NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class RandomStreams:
    """Independent random streams from one seed, each with a name.

    A stream depends on the seed and on its name alone: not on what else was drawn, not on the order in which streams
    are asked for, not on the process. Adding a stream to a model leaves all others as they were.

    Args:
        seed: A whole number, 0 or more, of any size.

    Attributes:
        seed: The seed.

    Raises:
        ConfigError: If the seed is none.
    """

    def __init__(self, seed: int) -> None:
        if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
            raise ConfigError(f"RandomStreams: the seed {show(seed)} is not a whole number, 0 or more. Give seed=7.")
        self.seed: int = int(seed)
        self._samplers: dict[str, Sampler] = {}

    def generator(self, name: str) -> Generator:
        """Return a new numpy generator of the stream ``name``, at its beginning.

        Raises:
            ConfigError: If the name is not text.
        """
        if not isinstance(name, str):
            raise ConfigError(f"RandomStreams: {show(name)} is not a name. Give text, such as 'arrivals'.")
        digest = sha256(name.encode(errors="surrogatepass")).digest()
        key = tuple(int.from_bytes(digest[at : at + 4], "little") for at in range(0, 16, 4))
        return Generator(PCG64(SeedSequence(self.seed, spawn_key=key)))

    def sampler(self, name: str) -> Sampler:
        """Return the sampler of the stream ``name``: the same one at every call.

        Raises:
            ConfigError: If the name is not text.
        """
        try:
            return self._samplers[name]
        except (KeyError, TypeError):
            sampler = self._samplers[name] = Sampler(self.generator(name))
            return sampler


class Sampler:
    """Draws durations from live distributions: what a configuration says at the moment of the draw counts.

    The same generator gives the same draws. The exponential, normal and uniform variates that draws are made of come
    from a stream each, seeded from ``rng``, and are drawn ahead in blocks: a draw costs less than one of numpy's.
    So ``rng`` itself is free for other use, which disturbs no draw, and setting its state does not rewind the
    sampler: assign a new generator for that. Not for use by several threads at once.

    Args:
        rng: Where the seeds come from. None: a generator that is different in every run. In a model that shall be
            repeatable, ``env.sampler(name)`` gives a sampler that follows from the run's seed.

    Raises:
        ConfigError: If ``rng`` is no numpy generator.
    """

    def __init__(self, rng: Generator | None = None) -> None:
        self.rng = default_rng() if rng is None else rng

    @property
    def rng(self) -> Generator:
        """The numpy generator that was given."""
        return self._rng

    @rng.setter
    def rng(self, rng: Generator) -> None:
        if not isinstance(rng, Generator):
            raise ConfigError(f"Sampler: {show(rng)} is no generator. Give numpy.random.default_rng(seed).")
        self._rng = rng
        # raw words: numpy promises that a bit generator's never change, and promises less of all other methods
        self._variates = Variates([int(word) for word in rng.bit_generator.random_raw(4)])
        self._exponential = self._variates.exponential

    def sample(self, config: DistributionConfig, min_delay: float = 1e-05) -> float:
        """Draw one duration, with the parameters as they are now.

        Args:
            config: A distribution: the live one of ``registry.get_config(path)``, or one of your own.
            min_delay: Smallest duration, in simulated seconds, 0 or more. A smaller draw, also a negative one,
                becomes this.

        Returns:
            Simulated seconds: finite, and ``min_delay`` or more.

        Raises:
            ParameterError: (a ValueError) If the distribution is unknown, or its parameters are missing or make no
                sense. Never for a configuration that the registry keeps.
        """
        try:
            dist = config.dist
            if dist == "exponential":  # the most common one: a call less
                rate = config.rate
                delay = self._exponential() / rate if 0.0 < rate < inf else nan  # type: ignore[operator]
            else:
                delay = DRAWS[dist](self._variates, config)
            if min_delay < delay < inf:
                return delay
        except _NONSENSE as error:
            reason = _problem(config, min_delay) or f"Sampler: {show(config, 200)}: {error}. Give ints and floats."
            raise ParameterError(reason) from error
        if -inf < delay <= min_delay < inf and min_delay >= 0.0:
            return float(min_delay)
        problem = _problem(config, min_delay)
        if problem:
            raise ParameterError(problem)
        return sys.float_info.max if delay > 0.0 else float(min_delay)  # it overflowed


def _problem(config: DistributionConfig, min_delay: float) -> str | None:
    """Return what is wrong with the arguments of `Sampler.sample`, if anything is."""
    if not hasattr(config, "dist"):
        return f"Sampler: {show(config)} is not a DistributionConfig. Take one from registry.get_config(path)."
    try:
        if to_number(min_delay) < 0.0:
            raise Refusal(f"{min_delay} is negative")
    except Refusal as refusal:
        return f"Sampler: min_delay: {refusal}. Give seconds, 0 or more."
    try:
        checked(config)
    except Refusal as refusal:
        return f"Sampler: {refusal}. Correct the DistributionConfig before drawing from it."
    return None
