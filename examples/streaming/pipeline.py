#!/usr/bin/env python3
"""A pipeline as with Kafka: orders go into a log, two consumers bill them, one crashes and is replaced.

    python examples/streaming/pipeline.py

What to look at: who owns which partitions, how far billing falls behind while nobody has noticed the crash, that
nothing is lost, and that what the dead consumer had polled but not committed is billed a second time.
"""

from __future__ import annotations

import random
from collections import Counter

import simpy

from dynamic_des_streaming import ConsumerGroup, EventLog

ORDERS = 300
CRASH_AT, REPLACED_AT = 12.0, 20.0


def main():
    env = simpy.Environment()
    rng = random.Random(7)
    orders = EventLog(env, "orders", num_partitions=6, sharding_strategy="kafka", append_latency=0.002)
    billing = ConsumerGroup(
        env,
        "billing",
        orders,
        assignment_strategy="sticky",
        rebalance_delay=0.5,
        session_timeout=3.0,
        on_assigned=lambda name, partitions: say(env, f"{name} is assigned {partitions}"),
        on_lost=lambda name, partitions: say(env, f"{name} is given up for dead, {partitions} are nobody's"),
    )
    billed = Counter()

    env.process(shop(env, orders, rng))
    env.process(consumer(env, "c1", billing, billed))
    doomed = env.process(consumer(env, "c2", billing, billed))
    env.process(crash(env, doomed))
    env.process(replacement(env, billing, billed))
    env.process(watch(env, billing))
    env.run(until=40)

    twice = sum(times - 1 for times in billed.values())
    print(f"{ORDERS} orders: {len(billed)} billed, {twice} of them twice; lag {billing.total_lag()}")
    print(f"{billing.stats.rebalances} rebalances, {billing.stats.commits} commits, {billing.stats.members_lost} lost")


def shop(env, orders, rng):
    """Customers order, ten times a second."""
    for number in range(ORDERS):
        yield env.timeout(rng.expovariate(10))
        orders.append(f"customer-{rng.randrange(40)}", number)


def consumer(env, name, billing, billed):
    """Poll, bill, commit, until struck down."""
    yield billing.join(name)
    try:
        while True:
            records = yield billing.poll(name, 20)
            for record in records:
                yield env.timeout(0.05)
                billed[record.value] += 1
            if records:
                yield billing.commit(name)
            else:
                yield env.timeout(0.2)
    except simpy.Interrupt as crash:
        say(env, f"{name} crashes: {crash.cause}")  # it tells nobody: only its silence does


def crash(env, process):
    yield env.timeout(CRASH_AT)
    process.interrupt("out of memory")


def replacement(env, billing, billed):
    yield env.timeout(REPLACED_AT)
    say(env, "c3 starts")
    yield env.process(consumer(env, "c3", billing, billed))


def watch(env, billing):
    while True:
        yield env.timeout(4)
        say(env, f"lag {billing.total_lag()}, owners {billing.assignments}")


def say(env, text):
    print(f"t={env.now:6.3f} {text}")


if __name__ == "__main__":
    main()
