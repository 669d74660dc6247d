"""What an update costs: `registry.update`, against setting an attribute of an object found in a dictionary.

    python benchmarks/registry.py

Prints nanoseconds per update and how many times that of the plain baseline, which casts nothing, checks nothing,
keeps no configuration in step, wakes nobody and gives no outcome. A run is on, so the thread is checked too.
"""

import sys
from threading import get_ident
from types import SimpleNamespace

from timing import best_ns, print_rows

from dynamic_des.sim.environment import SteeredEnvironment
from dynamic_des.sim.parameters import CapacityConfig, DistributionConfig, SimParameter

# path, and two values in turn
ROWS = {
    "variable, number": ("L.variables.speed", 1.0, 2.0),
    "variable, whole number": ("L.variables.lot", 1, 2),
    "variable, text": ("L.variables.shift", "'day'", "'night'"),
    "variable, flag": ("L.variables.lights", True, False),
    "variable, cast from text": ("L.variables.lot", "'1'", "'2'"),
    "rate": ("L.arrival.standard.rate", 1.0, 2.0),
    "rate, sent as an integer": ("L.arrival.standard.rate", 1, 2),
    "mean": ("L.service.milling.mean", 1.0, 2.0),
    "limit of a uniform": ("L.service.setup.low", 1.0, 2.0),
    "capacity": ("L.resources.lathe.current_cap", 1, 2),
    "capacity, clamped": ("L.resources.lathe.current_cap", 8, 2),
    "same value": ("L.variables.speed", 1.0, 1.0),
    "same rate": ("L.arrival.standard.rate", 1.0, 1.0),
    "refused": ("L.arrival.standard.rate", -1.0, "'x'"),
    "unknown path, again": ("L.arrival.standard.rat", 1.0, 2.0),
}


def new_registry():
    env = SteeredEnvironment(factor=0, seed=7)
    env.registry.register_sim_parameter(
        SimParameter(
            sim_id="L",
            arrival={"standard": DistributionConfig("exponential", rate=1.0)},
            service={
                "milling": DistributionConfig("normal", mean=3.0, std=0.5),
                "setup": DistributionConfig("uniform", low=1.0, high=9.0),
            },
            resources={"lathe": CapacityConfig(1, 5)},
            variables={"speed": 1.0, "lot": 1, "shift": "day", "lights": True},
        )
    )
    env.registry._thread = get_ident()
    return env.registry


def set_plainly(values, path, new_value):
    values[path].value = new_value


def measure(name):
    path, one, other = ROWS[name]
    names = {"update": new_registry().update, "set_plainly": set_plainly, "values": {path: SimpleNamespace(value=None)}}
    contenders = (
        (f"update({path!r}, {one}); update({path!r}, {other})", names),
        (f"set_plainly(values, {path!r}, {one}); set_plainly(values, {path!r}, {other})", names),
    )
    ours, plain = best_ns(contenders, calls=2)
    print(f"{name:26} {ours:8.0f} ns {plain:8.0f} ns {ours / plain:8.1f}x", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(sys.argv[1])
    else:
        print(f"{'':26} {'update':>11} {'setattr':>11} {'ratio':>9}", flush=True)
        print_rows(__file__, ROWS)
