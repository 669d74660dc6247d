"""Nothing grows with the number of records."""

import tracemalloc

import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import BaseEgress, BaseIngress, Message


class Forgetting(BaseEgress):
    count = 0

    async def write(self, batch):
        self.count += 0 if batch.system else len(batch)


def grown_after(env, model, warm_up, until):
    env.process(model)
    env.run(until=warm_up)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    env.run(until=until)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


@pytest.mark.full
@pytest.mark.timeout(600)
def test_millions_of_records_pass_through_without_memory_growing():
    egress = Forgetting()
    with make_environment(factor=0) as env:
        env.setup_egress([egress])

        def model():
            while True:
                for number in range(100):
                    env.publish_event("task", {"n": number, "nested": {"a": [1, 2]}})
                yield env.timeout(1)

        assert grown_after(env, model(), 1000, 16_000) < 2_000_000
    assert egress.count == pytest.approx(1_600_000, abs=200)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_hundreds_of_thousands_of_changes_pass_through_without_memory_growing():
    class Flood(BaseIngress):
        async def messages(self):
            number = 0
            while True:
                number += 1
                yield Message({"path": "L.variables.n", "value": number}, {"part": number})

    with make_environment(factor=0) as env:
        env.setup_ingress([Flood()], inbox_size=1000)

        def model():
            changes = env.registry.get("L.variables.n")
            while True:
                yield env.timeout(1)
                if changes.value >= target[0]:
                    done.succeed()
                    return

        sizes, target = [], [20_000]
        for target[0] in (20_000, 200_000):
            done = env.event()
            env.process(model())
            env.run(until=done)
            sizes.append(sum(len(line) for line in env._bridge.sources[0]._settling._parts.values()))
        assert max(sizes) <= 1500
