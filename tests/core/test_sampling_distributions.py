"""Every family against scipy's: Kolmogorov-Smirnov tests and moments.

Seeds are fixed, so a test either always passes or always fails. A p-value below 1e-4 would be a wrong formula.
"""

import math

import numpy as np
import pytest
from scipy import stats

from dynamic_des.sim.parameters import DistributionConfig
from dynamic_des.sim.sampling import RandomStreams

COUNT = 20_000


def lognormal(mean, std):
    sigma = math.sqrt(math.log(1 + (std / mean) ** 2))
    return stats.lognorm(sigma, scale=math.exp(math.log(mean) - sigma**2 / 2))


def triangular(low, mode, high):
    return stats.triang((mode - low) / (high - low), low, high - low)


CONTINUOUS = [
    (DistributionConfig("exponential", rate=0.25), stats.expon(scale=4)),
    (DistributionConfig("exponential", rate=1e6), stats.expon(scale=1e-6)),
    (DistributionConfig("normal", mean=100.0, std=15.0), stats.norm(100, 15)),
    (DistributionConfig("lognormal", mean=10.0, std=1.0), lognormal(10, 1)),
    (DistributionConfig("lognormal", mean=10.0, std=40.0), lognormal(10, 40)),
    (DistributionConfig("uniform", low=3.0, high=7.0), stats.uniform(3, 4)),
    (DistributionConfig("triangular", low=1.0, mode=2.0, high=6.0), triangular(1, 2, 6)),
    (DistributionConfig("triangular", low=1.0, mode=1.0, high=6.0), triangular(1, 1, 6)),
    (DistributionConfig("triangular", low=1.0, mode=6.0, high=6.0), triangular(1, 6, 6)),
    (DistributionConfig("gamma", shape=0.1, scale=2.0), stats.gamma(0.1, scale=2)),
    (DistributionConfig("gamma", shape=0.5, scale=2.0), stats.gamma(0.5, scale=2)),
    (DistributionConfig("gamma", shape=1.0, scale=2.0), stats.gamma(1, scale=2)),
    (DistributionConfig("gamma", shape=3.7, scale=2.0), stats.gamma(3.7, scale=2)),
    (DistributionConfig("gamma", shape=1000.0, scale=2.0), stats.gamma(1000, scale=2)),
    (DistributionConfig("weibull", shape=0.7, scale=5.0), stats.weibull_min(0.7, scale=5)),
    (DistributionConfig("weibull", shape=3.0, scale=5.0), stats.weibull_min(3, scale=5)),
]


@pytest.mark.parametrize(
    ("config", "theory"), CONTINUOUS, ids=lambda value: getattr(value, "dist", None) and repr(value)
)
def test_a_family_draws_from_its_distribution(config, theory):
    sampler = RandomStreams(7).sampler(repr(config))
    sample = np.array([sampler.sample(config, 0) for _ in range(COUNT)])
    assert stats.kstest(sample, theory.cdf).pvalue > 1e-4
    error = theory.std() / math.sqrt(COUNT)
    assert abs(sample.mean() - theory.mean()) < 4.5 * error


def test_mean_and_std_of_a_lognormal_are_those_of_the_value_itself():
    sampler = RandomStreams(7).sampler("lognormal")
    config = DistributionConfig("lognormal", mean=10.0, std=2.0)
    sample = [sampler.sample(config) for _ in range(100_000)]
    assert np.mean(sample) == pytest.approx(10, rel=0.01)
    assert np.std(sample) == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.0, 5.0, 0.0]])
def test_an_empirical_distribution_draws_its_values_by_their_weights(weights):
    sampler = RandomStreams(7).sampler("empirical")
    config = DistributionConfig("empirical", values=[3.0, 1.0, 2.0, 8.0, 9.0], weights=weights)
    sample = [sampler.sample(config) for _ in range(COUNT)]
    counted = [sample.count(value) for value in config.values]
    assert sum(counted) == COUNT
    wanted = weights or [1.0] * 5
    for count, weight in zip(counted, wanted, strict=True):
        assert count == 0 if weight == 0 else count > 0
    share = [(count, COUNT * weight / sum(wanted)) for count, weight in zip(counted, wanted, strict=True) if weight]
    assert stats.chisquare(*zip(*share, strict=True)).pvalue > 1e-4


def test_values_that_occur_twice_weigh_twice():
    sampler = RandomStreams(7).sampler("empirical")
    config = DistributionConfig("empirical", values=[1.0, 1.0, 2.0])
    sample = [sampler.sample(config) for _ in range(COUNT)]
    assert sample.count(1.0) / COUNT == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (DistributionConfig("normal", mean=4.0), 4.0),
        (DistributionConfig("normal", mean=4.0, std=0.0), 4.0),
        (DistributionConfig("lognormal", mean=0.1), 0.1),
        (DistributionConfig("lognormal", mean=0.1, std=0.0), 0.1),
        (DistributionConfig("uniform", low=0.1, high=0.1), 0.1),
        (DistributionConfig("triangular", low=0.1, mode=0.1, high=0.1), 0.1),
        (DistributionConfig("constant", value=0.1), 0.1),
        (DistributionConfig("constant", value=5), 5.0),
        (DistributionConfig("empirical", values=[0.1]), 0.1),
        (DistributionConfig("truncated_normal", mean=0.1, std=0.0), 0.1),
        (DistributionConfig("truncated_normal", mean=9.0, std=0.0, low=1.0, high=2.0), 2.0),
        (DistributionConfig("truncated_normal", mean=-9.0, std=0.0, low=1.0, high=2.0), 1.0),
    ],
)
def test_a_distribution_without_spread_gives_one_value_exactly(config, value):
    sampler = RandomStreams(7).sampler("spread")
    assert {sampler.sample(config) for _ in range(50)} == {value}
