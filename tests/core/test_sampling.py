import random
from math import inf, nan
from sys import float_info

import numpy as np
import pytest

from dynamic_des.errors import ConfigError, ParameterError
from dynamic_des.sim.draws import DRAWS
from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import FAMILIES, DistributionConfig, SimParameter
from dynamic_des.sim.sampling import Sampler

VALID = {
    "exponential": DistributionConfig("exponential", rate=2.0),
    "normal": DistributionConfig("normal", mean=10.0, std=1.0),
    "lognormal": DistributionConfig("lognormal", mean=10.0, std=5.0),
    "truncated_normal": DistributionConfig("truncated_normal", mean=10.0, std=5.0, low=8.0, high=20.0),
    "uniform": DistributionConfig("uniform", low=1.0, high=2.0),
    "triangular": DistributionConfig("triangular", low=1.0, mode=2.0, high=4.0),
    "gamma": DistributionConfig("gamma", shape=2.0, scale=3.0),
    "weibull": DistributionConfig("weibull", shape=2.0, scale=3.0),
    "constant": DistributionConfig("constant", value=4.0),
    "empirical": DistributionConfig("empirical", values=[1.0, 2.0, 3.0], weights=[1.0, 0.0, 2.0]),
}


@pytest.fixture
def sampler():
    return Sampler(np.random.default_rng(7))


def test_there_is_an_example_of_every_family():
    assert VALID.keys() == FAMILIES.keys()
    assert DRAWS.keys() | {"exponential"} == FAMILIES.keys()


@pytest.mark.parametrize("config", VALID.values(), ids=VALID)
def test_every_family_gives_plain_floats(config, sampler):
    assert {type(sampler.sample(config)) for _ in range(100)} == {float}


@pytest.mark.parametrize("config", VALID.values(), ids=VALID)
def test_the_same_generator_gives_the_same_draws(config):
    once, again = (Sampler(np.random.default_rng(7)) for _ in range(2))
    assert [once.sample(config) for _ in range(3000)] == [again.sample(config) for _ in range(3000)]


def test_the_default_generator_is_another_one_every_time():
    assert Sampler().sample(VALID["uniform"]) != Sampler().sample(VALID["uniform"])


def test_two_samplers_of_one_generator_draw_different_numbers():
    rng = np.random.default_rng(7)
    one, other = Sampler(rng), Sampler(rng)
    assert one.rng is other.rng is rng
    assert one.sample(VALID["uniform"]) != other.sample(VALID["uniform"])


def test_using_the_generator_directly_disturbs_no_draw(sampler):
    undisturbed = Sampler(np.random.default_rng(7))
    for _ in range(100):
        sampler.rng.random(10)
        assert sampler.sample(VALID["gamma"]) == undisturbed.sample(VALID["gamma"])


def test_assigning_a_generator_starts_over(sampler):
    first = [sampler.sample(VALID["normal"]) for _ in range(20)]
    sampler.rng = np.random.default_rng(7)
    assert [sampler.sample(VALID["normal"]) for _ in range(20)] == first


def test_blocks_give_the_numbers_that_single_draws_would_give(sampler):
    constants = {
        "exponential": (DistributionConfig("exponential", rate=1.0), "standard_exponential", 0),
        "normal": (DistributionConfig("normal", mean=0.0, std=1.0), "standard_normal", 1),
        "uniform": (DistributionConfig("uniform", low=0.0, high=1.0), "random", 2),
    }
    words = [int(word) for word in np.random.default_rng(7).bit_generator.random_raw(4)]
    for config, method, kind in constants.values():
        seed = np.random.SeedSequence(words, spawn_key=(kind,))
        draw = getattr(np.random.Generator(np.random.PCG64(seed)), method)
        assert [sampler.sample(config, 0) for _ in range(5000)] == [max(0.0, draw()) for _ in range(5000)]


def test_the_draws_of_one_kind_do_not_depend_on_how_many_of_another_were_drawn(sampler):
    alone = [sampler.sample(VALID["exponential"]) for _ in range(500)]
    mixed, order, got = Sampler(np.random.default_rng(7)), random.Random(1), []
    while len(got) < 500:
        for _ in range(order.randrange(4)):
            mixed.sample(VALID[order.choice(["normal", "uniform", "empirical"])])
        got.append(mixed.sample(VALID["exponential"]))
    assert got == alone


@pytest.mark.parametrize(
    ("config", "change", "bounds"),
    [
        (DistributionConfig("exponential", rate=1e-9), {"rate": 1e9}, (0, 1e-7)),
        (DistributionConfig("normal", mean=10.0, std=0.0), {"mean": 20.0}, (20, 20)),
        (DistributionConfig("lognormal", mean=10.0, std=1.0), {"std": 0.0}, (10, 10)),
        (DistributionConfig("truncated_normal", mean=0.0, std=1.0, low=5.0), {"low": None, "high": 1.0}, (0, 1)),
        (DistributionConfig("uniform", low=1.0, high=2.0), {"low": 5.0, "high": 6.0}, (5, 6)),
        (DistributionConfig("triangular", low=1.0, mode=1.0, high=2.0), {"high": 1.0}, (1, 1)),
        (DistributionConfig("gamma", shape=2.0, scale=1e9), {"scale": 1e-9}, (0, 1e-7)),
        (DistributionConfig("weibull", shape=2.0, scale=1e9), {"scale": 1e-9}, (0, 1e-7)),
        (DistributionConfig("constant", value=1.0), {"value": 2.0}, (2, 2)),
        (DistributionConfig("empirical", values=[1.0]), {"values": [2.0]}, (2, 2)),
        (DistributionConfig("empirical", values=[1.0, 2.0], weights=[1.0, 0.0]), {"weights": [0.0, 1.0]}, (2, 2)),
        (DistributionConfig("constant", value=1.0, low=5.0, high=6.0), {"dist": "uniform"}, (5, 6)),
    ],
    ids=lambda value: value.dist if isinstance(value, DistributionConfig) else None,
)
def test_a_change_is_in_force_at_the_very_next_draw(config, change, bounds, sampler):
    before = [sampler.sample(config, 0) for _ in range(5)]
    for field, value in change.items():
        setattr(config, field, value)
    low, high = bounds
    assert not any(low <= draw <= high for draw in before) or config.dist == "truncated_normal"
    assert all(low <= sampler.sample(config, 0) <= high for _ in range(5))


def test_weights_that_are_changed_in_place_count_at_the_next_draw(sampler):
    config = DistributionConfig("empirical", values=[1.0, 2.0], weights=[1.0, 0.0])
    assert sampler.sample(config) == 1.0
    config.weights[:] = [0.0, 1.0]
    assert sampler.sample(config) == 2.0


def test_many_weights_do_not_pile_up(sampler):
    for _ in range(2000):
        sampler.sample(DistributionConfig("empirical", values=[1.0, 2.0], weights=[1.0, 2.0]))
    kept = [DistributionConfig("empirical", values=[1.0], weights=[float(n)]) for n in range(1, 1000)]
    for config in kept:
        sampler.sample(config)
    assert len(sampler._variates.cumulated) <= 256


def test_a_draw_below_the_smallest_delay_becomes_it(sampler):
    config = DistributionConfig("uniform", low=-5.0, high=0.0)
    assert sampler.sample(config) == 1e-05
    assert sampler.sample(config, 3) == 3.0
    assert sampler.sample(config, min_delay=0) == 0.0
    assert type(sampler.sample(config, min_delay=0)) is float


def test_a_draw_is_finite_however_large_the_parameters_are(sampler):
    giants = [
        DistributionConfig("exponential", rate=1e-308),
        DistributionConfig("normal", mean=1.7e308, std=1.7e308),
        DistributionConfig("lognormal", mean=1e308, std=1e308),
        DistributionConfig("lognormal", mean=5e-324, std=1.7e308),
        DistributionConfig("truncated_normal", mean=-1.7e308, std=1.0, low=1.7e308),
        DistributionConfig("truncated_normal", mean=1.7e308, std=5e-324, low=0.0, high=1.0),
        DistributionConfig("truncated_normal", mean=1.0, std=1.7e308),
        DistributionConfig("uniform", low=0.0, high=1.7e308),
        DistributionConfig("triangular", low=-1e307, mode=0.0, high=1.6e308),
        DistributionConfig("gamma", shape=1.7e308, scale=1.7e308),
        DistributionConfig("gamma", shape=5e-324, scale=1.7e308),
        DistributionConfig("weibull", shape=1e-3, scale=1.7e308),
        DistributionConfig("weibull", shape=5e-324, scale=5e-324),
        DistributionConfig("constant", value=1.7e308),
        DistributionConfig("empirical", values=[1.7e308, -1.7e308], weights=[5e-324, 0.0]),
    ]
    for config in giants:
        draws = [sampler.sample(config) for _ in range(200)]
        assert all(1e-05 <= draw <= float_info.max for draw in draws), config


def test_every_configuration_that_the_registry_keeps_can_be_drawn_from(sampler):
    env = SteeredEnvironment(factor=0, seed=1)
    env.registry.register_sim_parameter(SimParameter("L", service=VALID))
    for dist in VALID:
        config = env.registry.get_config(f"L.service.{dist}")
        assert sampler.sample(config) >= 1e-05


NONSENSE = [
    (DistributionConfig("poisson"), "'poisson' is no distribution. Known: exponential, normal, "),
    (DistributionConfig("expnential", rate=1.0), "'expnential' is no distribution. Did you mean 'exponential'?"),
    (DistributionConfig(None), "dist: None is not text"),
    (DistributionConfig(["normal"]), "dist: ['normal'] is not text"),
    (DistributionConfig("exponential"), "a distribution 'exponential' needs rate: give all of that in one change"),
    (DistributionConfig("gamma", shape=1.0), "a distribution 'gamma' needs scale"),
    (DistributionConfig("uniform"), "a distribution 'uniform' needs low and high"),
    (DistributionConfig("truncated_normal", mean=1.0), "a distribution 'truncated_normal' needs std"),
    (DistributionConfig("empirical"), "a distribution 'empirical' needs values"),
    (DistributionConfig("exponential", rate=0.0), "the rate of a distribution 'exponential' must be positive, not 0.0"),
    (DistributionConfig("exponential", rate=-1.0), "must be positive, not -1.0"),
    (DistributionConfig("exponential", rate=5e-324), "so small that the mean 1/rate is infinite"),
    (DistributionConfig("exponential", rate=inf), "rate: inf is not finite"),
    (DistributionConfig("exponential", rate=nan), "rate: nan is not finite"),
    (DistributionConfig("exponential", rate=10**400), "is too large for a number"),
    (DistributionConfig("exponential", rate="2.0"), "Give ints and floats"),
    (DistributionConfig("normal", mean=nan), "mean: nan is not finite"),
    (DistributionConfig("normal", mean=-1.0), "the mean of a distribution 'normal' must not be negative, as -1.0 is"),
    (DistributionConfig("normal", mean=1.0, std=-1.0), "the std of a distribution 'normal' must not be negative"),
    (DistributionConfig("normal", mean=1.0, std=nan), "std: nan is not finite"),
    (DistributionConfig("normal", mean=1.0, std=inf), "std: inf is not finite"),
    (DistributionConfig("lognormal", mean=0.0, std=1.0), "the mean of a distribution 'lognormal' must be positive"),
    (DistributionConfig("lognormal", mean=1.0, std=-1.0), "must not be negative, as -1.0 is"),
    (DistributionConfig("truncated_normal", mean=1.0, std=1.0, low=3.0, high=2.0), "low 3.0 is above high 2.0"),
    (DistributionConfig("truncated_normal", mean=1.0, std=1.0, low=2.0, high=2.0), "low and high are both 2.0"),
    (DistributionConfig("truncated_normal", mean=nan, std=1.0), "mean: nan is not finite"),
    (DistributionConfig("truncated_normal", mean=1.0, std=1.0, high=nan), "high: nan is not finite"),
    (DistributionConfig("uniform", low=5.0, high=2.0), "low 5.0 is above high 2.0: send low and high in one change"),
    (DistributionConfig("uniform", low=-1.7e308, high=1.7e308), "so far apart that their distance is infinite"),
    (DistributionConfig("triangular", low=1.0, mode=5.0, high=4.0), "mode 5.0 is above high 4.0"),
    (DistributionConfig("triangular", low=1.0, mode=0.0, high=4.0), "low 1.0 is above mode 0.0"),
    (DistributionConfig("gamma", shape=0.0, scale=1.0), "the shape of a distribution 'gamma' must be positive"),
    (DistributionConfig("gamma", shape=1.0, scale=nan), "scale: nan is not finite"),
    (DistributionConfig("weibull", shape=-1.0, scale=1.0), "must be positive, not -1.0"),
    (DistributionConfig("weibull", shape=inf, scale=1.0), "shape: inf is not finite"),
    (DistributionConfig("weibull", shape=1.0, scale=0.0), "the scale of a distribution 'weibull' must be positive"),
    (DistributionConfig("constant", value=-1.0), "the value of a distribution 'constant' must not be negative"),
    (DistributionConfig("constant", value=inf), "value: inf is not finite"),
    (DistributionConfig("constant", value=[1.0]), "value: [1.0] is not a number"),
    (DistributionConfig("empirical", values=[]), "values: the list of numbers is empty"),
    (DistributionConfig("empirical", values=[nan]), "values: nan is not finite"),
    (DistributionConfig("empirical", values=["1.0"]), "Give ints and floats"),
    (DistributionConfig("empirical", values=[1.0], weights=[1.0, 2.0]), "1 values have 2 weights"),
    (DistributionConfig("empirical", values=[1.0], weights=[0.0]), "weights must not be negative, nor all be 0"),
    (DistributionConfig("empirical", values=[1.0, 2.0], weights=[-1.0, 2.0]), "weights must not be negative"),
    (DistributionConfig("empirical", values=[1.0, 2.0], weights=[nan, 2.0]), "weights: nan is not finite"),
    (DistributionConfig("empirical", values=[1.0, 2.0], weights=[2.0, nan]), "weights: nan is not finite"),
    (DistributionConfig("empirical", values=[1.0, 2.0], weights=[1e308, 1e308]), "nor their sum infinite"),
    (None, "None is not a DistributionConfig. Take one from registry.get_config(path)."),
    ({"dist": "normal"}, "{'dist': 'normal'} is not a DistributionConfig"),
]


@pytest.mark.parametrize(("config", "text"), NONSENSE)
def test_nonsense_is_refused_with_what_is_wrong(config, text, sampler):
    for _ in range(3):
        with pytest.raises(ParameterError) as caught:
            sampler.sample(config)
        assert str(caught.value).startswith("Sampler: ")
        assert text in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("min_delay", "text"),
    [
        (-1.0, "Sampler: min_delay: -1.0 is negative. Give seconds, 0 or more."),
        (nan, "Sampler: min_delay: nan is not finite. Give seconds, 0 or more."),
        (inf, "Sampler: min_delay: inf is not finite. Give seconds, 0 or more."),
        (None, "Sampler: min_delay: None is not a number. Give seconds, 0 or more."),
    ],
)
def test_the_smallest_delay_is_a_finite_number_from_0_on(min_delay, text, sampler):
    with pytest.raises(ParameterError) as caught:
        sampler.sample(DistributionConfig("uniform", low=-9e9, high=0.0), min_delay)
    assert str(caught.value) == text


@pytest.mark.parametrize("rng", [7, random.Random(7), np.random.RandomState(7), "seed"])
def test_what_is_no_generator_is_refused(rng):
    with pytest.raises(ConfigError, match=r"is no generator. Give numpy.random.default_rng\(seed\)"):
        Sampler(rng)
