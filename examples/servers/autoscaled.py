"""A web shop whose service scales itself, within bounds that the outside world moves while it runs.

    python examples/servers/autoscaled.py                      flat out, 90 simulated seconds
    python examples/servers/autoscaled.py --factor 1 --steer - in real time, steered by JSON lines on standard input

Visits triple at t=20. The autoscaler wants more slots than it may have: requests wait, and give up. At t=50 the
operator raises the maximum, and it is in force, and used, at that instant. At t=70 the rush is over.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from dynamic_des import (
    BaseIngress,
    CapacityConfig,
    DistributionConfig,
    DynamicRealtimeEnvironment,
    LinesIngress,
    LocalIngress,
    SimParameter,
)
from dynamic_des_servers import Server

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Event

PARAMETERS = SimParameter(
    sim_id="Shop",
    arrival={"visits": DistributionConfig("exponential", rate=20.0)},
    service={"page": DistributionConfig("exponential", rate=5.0)},
    resources={"api": CapacityConfig(current_cap=4, max_cap=8)},
    variables={"target_utilization": 0.75, "patience_s": 2.0},
)
CAP, MAX, VISITS = "Shop.resources.api.current_cap", "Shop.resources.api.max_cap", "Shop.arrival.visits.rate"
SCHEDULE = [(20.0, VISITS, 60.0), (50.0, MAX, 32), (70.0, VISITS, 20.0)]


@dataclass
class Shop:
    """The model: visitors, the service, and what scales it."""

    env: DynamicRealtimeEnvironment
    api: Server
    rows: list[tuple[float, ...]] = field(default_factory=list)

    def visits(self) -> Generator[Event, None, None]:
        gaps, draw = self.env.registry.get_config("Shop.arrival.visits"), self.env.sampler("visits").sample
        while True:
            yield self.env.timeout(draw(gaps))
            self.api.submit("page")

    def autoscaler(self) -> Generator[Event, None, None]:
        """Wish for as many slots as would run at the target utilization; the registry clamps to what is allowed."""
        target = self.env.registry.get("Shop.variables.target_utilization")
        while True:
            yield self.env.timeout(1.0)
            demand = self.api.active_requests + self.api.depth
            self.env.registry.update(CAP, max(1, ceil(demand / target.value)))

    def monitor(self) -> Generator[Event, None, None]:
        lost = served = 0
        while True:
            yield self.env.timeout(10.0)
            self.api.publish_telemetry("Shop.api")
            stats = self.api.stats
            row = (stats.requests_completed - served, stats.requests_rejected - lost, self.api.concurrency)
            self.rows.append((self.env.now, *row, self.api.depth, self.api.utilization))
            served, lost = stats.requests_completed, stats.requests_rejected

    def summary(self) -> str:
        lines = ["    t  served  gave up  slots  waiting  utilization"]
        lines += [f"{t:5.0f} {a:7} {b:8} {c:6} {d:8} {e:12.2f}" for t, a, b, c, d, e in self.rows]
        return "\n".join(lines)


def build(env: DynamicRealtimeEnvironment) -> Shop:
    """Put the shop together in an environment whose parameters are registered."""
    api = Server(env, "api", concurrency=CAP, service_time="Shop.service.page", max_wait="Shop.variables.patience_s")
    shop = Shop(env, api)
    env.process(shop.visits())
    env.process(shop.autoscaler())
    env.process(shop.monitor())
    return shop


def main() -> None:
    options = argparse.ArgumentParser(description="A web shop whose service scales itself.")
    options.add_argument("--steer", metavar="FILE", help="steer it by JSON lines from FILE, or - for standard input")
    options.add_argument("--factor", type=float, default=0.0, help="wall seconds per simulated second (default: 0)")
    options.add_argument("--until", type=float, default=91.0, help="simulated seconds to run (default: 91)")
    given = options.parse_args()

    ingress: BaseIngress = LinesIngress(given.steer) if given.steer else LocalIngress(SCHEDULE)
    with DynamicRealtimeEnvironment(factor=given.factor, name="shop", seed=1) as env:
        env.registry.register_sim_parameter(PARAMETERS)
        env.setup_ingress({"control": ingress})
        shop = build(env)
        env.run(until=given.until)
    print(shop.summary())


if __name__ == "__main__":
    main()
