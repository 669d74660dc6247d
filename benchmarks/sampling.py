"""What a draw costs: `Sampler.sample`, against one call of numpy and of the standard library.

    python benchmarks/sampling.py

Prints nanoseconds per draw and ratios; above 1 the sampler is faster. numpy and random get plain numbers, the
sampler reads the live configuration at every draw, checks it, and keeps to the smallest delay.
"""

import random
import sys

import numpy as np
from timing import best_ns, print_rows

from dynamic_des.sim.parameters import DistributionConfig
from dynamic_des.sim.sampling import RandomStreams

VALUES, WEIGHTS = [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 2.0, 1.0]

# configuration, the same with numpy, the same with the standard library
ROWS = {
    "exponential": (DistributionConfig("exponential", rate=2.0), "rng.exponential(0.5)", "std.expovariate(2.0)"),
    "normal": (DistributionConfig("normal", mean=5.0, std=1.0), "rng.normal(5.0, 1.0)", "std.normalvariate(5.0, 1.0)"),
    "lognormal": (
        DistributionConfig("lognormal", mean=5.0, std=1.0),
        "rng.lognormal(1.59, 0.198)",
        "std.lognormvariate(1.59, 0.198)",
    ),
    "truncated_normal": (DistributionConfig("truncated_normal", mean=5.0, std=1.0, low=4.0, high=7.0), None, None),
    "uniform": (DistributionConfig("uniform", low=1.0, high=2.0), "rng.uniform(1.0, 2.0)", "std.uniform(1.0, 2.0)"),
    "triangular": (
        DistributionConfig("triangular", low=1.0, mode=2.0, high=4.0),
        "rng.triangular(1.0, 2.0, 4.0)",
        "std.triangular(1.0, 4.0, 2.0)",
    ),
    "gamma": (DistributionConfig("gamma", shape=2.0, scale=3.0), "rng.gamma(2.0, 3.0)", "std.gammavariate(2.0, 3.0)"),
    "weibull": (
        DistributionConfig("weibull", shape=2.0, scale=3.0),
        "3.0 * rng.weibull(2.0)",
        "std.weibullvariate(3.0, 2.0)",
    ),
    "constant": (DistributionConfig("constant", value=3.0), None, None),
    "empirical": (DistributionConfig("empirical", values=VALUES), "rng.choice(values)", "std.choice(values)"),
    "empirical, weighted": (
        DistributionConfig("empirical", values=VALUES, weights=WEIGHTS),
        "rng.choice(values, p=shares)",
        "std.choices(values, weights)[0]",
    ),
}


def measure(name):
    config, *others = ROWS[name]
    names = {
        "sample": RandomStreams(7).sampler(name).sample,
        "config": config,
        "rng": np.random.default_rng(7),
        "std": random.Random(7),
        "values": VALUES,
        "weights": WEIGHTS,
        "shares": np.array(WEIGHTS) / sum(WEIGHTS),
    }
    ours, *theirs = best_ns([(statement or "None", names) for statement in ("sample(config)", *others)])
    columns = [
        f"{time:8.0f} ns {time / ours:6.2f}x" if statement else 20 * " "
        for time, statement in zip(theirs, others, strict=True)
    ]
    print(f"{name:20} {ours:8.0f} ns  {'  '.join(columns)}".rstrip(), flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(sys.argv[1])
    else:
        print(f"{'':20} {'sampler':>11}  {'numpy, one call':>20}  {'random':>20}", flush=True)
        print_rows(__file__, ROWS)
