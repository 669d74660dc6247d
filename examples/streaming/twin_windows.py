#!/usr/bin/env python3
"""Windows over the live input of a twin: readings of a sensor come in, their averages steer the model.

    python examples/streaming/twin_windows.py               flat out
    python examples/streaming/twin_windows.py --factor 0.1  ten times as fast as the wall clock

The readings arrive as changes of a live parameter, here from a schedule; from Kafka it would be the same line with
another ingress. Every ten seconds their average becomes another live parameter, and the oven follows it.
"""

from __future__ import annotations

import argparse

from dynamic_des import DynamicRealtimeEnvironment, LocalIngress, SimParameter
from dynamic_des_streaming import RegistryFeed, StreamProcessor, TumblingWindow, publish_telemetry

READING, AVERAGE = "Oven.variables.reading", "Oven.variables.average"
SCHEDULE = [(0.5 + number, READING, 180.0 + (number * 7) % 13 + number / 2) for number in range(40)]


def oven(env):
    """Waits for averages and sets the burner."""
    average = env.registry.get(AVERAGE)
    while True:
        value = yield average.wait_for_change()
        print(f"t={env.now:5.1f} average {value:.2f}: burner {'down' if value > 195 else 'up'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--factor", type=float, default=0.0, help="wall seconds per simulated second")
    with DynamicRealtimeEnvironment(factor=parser.parse_args().factor, seed=1, name="oven") as env:
        env.registry.register_sim_parameter(SimParameter("Oven", variables={"reading": 0.0, "average": 0.0}))
        averages = StreamProcessor(env, "averages", TumblingWindow(10.0), "mean", downstream=AVERAGE)
        RegistryFeed(env.registry, READING, averages)
        publish_telemetry(env, averages, "Oven.averages", interval=10.0)
        env.process(oven(env))
        env.setup_ingress([LocalIngress(SCHEDULE)])
        env.run(until=45)
        print(f"{averages.stats.events_processed} readings, {averages.stats.windows_emitted} averages")


if __name__ == "__main__":
    main()
