"""Long-run figures against theory: the exact value lies in the 99 % t-interval over replications, seeds fixed.

The intervals must be narrow, too: each test says how wide they may be, to tell a right model from a wrong one.
"""

from math import factorial, sqrt
from random import Random
from statistics import mean, stdev

import numpy as np
import pytest
import simpy
from scipy.stats import t as student

from dynamic_des_servers import Server

REPLICATIONS = 20


def interval(values):
    half = student.ppf(0.995, len(values) - 1) * stdev(values) / sqrt(len(values))
    return mean(values) - half, mean(values) + half


def assert_agrees(values, expected, within):
    low, high = interval(values)
    assert low <= expected <= high, f"{expected} is not in [{low}, {high}]"
    assert (high - low) / 2 <= within * expected, f"[{low}, {high}] is too wide to tell"


def replicate(make, arrival_rate, customers, warm_up):
    """Waits of the customers after the warm-up, for each replication: (mean wait, part that waited, part refused)."""
    figures = []
    for seed in range(REPLICATIONS):
        env, rng = simpy.Environment(), Random(seed)
        server = make(env, rng)
        requests = []

        def arrivals(env=env, rng=rng, server=server, requests=requests):
            for _ in range(customers):
                yield env.timeout(rng.expovariate(arrival_rate))
                requests.append(server.submit())

        env.process(arrivals())
        env.run()
        counted = requests[warm_up:]
        waits = [request.wait_time for request in counted if request.ok]
        figures.append(
            (mean(waits), sum(wait > 0 for wait in waits) / len(waits), 1 - len(waits) / len(counted), server)
        )
    return figures


def erlang_c(servers, offered):
    """Probability that a customer waits in M/M/c (Erlang 1917)."""
    waiting = offered**servers / factorial(servers) * servers / (servers - offered)
    return waiting / (sum(offered**k / factorial(k) for k in range(servers)) + waiting)


@pytest.mark.parametrize(("servers", "arrival_rate"), [(1, 0.7), (3, 2.4)])
def test_m_m_c_waits_as_erlang_c_says(servers, arrival_rate):
    figures = replicate(
        lambda env, rng: Server(env, "s", concurrency=servers, service_time=lambda: rng.expovariate(1.0)),
        arrival_rate,
        customers=12_000,
        warm_up=2_000,
    )
    probability = erlang_c(servers, arrival_rate)
    assert_agrees([one[1] for one in figures], probability, within=0.03)
    assert_agrees([one[0] for one in figures], probability / (servers - arrival_rate), within=0.1)


def test_m_m_c_k_refuses_and_waits_as_its_birth_death_chain_says():
    servers, places, arrival_rate = 2, 3, 1.9
    states = servers + places
    weights = [
        arrival_rate**n / (factorial(n) if n <= servers else factorial(servers) * servers ** (n - servers))
        for n in range(states + 1)
    ]
    probabilities = [weight / sum(weights) for weight in weights]
    refused = probabilities[-1]
    waiting = sum((n - servers) * p for n, p in enumerate(probabilities) if n > servers)
    figures = replicate(
        lambda env, rng: Server(
            env, "s", concurrency=servers, service_time=lambda: rng.expovariate(1.0), queue_capacity=places
        ),
        arrival_rate,
        customers=10_000,
        warm_up=500,
    )
    assert_agrees([one[2] for one in figures], refused, within=0.03)
    assert_agrees([one[0] for one in figures], waiting / (arrival_rate * (1 - refused)), within=0.03)  # Little
    for *_, server in figures:
        assert server.stats.requests_completed + server.stats.requests_rejected == 10_000


@pytest.mark.parametrize(
    ("draw", "second_moment"),
    [
        (lambda rng: 1.0, 1.0),
        (lambda rng: rng.uniform(0.0, 2.0), 4 / 3),
        (lambda rng: rng.gammavariate(0.5, 2.0), 3.0),
    ],
    ids=["deterministic", "uniform", "gamma"],
)
def test_m_g_1_waits_as_pollaczek_and_khinchine_say(draw, second_moment):
    arrival_rate = 0.6
    figures = replicate(
        lambda env, rng: Server(env, "s", service_time=lambda: draw(rng)), arrival_rate, customers=10_000, warm_up=1_000
    )
    assert_agrees([one[0] for one in figures], arrival_rate * second_moment / 2 / (1 - arrival_rate), within=0.06)
    assert_agrees([one[1] for one in figures], arrival_rate, within=0.02)


@pytest.mark.parametrize("policy", ["lifo", "priority"])
def test_the_mean_wait_does_not_depend_on_an_order_that_ignores_the_service_time(policy):
    figures = replicate(
        lambda env, rng: Server(env, "s", 2, lambda: rng.expovariate(1.0), policy),
        1.4,
        customers=8_000,
        warm_up=1_000,
    )
    assert_agrees([one[0] for one in figures], erlang_c(2, 1.4) / (2 - 1.4), within=0.1)


def test_a_jackson_network_of_three_nodes_has_the_product_form():
    """Node 1 → 2 or 3; 2 → back to 1 or out; 3 → 2 or out. Each behaves as if it were alone (Jackson 1957)."""
    outside, routes = [1.0, 0.0, 0.2], [[0, 0.6, 0.4], [0.25, 0, 0], [0, 0.3, 0]]
    rates, servers = [1.8, 0.65, 1.2], [1, 2, 1]
    flows = np.linalg.solve(np.eye(3) - np.array(routes).T, outside).tolist()
    nodes = list(zip(flows, rates, servers, strict=True))
    expected = [erlang_c(c, flow / rate) / (c * rate - flow) for flow, rate, c in nodes]
    passing = [flow * (wait + 1 / rate) for (flow, rate, _), wait in zip(nodes, expected, strict=True)]
    sojourn = sum(passing) / sum(outside)

    waits, stays = [], []
    for seed in range(REPLICATIONS):
        nodes, times = run_network(Random(seed), outside, routes, rates, servers, customers=12_000, warm_up=500)
        waits.append([node.average_wait_time for node in nodes])
        stays.append(mean(times))
    for node in range(3):
        assert_agrees([one[node] for one in waits], expected[node], within=0.1)
    assert_agrees(stays, sojourn, within=0.05)


def run_network(rng, outside, routes, rates, servers, customers, warm_up):
    env = simpy.Environment()
    times = []

    def onward(node):
        def route(job):
            choice = rng.random()
            for target in range(3):
                choice -= routes[node][target]
                if choice < 0:
                    nodes[target].submit(job)
                    return
            if job[0] >= warm_up:
                times.append(env.now - job[1])

        return route

    nodes = [
        Server(
            env, f"node {node}", servers[node], lambda rate=rates[node]: rng.expovariate(rate), downstream=onward(node)
        )
        for node in range(3)
    ]

    def arrivals():
        for number in range(customers):
            yield env.timeout(rng.expovariate(sum(outside)))
            entry = 0 if rng.random() < outside[0] / sum(outside) else 2
            nodes[entry].submit((number, env.now))

    env.process(arrivals())
    env.run()
    return nodes, times
