"""Every fault of a sink beside every fault of an ingress: nothing is lost, turned around, or written twice."""

import asyncio
import threading

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.letters import Letters
from tests.bridge.test_faulty_sinks import books

from dynamic_des import BaseIngress, MemoryEgress, Message

CHANGES = 300
RECORDS = 600


class Log(BaseIngress):
    """A log that is read from a position on: every change has the next value; one in seven is garbage.

    Args:
        breaks_at: Where the connection is lost, once each.
        stalls_at: Where it brings nothing more, and says nothing, until it is let go.
    """

    def __init__(self, breaks_at=(), stalls_at=None):
        self.breaks_at, self.stalls_at = set(breaks_at), stalls_at
        self.stalled, self.go_on = threading.Event(), threading.Event()
        self.told = []

    async def open(self, run):
        self.at = run.positions.get("log", 0)

    async def messages(self):
        for offset in range(self.at, CHANGES):
            if offset in self.breaks_at:
                self.breaks_at.discard(offset)
                raise ConnectionError("connection reset")
            if offset == self.stalls_at:
                self.stalled.set()
                while not self.go_on.is_set():
                    await asyncio.sleep(0.001)
            yield Message(b"garbage" if offset % 7 == 3 else ("L.variables.n", offset + 1), {"log": offset + 1})

    async def applied(self, position):
        self.told.append(position["log"])


class OutInTheMiddle(faults.Keeping):
    """Is gone after some writes, cannot be opened for a while, and comes back."""

    def __init__(self):
        super().__init__()
        self.attempts = 0

    async def open(self, run):
        await super().open(run)
        if len(self.seqs) >= 200 and self.attempts < 6:
            self.attempts += 1
            raise ConnectionRefusedError("nobody listens")

    async def write(self, batch):
        if len(self.seqs) >= 200 and self.attempts < 6:
            raise ConnectionError("connection reset")
        self.keep(batch)


class HangsOnce(faults.Keeping):
    """Hangs in one write until the other sink has everything."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()

    async def write(self, batch):
        while self.seqs and not self.gate.is_set():
            await asyncio.sleep(0.001)
        self.keep(batch)


SINKS = {
    "fails once": lambda: faults.FailsSometimes(2),
    "fails n times": lambda: faults.FailsSometimes(1, 2, 3, 5, 8, 9, 10),
    "hangs": HangsOnce,
    "is slow": faults.Slow,
    "refuses one record": lambda: faults.Refusing(123),
    "is not there at the start": lambda: faults.Absent(5),
    "comes back late": OutInTheMiddle,
    "blocks and fails": lambda: faults.Blocking(1, 4),
    "the older form, dying": lambda: faults.Seeds({2, 3}),
}
INGRESSES = {
    "dies": lambda: Log(breaks_at=(0, 1, 50, 51, 52, 299)),
    "stalls": lambda: Log(stalls_at=150),
    "floods": Log,
}


@pytest.mark.parametrize("make_sink", SINKS.values(), ids=SINKS.keys())
@pytest.mark.parametrize("make_ingress", INGRESSES.values(), ids=INGRESSES.keys())
def test_nothing_is_lost_turned_around_or_written_twice(make_sink, make_ingress):
    egress, ingress, good = make_sink(), make_ingress(), MemoryEgress()
    aside, refused = Letters(failing=1), Letters(failing=2)
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=50, flush_interval=0.01, dead_letters=aside)
        env.setup_egress([good], batch_size=50, flush_interval=0.01)
        env.setup_ingress([ingress], inbox_size=20, on_poison="dead_letter", dead_letters=refused)
        env.process(model(env, ingress, egress, good))
        env.run()
        accounts = books(env)
    assert accounts["written"] + accounts["set aside"] + accounts["dropped"] == RECORDS
    kept = [value["record"]["seq"] for value in aside.values]
    expected = [seq for seq in range(1, RECORDS + 1) if seq not in kept]
    assert kept == ([123] if isinstance(egress, faults.Refusing) else [])
    assert egress.seqs == expected
    assert [record["seq"] for record in good.records] == list(range(1, RECORDS + 1))
    assert env.report().lost == 0
    settled = [change["status"] for change in good.system_values("system.changes")]
    assert settled == ["refused" if offset % 7 == 3 else "applied" for offset in range(CHANGES)]
    assert [value["position"]["log"] - 1 for value in refused.values] == list(range(3, CHANGES, 7))
    assert ingress.told == sorted(set(ingress.told))
    assert ingress.told[-1] == CHANGES


def model(env, ingress, egress, good):
    """Publish; let go, late, what hangs or stalls: nothing else may have waited for it."""
    for number in range(RECORDS):
        env.publish_telemetry("L.x", number)
        yield env.timeout(0.1)
    while len(good.records) < RECORDS:  # the other sink has everything, whatever became of the first
        yield env.timeout(1)
    if ingress.stalls_at is not None:
        while env.changes_applied + env.changes_refused < ingress.stalls_at:
            yield env.timeout(1)
        assert env.changes_applied + env.changes_refused == ingress.stalls_at
        ingress.go_on.set()
    getattr(egress, "gate", ingress.go_on).set()
