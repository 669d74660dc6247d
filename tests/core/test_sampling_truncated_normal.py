import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dynamic_des.sim.parameters import DistributionConfig
from dynamic_des.sim.sampling import RandomStreams
from dynamic_des.sim.truncated_normal import draw_truncated_normal
from dynamic_des.sim.variates import Variates

COUNT = 20_000

# bounds in standard deviations from the mean: central, one-sided, narrow, in either tail, far out
BOUNDS = [
    (-1, 2), (-0.4, math.inf), (0.4, math.inf), (-math.inf, 0.3), (-math.inf, -0.3), (-math.inf, math.inf),
    (-0.1, 0.2), (0.3, 0.6), (0.49, 2.8), (-2.9, -0.45), (-3, 0.5),
    (0.51, math.inf), (0.6, 0.7), (1, 2), (2, math.inf), (5, math.inf), (5, 5.1), (8, 50), (30, math.inf),
    (-math.inf, -0.6), (-2, -1), (-9, -8), (-math.inf, -37),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_draws_follow_the_distribution_wherever_the_bounds_are(low, high):
    variates = Variates([7])
    sample = [draw_truncated_normal(variates, 0.0, 1.0, (low, high)) for _ in range(COUNT)]
    assert stats.kstest(sample, stats.truncnorm(low, high).cdf).pvalue > 1e-4


class Counting(Variates):
    """Variates that count how many were taken."""

    __slots__ = ("taken",)

    def __init__(self):
        super().__init__([7])
        self.taken = 0
        for name in ("exponential", "normal", "uniform"):
            setattr(self, name, self._counted(getattr(self, name)))

    def _counted(self, draw):
        def counted():
            self.taken += 1
            return draw()

        return counted


@pytest.mark.parametrize(("low", "high"), [*BOUNDS, (1e3, 1e4), (1e9, math.inf), (-1e100, -1e99), (1e200, 1e300)])
def test_three_of_ten_proposals_are_accepted_wherever_the_bounds_are(low, high):
    variates = Counting()
    for _ in range(2000):
        draw_truncated_normal(variates, 0.0, 1.0, (low, high))
    assert variates.taken < 2 * 2000 / 0.29


def test_far_out_in_the_tail_no_digit_is_lost():
    sampler = RandomStreams(7).sampler("tail")
    config = DistributionConfig("truncated_normal", mean=0.0, std=1.0, low=1e6)
    sample = np.array([sampler.sample(config) for _ in range(COUNT)])
    excess = (sample - 1e6) * 1e6  # exponential with mean 1, this far out
    assert stats.kstest(excess, stats.expon().cdf).pvalue > 1e-4


def test_bounds_may_be_left_open():
    sampler = RandomStreams(7).sampler("open")
    config = DistributionConfig("truncated_normal", mean=50.0, std=2.0)
    sample = [sampler.sample(config) for _ in range(COUNT)]
    assert stats.kstest(sample, stats.norm(50, 2).cdf).pvalue > 1e-4
    config.high = 40.0
    assert max(sampler.sample(config) for _ in range(1000)) <= 40
    config.low, config.high = 60.0, None
    assert min(sampler.sample(config) for _ in range(1000)) >= 60


@settings(derandomize=True, database=None, deadline=None, max_examples=500)
@given(
    mean=st.floats(-1e308, 1e308),
    std=st.floats(0, 1e308),
    limits=st.tuples(st.floats(), st.floats()).filter(lambda pair: pair[0] < pair[1]),
)
def test_a_draw_lies_between_its_bounds_whatever_they_are(mean, std, limits):
    variates = Variates([7])
    low, high = limits
    for _ in range(20):
        assert low <= draw_truncated_normal(variates, mean, std, limits) <= high


@pytest.mark.parametrize(
    ("mean", "std", "limits"),
    [(math.nan, 1.0, (0, 1)), (0.0, math.nan, (0, 1)), (0.0, -1.0, (0, 1)), (0.0, 1.0, (1, 1)), (0.0, 1.0, (2, 1)),
     (math.inf, 1.0, (0, 1)), (0.0, math.inf, (0, 1)), (0.0, 1.0, (math.nan, 1)), (0.0, 1.0, (math.inf, math.inf))],
)  # fmt: skip
def test_what_makes_no_sense_gives_nan_at_once(mean, std, limits):
    assert math.isnan(draw_truncated_normal(Variates([7]), mean, std, limits))
