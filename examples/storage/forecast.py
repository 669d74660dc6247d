#!/usr/bin/env python3
"""Eight hours of a line, flat out, into a data lake; then the question that it was run for.

python examples/storage/forecast.py [FOLDER]
"""

import sys
import tempfile

import pyarrow.compute as pc

from dynamic_des import CapacityConfig, DistributionConfig, DynamicRealtimeEnvironment, DynamicResource, SimParameter
from dynamic_des_storage import ParquetEgress, read

LINE = SimParameter(
    "Line_A",
    arrival={"parts": DistributionConfig("exponential", rate=1 / 60)},
    service={"turning": DistributionConfig("uniform", low=60, high=160)},
    resources={"lathe": CapacityConfig(current_cap=2, max_cap=4)},
)


def forecast(folder, lathes):
    with DynamicRealtimeEnvironment(factor=0, seed=7, name=f"{lathes} lathes") as env:
        env.registry.register_sim_parameter(LINE)
        env.registry.update("Line_A.resources.lathe.current_cap", lathes)
        env.setup_egress([ParquetEgress(folder, router=["twin"], schema={"lathes": "int64"})], batch_size=5000)
        lathe = DynamicResource(env, "Line_A", "lathe")
        sample = env.sampler("line").sample

        def part(number):
            arrived = env.now
            with lathe.request() as turn:
                yield turn
                waited = env.now - arrived
                yield env.timeout(sample(env.registry.get_config("Line_A.service.turning")))
            env.publish_event(f"part-{number}", {"status": "finished", "lathes": lathes, "waited_s": waited})

        def parts():
            number = 0
            while True:
                yield env.timeout(sample(env.registry.get_config("Line_A.arrival.parts")))
                number += 1
                env.process(part(number))

        env.process(parts())
        env.run(until=8 * 3600)


def main(folder):
    for lathes in (2, 3, 4):
        forecast(folder, lathes)
    table = read(folder).filter(pc.field("status") == "finished")
    summary = table.group_by("lathes").aggregate([("waited_s", "mean"), ("seq", "count")]).sort_by("lathes")
    for row in summary.to_pylist():
        print(f"{row['lathes']} lathes: {row['seq_count']} parts, which wait {row['waited_s_mean']:.0f} s on average")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(folder)
