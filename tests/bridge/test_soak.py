"""Nothing grows with the number of records."""

import os
from pathlib import Path

import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import BaseEgress, BaseIngress, Message


class Forgetting(BaseEgress):
    count = 0

    async def write(self, batch):
        self.count += 0 if batch.system else len(batch)


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say how much memory is used")
def test_ten_million_records_pass_through_without_memory_growing():
    egress, sizes = Forgetting(), []
    with make_environment(factor=0) as env:
        env.setup_egress([egress])

        def model():
            for step in range(100_000):
                for number in range(100):
                    env.publish_event("task", {"n": number, "nested": {"a": [1, 2]}})
                if step % 10_000 == 9_999:
                    sizes.append(resident_bytes())
                yield env.timeout(1)

        env.process(model())
        env.run()
        report = env.report().sinks[0]
    assert egress.count == report.written == 10_000_000
    assert report.lost == 0
    assert max(sizes[1:]) - sizes[1] < 16_000_000  # the first million fills the outbox


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_flood_of_a_million_changes_is_bounded_and_leaves_the_model_on_time():
    count, held, late = 1_000_000, [], []

    class Flood(BaseIngress):
        async def messages(self):
            for number in range(1, count + 1):
                yield Message({"path": "L.variables.n", "value": number}, {"part": number})

    with make_environment(factor=1) as env:
        env.setup_ingress([Flood()], inbox_size=1000)
        clock = env._steering.clock

        def model():
            variable = env.registry.get("L.variables.n")
            while variable.value < count:
                held.append(len(env._steering.arrivals))
                yield env.timeout(0.01)
                late.append(clock.wall() - clock.wall_of(env.now))

        env.run(until=env.process(model()))
        assert env.changes_applied == count
        assert env.changes_refused == 0
    assert max(held) <= 1000
    late.sort()
    assert late[len(late) // 2] < 0.02
    assert late[-1] < 0.5  # what a busy machine may cost once; a starved model would be late by all of the flood
