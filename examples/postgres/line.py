"""A line with one lathe, which publishes each part that it has turned."""

from dynamic_des import DynamicResource


def build(env):
    lathe = DynamicResource(env, "Line_A", "lathe")

    def part(number):
        with lathe.request() as request:
            yield request
            yield env.timeout(0.2)
        env.publish_event(f"part-{number}", {"status": "turned", "lathes": lathe.capacity})

    def parts():
        number = 0
        while True:
            number += 1
            env.process(part(number))
            yield env.timeout(0.1)

    env.process(parts())
