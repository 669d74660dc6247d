"""A production line that reacts while it runs: parts pass a lathe, then a mill.

    python examples/line_a/line_a.py                       the lathe's capacity goes 1 → 3 → 2 on schedule
    python examples/line_a/line_a.py --steer -             ... steered by JSON lines on standard input
    python examples/line_a/line_a.py --steer changes.jsonl ... steered by a file that is followed as it grows

A line of input reads {"path": "Line_A.resources.lathe.current_cap", "value": 3}.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dynamic_des import (
    BaseIngress,
    CapacityConfig,
    ConsoleEgress,
    DistributionConfig,
    DynamicRealtimeEnvironment,
    DynamicResource,
    LinesIngress,
    LocalIngress,
    SimParameter,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Event

PARAMETERS = SimParameter(
    sim_id="Line_A",
    arrival={"parts": DistributionConfig(dist="exponential", rate=1.2)},
    service={
        "turning": DistributionConfig(dist="normal", mean=1.6, std=0.2),
        "milling": DistributionConfig(dist="normal", mean=0.6, std=0.1),
    },
    resources={
        "lathe": CapacityConfig(current_cap=1, max_cap=5),
        "mill": CapacityConfig(current_cap=1, max_cap=2),
    },
)
LATHE = "Line_A.resources.lathe.current_cap"
SCHEDULE = [(6.0, LATHE, 3), (14.0, LATHE, 2)]


@dataclass
class Line:
    """The model: what it is made of, and what it counts for the summary."""

    env: DynamicRealtimeEnvironment
    lathe: DynamicResource
    mill: DynamicResource
    arrived: int = 0
    finished: int = 0
    shifts: list[str] = field(default_factory=list)  # what the queue was like while the lathe had one capacity
    since: float = 0.0
    capacity: int = 0
    longest: int = 0

    def arrivals(self) -> Generator[Event, None, None]:
        env = self.env
        gaps, draw = env.registry.get_config("Line_A.arrival.parts"), env.sampler("arrivals").sample
        while True:
            yield env.timeout(draw(gaps))
            self.arrived += 1
            env.process(self.part(f"part-{self.arrived}"))

    def part(self, key: str) -> Generator[Event, None, None]:
        env = self.env
        env.publish_event(key, {"status": "queued"})
        came = env.now
        yield from self.station(key, self.lathe, "turning")
        yield from self.station(key, self.mill, "milling")
        self.finished += 1
        env.publish_event(key, {"status": "finished", "total_s": env.now - came})

    def station(self, key: str, machine: DynamicResource, task: str) -> Generator[Event, None, None]:
        env = self.env
        came = env.now
        with machine.request() as request:
            self.longest = max(self.longest, len(self.lathe.queue))
            yield request
            env.publish_event(key, {"status": task, "waited_s": env.now - came})
            yield env.timeout(env.sampler(task).sample(env.registry.get_config(f"Line_A.service.{task}")))

    def monitor(self) -> Generator[Event, None, None]:
        while True:
            self.env.publish_telemetry("Line_A.lathe.capacity", self.lathe.capacity)
            self.env.publish_telemetry("Line_A.lathe.in_use", self.lathe.in_use)
            self.env.publish_telemetry("Line_A.lathe.queue_length", len(self.lathe.queue))
            yield self.env.timeout(2.0)

    def watch_capacity(self) -> Generator[Event, None, None]:
        """Wait for changes of the lathe's capacity, and note what the queue was like before each."""
        live = self.env.registry.get(LATHE)
        while True:
            self.since, self.capacity = self.env.now, live.value
            yield live.wait_for_change()
            self.end_shift()

    def end_shift(self) -> None:
        waiting = len(self.lathe.queue)
        self.shifts.append(
            f"t={self.since:g} to t={self.env.now:g}, capacity {self.capacity}: "
            f"at most {self.longest} waiting for the lathe, {waiting} at the end"
        )
        self.longest = waiting

    def summary(self) -> str:
        """Every part is accounted for: finished, or still somewhere on the line."""
        self.end_shift()
        on_line = sum(machine.in_use + len(machine.queue) for machine in (self.lathe, self.mill))
        total = f"{self.arrived} parts arrived = {self.finished} finished + {on_line} still on the line"
        return "\n".join([*self.shifts, total])


def build(env: DynamicRealtimeEnvironment) -> Line:
    """Put the line together in an environment whose parameters are registered."""
    line = Line(env, DynamicResource(env, "Line_A", "lathe"), DynamicResource(env, "Line_A", "mill"))
    env.process(line.arrivals())
    env.process(line.monitor())
    env.process(line.watch_capacity())
    return line


def main() -> None:
    options = argparse.ArgumentParser(description="A production line that reacts while it runs.")
    options.add_argument("--steer", metavar="FILE", help="steer it by JSON lines from FILE, or - for standard input")
    options.add_argument("--factor", type=float, default=1.0, help="wall seconds per simulated second (default: 1)")
    options.add_argument("--until", type=float, default=20.0, help="simulated seconds to run (default: 20)")
    options.add_argument("--seed", type=int, default=2, help="seed of the random streams (default: 2)")
    given = options.parse_args()

    ingress: BaseIngress = LinesIngress(given.steer) if given.steer else LocalIngress(SCHEDULE)
    with DynamicRealtimeEnvironment(factor=given.factor, name="line-a", seed=given.seed) as env:
        env.registry.register_sim_parameter(PARAMETERS)
        env.setup_ingress({"control": ingress})
        env.setup_egress([ConsoleEgress()], flush_interval=0.2)
        line = build(env)
        env.run(until=given.until)
    print(f"\n{line.summary()}")
    print(f"{env.changes_applied} changes applied, {env.changes_refused} refused; lag {env.lag_seconds:.3f} s")


if __name__ == "__main__":
    main()
