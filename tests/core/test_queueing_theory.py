"""What queueing theory knows exactly, the resources must reproduce.

Sources: A. K. Erlang 1917; D. Gross and C. M. Harris, Fundamentals of Queueing Theory, chapter 2.
"""

from itertools import pairwise
from math import exp

import numpy as np
import pytest
from scipy.stats import t

from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import CapacityConfig, SimParameter
from dynamic_des.sim.resources import DynamicResource

REPLICATIONS = 20
CONFIDENCE = 0.999


def erlang_c(servers, offered):
    """Return the probability that a customer has to wait, in M/M/c with ``offered`` Erlang."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return servers * blocked / (servers - offered * (1 - blocked))


def mean_wait(servers, arrival_rate, service_rate):
    return erlang_c(servers, arrival_rate / service_rate) / (servers * service_rate - arrival_rate)


def answered_within(limit, servers, arrival_rate, service_rate):
    spare = servers * service_rate - arrival_rate
    return 1 - erlang_c(servers, arrival_rate / service_rate) * exp(-spare * limit)


def interval(samples):
    """Return the interval that holds the mean with the probability CONFIDENCE."""
    half = t.ppf((1 + CONFIDENCE) / 2, len(samples) - 1) * np.std(samples, ddof=1) / np.sqrt(len(samples))
    return np.mean(samples) - half, np.mean(samples) + half


def simulate(agents, arrival_rate, service_rate, customers, seed, changes=()):
    """Return the time of arrival and the wait of every customer of one replication."""
    random = np.random.default_rng(seed)
    arrivals = np.cumsum(random.exponential(1 / arrival_rate, customers)).tolist()
    services = random.exponential(1 / service_rate, customers).tolist()
    env = SteeredEnvironment(factor=0)
    env.registry.register_sim_parameter(SimParameter("Desk", resources={"agents": CapacityConfig(agents, 100)}))
    desk = DynamicResource(env, "Desk", "agents")
    waits = [0.0] * customers

    def customer(number):
        with desk.request() as request:
            yield request
            waits[number] = env.now - arrivals[number]
            yield env.timeout(services[number])

    def source():
        for number, (before, arrival) in enumerate(pairwise([0.0, *arrivals])):
            yield env.timeout(arrival - before)
            env.process(customer(number))

    def operator():
        for at, capacity in changes:
            yield env.timeout(at - env.now)
            env.registry.update("Desk.resources.agents.current_cap", capacity)

    env.process(source())
    env.process(operator())
    env.run()
    return np.array(arrivals), np.array(waits)


def test_the_formulas_give_the_values_of_the_textbooks():
    assert mean_wait(1, 0.8, 1) == pytest.approx(4)
    assert erlang_c(2, 1.6) == pytest.approx(0.7111, abs=5e-5)
    assert answered_within(20, 12, 10 / 180, 1 / 180) == pytest.approx(0.640, abs=5e-4)
    assert answered_within(20, 14, 10 / 180, 1 / 180) == pytest.approx(0.888, abs=5e-4)


@pytest.mark.parametrize("servers", [1, 2, 5, 10])
def test_the_mean_wait_at_eighty_percent_utilization_is_that_of_erlang_c(servers):
    warm_up, counted = 2_000, 18_000
    means = [
        simulate(servers, 0.8 * servers, 1, warm_up + counted, seed=(servers, replication))[1][warm_up:].mean()
        for replication in range(REPLICATIONS)
    ]
    low, high = interval(means)
    expected = mean_wait(servers, 0.8 * servers, 1)
    assert low < expected < high
    assert high - low < 0.4 * expected, "too wide to tell anything"


def test_a_call_centre_that_is_given_two_agents_more_answers_89_instead_of_64_percent_in_time():
    arrival_rate, service_rate = 10 / 180, 1 / 180  # per second: 10 Erlang, calls of three minutes
    warm_up, change, end = 20_000, 300_000, 600_000
    before, after = [], []
    for replication in range(REPLICATIONS):
        arrivals, waits = simulate(12, arrival_rate, service_rate, 35_000, (12, replication), [(change, 14)])
        in_time = waits <= 20
        before.append(in_time[(arrivals > warm_up) & (arrivals < change - 20)].mean())
        after.append(in_time[(arrivals > change + warm_up) & (arrivals < end)].mean())
    for samples, agents in ((before, 12), (after, 14)):
        low, high = interval(samples)
        assert low < answered_within(20, agents, arrival_rate, service_rate) < high
        assert high - low < 0.06, "too wide to tell anything"
