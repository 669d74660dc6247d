"""The model of the twin in twin.toml: parts on a lathe whose capacity is steered over Kafka."""


def build(env):
    lathe = env.resources["Line_A.lathe"]
    arrival = env.registry.get_config("Line_A.arrival.parts")
    sampler = env.sampler("arrivals")

    def part(number):
        event = {"path_id": "Line_A.lathe"}
        env.publish_event(f"part-{number}", {**event, "status": "queued"})
        with lathe.request() as request:
            yield request
            env.publish_event(f"part-{number}", {**event, "status": "started"})
            yield env.timeout(2)
        env.publish_event(f"part-{number}", {**event, "status": "finished"})
        env.publish_telemetry("Line_A.lathe.capacity", lathe.capacity)

    def parts():
        number = 0
        while True:
            yield env.timeout(sampler.sample(arrival))
            number += 1
            env.process(part(number))

    env.process(parts())
