"""What ends a call of a connector in a way that nobody expects: it is that connector's error, and nobody else's."""

import asyncio
import logging
import threading

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment

from dynamic_des import BaseEgress, BaseIngress, JsonSerializer, MemoryEgress, Message, MessageDeserializer
from dynamic_des.bridge import bridge, condition, monitor, sink
from dynamic_des.errors import ConfigError
from dynamic_des.testing.waiting import wait_until

LIMIT_S = 20.0


class Panic(BaseException):
    """As the core of a client that is not written in Python raises."""


class SpeechlessError(Exception):
    def __str__(self):
        return None


async def cancel_oneself():
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


async def cancel_oneself_and_return():
    asyncio.current_task().cancel()


async def panic():
    raise Panic("panicked")


async def leave():
    raise GeneratorExit


async def group():
    raise BaseExceptionGroup("many", [Panic("one")])


async def say_nothing():
    raise SpeechlessError


WAYS = [panic, leave, group, cancel_oneself, say_nothing]


class EndsOnce(faults.Keeping):
    """Ends unusually in its first ``open`` or ``write``."""

    def __init__(self, where, way):
        super().__init__()
        self.where, self.way = where, way

    async def _pass(self, where):
        if where == self.where:
            self.where = None
            await self.way()

    async def open(self, run):
        await self._pass("open")

    async def write(self, batch):
        await self._pass("write")
        self.keep(batch)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", ["open", "write"])
def test_a_sink_that_ends_unusually_is_opened_again(where, way):
    egress, good = EndsOnce(where, way), MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress, good], batch_size=10)
        for number in range(100):
            env.publish_event("a", number)
    assert egress.seqs == [record["seq"] for record in good.records] == list(range(1, 101))
    assert [report.state for report in env.report().sinks] == ["closed", "closed"]


def test_a_sink_that_cancels_its_own_task_and_returns_has_written():
    egress = EndsOnce("write", cancel_oneself_and_return)
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=10)
        for number in range(100):
            env.publish_event("a", number)
    assert egress.seqs == list(range(1, 101))
    assert env.report().sinks[0].retried == 0


class Source(BaseIngress):
    """Ends unusually once, in ``messages`` or in ``applied``."""

    def __init__(self, where, way):
        self.where, self.way = where, way
        self.opened, self.told = 0, []

    async def _pass(self, where):
        if where == self.where:
            self.where = None
            await self.way()

    async def open(self, run):
        self.opened += 1

    async def messages(self):
        yield Message(("L.variables.n", self.opened), {"part": self.opened})
        await self._pass("messages")

    async def applied(self, position):
        await self._pass("applied")
        self.told.append(position["part"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", ["messages", "applied"])
def test_an_ingress_that_ends_unusually_is_opened_again_and_told_again(env, where, way):
    ingress = Source(where, way)
    env.setup_ingress([ingress])
    with pytest.raises(RuntimeError):  # nothing more can come
        env.run(until=env.event())
    env.teardown()
    assert ingress.opened == (2 if where == "messages" else 1)
    assert ingress.told[-1] == ingress.opened


def test_a_background_task_that_raises_systemexit_ends_nobody_else(caplog):
    caplog.set_level(logging.ERROR, "dynamic_des")

    class Leaves(faults.Keeping):
        async def open(self, run):
            self.left = asyncio.Event()
            self.task = asyncio.create_task(self.leave())

        async def leave(self):
            self.left.set()
            raise SystemExit(7)

        async def write(self, batch):
            await self.left.wait()
            assert self.task.done()
            with pytest.raises(SystemExit):
                self.task.result()
            self.keep(batch)

    egress, good = Leaves(), MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress, good])
        env.publish_event("a", 1)
    assert (egress.seqs, len(good.records)) == ([1], 1)
    assert caplog.messages == ["a task of some connector raised SystemExit: 7; everything else goes on"]


@pytest.mark.parametrize("method", ["open", "close"])
def test_a_plain_method_that_raises_systemexit_ends_nobody_else(method):
    class Plain(faults.FailsSometimes):
        said = 0

        def _say(self, where):
            if where == method and not self.said:
                self.said += 1
                raise SystemExit(4)

        def open(self, run):
            self._say("open")

        def close(self):
            self._say("close")

    egress, good = Plain(2), MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress, good], batch_size=1)
        for number in range(3):
            env.publish_event("a", number)
    assert egress.said == 1
    assert egress.seqs == [record["seq"] for record in good.records] == [1, 2, 3]


@pytest.mark.parametrize("error", [SystemExit(9), Panic(), asyncio.CancelledError()], ids=repr)
def test_a_filter_that_raises_anything_sets_that_record_aside(error):
    def when(record):
        if record["value"] == 5:
            raise error
        return True

    egress = faults.Keeping()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], when=when)
        for number in range(10):
            env.publish_event("a", number)
    report = env.report().sinks[0]
    assert (report.written, report.set_aside, egress.seqs) == (9, 1, [1, 2, 3, 4, 5, 7, 8, 9, 10])


class YieldsPlainly(faults.Keeping):
    """A plain ``def write`` with a ``yield``: what it yields is set aside."""

    failed = False

    def write(self, batch):
        for record in batch:
            if record["seq"] == 4 and not self.failed:
                self.failed = True
                raise ConnectionError("reset")
            if record["seq"] == 2:
                yield 2, "no even prime"
        self.keep(batch)


class YieldsAsync(YieldsPlainly):
    async def write(self, batch):
        for returned in list(YieldsPlainly.write(self, batch)):
            yield returned


class ReturnsAGenerator(YieldsPlainly):
    async def write(self, batch):
        return YieldsPlainly.write(self, batch)


@pytest.mark.parametrize("kind", [YieldsPlainly, YieldsAsync, ReturnsAGenerator])
def test_a_write_that_yields_is_carried_out_before_it_counts(kind):
    egress = kind()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=5)
        for number in range(10):
            env.publish_event("a", number)
    report = env.report().sinks[0]
    assert egress.seqs == list(range(1, 11))
    assert (report.written, report.set_aside, report.retried) == (9, 1, 1)


def test_nonsense_that_write_returns_is_said_once(caplog):
    class Counts(faults.Keeping):
        async def write(self, batch):
            self.keep(batch)
            return len(batch)

    egress = Counts()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=1)
        for number in range(100):
            env.publish_event("a", number)
    assert egress.seqs == list(range(1, 101))
    assert [line for line in caplog.messages if "write returned 1; taken as None" in line] == [
        "egress Counts: write returned 1; taken as None. Return None, or the (seq, reason) of what is set aside."
    ]


def test_one_object_cannot_be_two_egresses():
    egress = MemoryEgress()
    with make_environment(factor=0) as env, pytest.raises(ConfigError, match="is given twice"):
        env.setup_egress([egress, egress])


def test_an_ingress_may_keep_the_dictionary_of_its_position(env):
    class Keeps(BaseIngress):
        told = ()

        async def messages(self):
            position = {}
            for number in (1, 2, 3):
                position["part"] = number
                change = {"path": "L.variables.n", "value": number}
                yield Message(change | ({"at": 50} if number == 2 else {}), position)

        async def applied(self, position):
            self.told += (position["part"],)

    ingress = Keeps()
    env.setup_ingress([ingress])
    env.run(until=10)
    env.teardown()
    assert ingress.told == (1,)  # the second waits for its time, and holds the third back


def test_a_deserializer_that_hangs_is_a_stall(monkeypatch):
    monkeypatch.setattr(monitor, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(condition, "STALL_AFTER_S", 0.1)

    class Hangs(MessageDeserializer):
        def deserialize(self, topic, payload):
            gate.wait(LIMIT_S)
            return ("L.variables.n", 1)

    class One(BaseIngress):
        async def messages(self):
            yield b"1"

    gate = threading.Event()
    with make_environment(factor=0) as env:
        env.setup_ingress([One()], deserializer=Hangs())
        assert wait_until(lambda: env.health().ingresses[0].state == "stalled", LIMIT_S)
        assert env.health().ingresses[0].reason.startswith("deserialize has not returned for ")
        gate.set()


class LeavesWhenRead(dict):
    def __contains__(self, key):
        raise SystemExit(3)

    def get(self, key, default=None):
        raise SystemExit(3)


class LeavesWhenShown:
    def __repr__(self):
        raise SystemExit(3)


class HasNoClass:
    @property
    def __class__(self):
        raise RuntimeError("none")


class HasNoHash(str):
    __slots__ = ()

    def __hash__(self):
        raise RuntimeError("none")

    __eq__ = str.__eq__


@pytest.mark.parametrize(
    "make",
    [
        lambda: LeavesWhenRead(path="L.variables.n", value=1),
        lambda: LeavesWhenShown(),
        lambda: ("L.variables.n", HasNoClass()),  # made late: whoever looks at all objects meets it, too
        lambda: ("L.variables.n", LeavesWhenShown()),
        lambda: (HasNoHash("L.variables.n"), 1),
    ],
    ids=["read", "shown", "class", "value", "path"],
)
def test_what_raises_anything_when_it_is_looked_at_is_refused_and_not_met_again(env, make):
    class Hostile(BaseIngress):
        opened = 0

        async def open(self, run):
            self.opened += 1

        async def messages(self):
            yield Message(make(), {"part": 1})
            yield Message(("L.variables.n", 9), {"part": 2})

    ingress = Hostile()
    env.setup_ingress([ingress])
    with pytest.raises(RuntimeError):  # nothing more can come
        env.run(until=env.event())
    assert (ingress.opened, env.changes_refused, env.changes_applied) == (1, 1, 1)
    assert env.registry.get("L.variables.n").value == 9


def test_a_serializer_that_cannot_count_has_encoded_all_the_same():
    class Miscounts(JsonSerializer):
        def nulled(self, data, encoded):
            raise RuntimeError("cannot count")

    class Encodes(BaseEgress):
        lines = 0

        async def write(self, batch):
            self.lines += len(batch.encode(Miscounts()))

    egress = Encodes()
    with make_environment(factor=0) as env:
        env.setup_egress([egress])
        env.publish_event("a", 1)
    assert egress.lines == 1


def test_the_end_of_a_run_and_that_of_the_environment_wait_once_for_a_sink_that_hangs(monkeypatch, caplog):
    monkeypatch.setattr(sink, "PATIENCE_S", 0.05)
    waits = []
    monkeypatch.setattr(bridge, "PATIENCE_S", LIMIT_S)
    monkeypatch.setattr(bridge, "_ANOTHER_WAIT_S", 0)
    egress = faults.Gated()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], drain_timeout=0.2)
        outbox = env._bridge.sinks[0].outbox
        wait = outbox.wait_for_progress
        outbox.wait_for_progress = lambda timeout_s: (waits.append(timeout_s), wait(timeout_s))
        env.publish_event("a", 1)
        env.run()
        waited = len(waits)
        assert waited
    assert len(waits) == waited
    assert len([line for line in caplog.messages if "1 records are not written" in line]) == 1


def test_a_connector_that_blocks_the_loop_does_not_keep_the_end_waiting(monkeypatch):
    monkeypatch.setattr(monitor, "LOOK_EVERY_S", 0.05)
    gate = threading.Event()

    class Blocks(BaseIngress):
        async def messages(self):
            gate.wait(3 * LIMIT_S)
            yield b""

    with make_environment(factor=0) as env:
        env.setup_ingress([Blocks() for _ in range(5)])
        assert wait_until(lambda: env.health().block, LIMIT_S)
        ends = threading.Timer(2 * LIMIT_S, gate.set)
        ends.start()
        env._bridge.stop_sources()
        assert not gate.is_set()
        gate.set()
        ends.cancel()
        ends.join()


def test_a_record_whose_refusal_says_nothing_is_set_aside_alone():
    class Speechless(JsonSerializer):
        def serialize(self, topic, data):
            if data["seq"] == 2:
                raise SpeechlessError
            return super().serialize(topic, data)

    class Encodes(BaseEgress):
        lines = 0

        async def write(self, batch):
            self.lines += sum(line is not None for line in batch.encode(Speechless()))

    egress = Encodes()
    with make_environment(factor=0) as env:
        env.setup_egress([egress])
        for number in range(3):
            env.publish_event("a", number)
    report = env.report().sinks[0]
    assert (egress.lines, report.written, report.set_aside, report.retried) == (2, 2, 1, 0)
