"""Random numbers from live distributions, in independent streams that are named."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dynamic_des.sim.parameters import DistributionConfig

__all__ = ["RandomStreams", "Sampler"]


class RandomStreams:
    """Independent random streams from one seed, keyed by name."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._samplers: dict[str, Sampler] = {}

    def generator(self, name: str) -> np.random.Generator:
        """Return a new generator of the stream ``name``, at its beginning."""
        words = np.frombuffer(sha256(name.encode()).digest()[:16], dtype=np.uint32)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=tuple(map(int, words))))

    def sampler(self, name: str) -> Sampler:
        """Return the sampler of the stream ``name``: the same one at every call."""
        if name not in self._samplers:
            self._samplers[name] = Sampler(self.generator(name))
        return self._samplers[name]


class Sampler:
    """Draws durations from live distributions."""

    def __init__(self, rng: np.random.Generator | None = None) -> None:
        self.rng = np.random.default_rng() if rng is None else rng

    def sample(self, config: DistributionConfig, min_delay: float = 1e-05) -> float:
        """Draw one duration."""
        if config.dist == "exponential":
            return max(min_delay, float(self.rng.exponential(1.0 / config.rate)))  # type: ignore[operator]
        raise ValueError(config.dist)
