"""A batch is prepared while the one before it is written."""

import asyncio

from tests.bridge.conftest import make_environment
from tests.bridge.test_faulty_sinks import books, publish

from dynamic_des import BaseEgress

ALL_WRITTEN = {"written": 15, "set aside": 0, "dropped": 0, "waiting": 0}


class Preparing(BaseEgress):
    """Notes what it is asked, in order: three batches of five, which wait when it is opened."""

    outbox = None

    def __init__(self):
        self.asked = []

    async def open(self, run):
        while not self.asked and (self.outbox is None or self.outbox.waiting < 15):
            await asyncio.sleep(0.001)

    async def prepare(self, batch):
        self.note("prepare", batch)

    async def write(self, batch):
        self.note("begin", batch)
        for _ in range(3):
            await asyncio.sleep(0)
        self.note("end", batch)

    def note(self, what, batch):
        if not batch.system:
            self.asked.append((what, batch[0]["seq"]))

    @property
    def prepared(self):
        return [seq for what, seq in self.asked if what == "prepare"]

    @property
    def ended(self):
        return [seq for what, seq in self.asked if what == "end"]


def run(egress, **options):
    with make_environment(factor=0, lag_monitor_interval=0) as env:
        env.setup_egress([egress], batch_size=5, **options)
        egress.outbox = env._bridge.sinks[0].outbox
        publish(env, 15)
        env.run()
        return books(env)


def test_the_next_batch_is_prepared_while_one_is_written():
    egress = Preparing()
    assert run(egress) == ALL_WRITTEN
    assert egress.asked == [
        ("begin", 1), ("prepare", 6), ("end", 1), ("begin", 6), ("prepare", 11), ("end", 6), ("begin", 11), ("end", 11),
    ]  # fmt: skip


def test_a_batch_that_comes_again_is_not_prepared_again():
    class FailsAtFirst(Preparing):
        async def write(self, batch):
            await super().write(batch)
            if self.asked.count(("end", 6)) == 1:
                raise ConnectionError("connection reset")

    egress = FailsAtFirst()
    assert run(egress) == ALL_WRITTEN
    assert (egress.prepared, egress.ended) == ([6, 11], [1, 6, 6, 11])


def test_what_goes_wrong_in_preparing_is_forgotten():
    class Clumsy(Preparing):
        async def prepare(self, batch):
            await super().prepare(batch)
            if len(self.prepared) == 1:
                raise ValueError("no")
            raise SystemExit(3)

    egress = Clumsy()
    assert run(egress) == ALL_WRITTEN
    assert (egress.prepared, egress.ended) == ([6, 11], [1, 6, 11])


def test_a_batch_that_a_filter_may_shorten_is_not_prepared():
    egress = Preparing()
    assert run(egress, when=lambda record: True) == ALL_WRITTEN
    assert (egress.prepared, egress.ended) == ([], [1, 6, 11])


def test_a_preparation_that_never_ends_is_a_stall_and_ends_with_the_run():
    class Hangs(Preparing):
        async def prepare(self, batch):
            await super().prepare(batch)
            await asyncio.Event().wait()

    egress = Hangs()
    with make_environment(factor=0, lag_monitor_interval=0) as env:
        env.setup_egress([egress], batch_size=5, drain_timeout=0.2)
        egress.outbox = env._bridge.sinks[0].outbox
        publish(env, 15)
        env.run()
        assert "prepare" in env._bridge.sinks[0].condition._calls
        assert books(env) == {"written": 5, "set aside": 0, "dropped": 0, "waiting": 10}
    assert egress.ended == [1]
