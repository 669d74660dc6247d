"""A packing station. How many work there, and how fast, is what the plant's database says."""

from dynamic_des import DynamicResource


def build(env):
    packers = DynamicResource(env, "Packing", "packers")
    pace = env.registry.get("Packing.variables.seconds_per_parcel")

    def pack(parcel):
        with packers.request() as turn:
            yield turn
            yield env.timeout(pace.value)
        env.publish_event(parcel, {"packers": packers.capacity, "waiting": len(packers.queue)})

    def belt():
        for number in range(1, 100_000):
            env.process(pack(f"parcel-{number}"))
            yield env.timeout(0.1)

    env.process(belt())
