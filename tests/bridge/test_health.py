"""How a twin fares: asked for at any moment, from any thread, and published."""

import asyncio
import json
import logging
import math
import re
import threading
from datetime import UTC, datetime

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment

from dynamic_des import BaseIngress, JsonSerializer, MemoryEgress, MemoryIngress
from dynamic_des.bridge import condition, monitor
from dynamic_des.errors import PermanentError
from dynamic_des.testing.waiting import wait_until

LIMIT_S = 20.0
HANGS = re.compile(r"\w+ has not returned for \d+ s")


@pytest.fixture
def quick(monkeypatch):
    """Looks, stalls and news at a pace for tests."""
    monkeypatch.setattr(monitor, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(monitor, "_NEWS_EVERY_S", 0.0)
    monkeypatch.setattr(condition, "STALL_AFTER_S", 0.2)


class run_in_background:  # noqa: N801 - reads as a statement
    """Lets a twin run in a thread of its own, in real time, until the block ends."""

    def __init__(self, env):
        self._env = env
        self._ended = threading.Event()

    def __enter__(self):
        stop = self._env.event()

        def tick():
            while not self._ended.is_set():
                yield self._env.timeout(0.01)
            stop.succeed()

        self._env.process(tick())
        self._thread = threading.Thread(target=self._env.run, args=(stop,))
        self._thread.start()

    def __exit__(self, *error):
        self._ended.set()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()


def states(env):
    health = env.health()
    return {one.name: one.state for one in [*health.egresses, *health.ingresses]}


def test_a_twin_without_connectors_is_well():
    with make_environment(factor=0) as env:
        health = env.health()
    assert health.ok
    assert (health.name, health.run_id) == ("twin", env.run_id)
    assert (health.egresses, health.ingresses, health.block) == ([], [], None)
    assert health.simulation.state == "idle"


def test_what_was_done_is_in_it(env, sink):
    ingress = MemoryIngress()
    env.setup_ingress({"control": ingress})
    for payload in (("L.variables.n", 1), ("L.variables.q", 1), ("L.variables.n", 2)):
        ingress.send(payload)
    ingress.end()
    env.publish_event("a", 1)
    env.run(until=5)
    assert wait_until(lambda: env.changes_applied + env.changes_refused == 3 or env.run(until=env.now + 1), LIMIT_S)
    env.teardown()
    health = env.health()
    [egress], [control] = health.egresses, health.ingresses
    assert health.ok
    assert health.simulation.state == "closed"
    assert (health.simulation.changes_applied, health.simulation.changes_refused) == (2, 1)
    assert (egress.name, egress.state, egress.reason) == ("MemoryEgress", "closed", None)
    assert (egress.written, egress.waiting, egress.lag_seconds) == (1, 0, 0.0)
    assert (control.name, control.state, control.received, control.refused) == ("control", "ended", 3, 1)
    assert (control.waiting, control.lag_seconds, control.reopened) == (0, 0.0, 0)
    age = datetime.now(UTC) - datetime.fromisoformat(egress.last_progress)
    assert egress.last_progress_seconds - 1 < age.total_seconds() < egress.last_progress_seconds + LIMIT_S


def test_it_is_json():
    with make_environment(factor=0) as env:
        env.setup_egress([faults.Absent(10**9)])
        env.setup_ingress([MemoryIngress()])
        assert wait_until(lambda: env.health().egresses[0].reason, LIMIT_S)
        health = json.loads(json.dumps(env.health().as_dict(), allow_nan=False))
    assert health["ok"] is False
    assert health["egresses"][0]["state"] == "connecting"
    assert health["egresses"][0]["reason"] == "ConnectionRefusedError: nobody listens"
    assert health["egresses"][0]["last_progress"] is None
    assert set(health) == {"ok", "name", "run_id", "at", "simulation", "egresses", "ingresses", "dead_letters", "block"}


def test_one_that_failed_for_good_is_not_well():
    with make_environment(factor=0) as env:
        env.setup_egress([faults.GivesUp(1), MemoryEgress()])
        env.publish_event("a", 1)
        env.run()
        health = env.health()
        assert not health.ok
        assert [one.state for one in health.egresses] == ["failed", "up"]
        assert health.egresses[0].reason == "the table was dropped. Create it."


@pytest.mark.parametrize("make", [faults.Gated, faults.GatedThread])
def test_a_write_that_does_not_return_is_a_stall_and_its_lag_grows(quick, caplog, make):
    caplog.set_level(logging.INFO, "dynamic_des")
    egress, other = make(), MemoryEgress()
    with make_environment(factor=1, lag_monitor_interval=0) as env:
        env.setup_egress({"slow": egress, "other": other}, flush_interval=0)
        env.publish_event("a", 1)
        with run_in_background(env):
            assert wait_until(lambda: states(env)["slow"] == "stalled", LIMIT_S)
            health = env.health()
            slow, fine = health.egresses
            assert not health.ok
            assert health.simulation.state == "running"
            assert HANGS.fullmatch(slow.reason)
            assert (slow.waiting, slow.written) == (1, 0)
            assert wait_until(lambda: env.health().egresses[0].lag_seconds > slow.lag_seconds > 0.1, LIMIT_S)
            assert (fine.state, fine.written, fine.waiting, fine.lag_seconds) == ("up", 1, 0, 0.0)
            path = "system.egress.slow.state"
            assert wait_until(lambda: other.system_values(path) == ["stalled"], LIMIT_S)
            egress.gate.set()
            assert wait_until(lambda: env.health().ok, LIMIT_S)
            assert wait_until(lambda: env.health().egresses[0].lag_seconds == 0.0, LIMIT_S)
            assert wait_until(lambda: other.system_values(path) == ["stalled", "up"], LIMIT_S)
    reason, none = other.system_values("system.egress.slow.reason")
    assert HANGS.fullmatch(reason)
    assert none is None
    stalled, again = caplog.messages
    assert stalled.startswith("egress slow: stalled: ")
    assert HANGS.fullmatch(stalled.removeprefix("egress slow: stalled: "))
    assert again == "egress slow: up again"


class Hanging(BaseIngress):
    """An ingress one method of which hangs until the gate is opened."""

    def __init__(self, method):
        self.method = method
        self.gate = threading.Event()

    async def _pass(self, method):
        while method == self.method and not self.gate.is_set():
            await asyncio.sleep(0.001)

    async def open(self, run):
        await self._pass("open")

    async def snapshot(self):
        await self._pass("snapshot")
        return ()

    async def messages(self):
        yield {"path": "L.variables.n", "value": 1}
        await asyncio.Event().wait()

    async def applied(self, position):
        await self._pass("applied")


class Positioned(Hanging):
    async def messages(self):
        from dynamic_des import Message

        yield Message(("L.variables.n", 1), {"part": 1})
        await asyncio.Event().wait()


@pytest.mark.parametrize("method", ["open", "snapshot", "applied"])
def test_an_ingress_that_hangs_is_stalled_and_one_that_is_silent_is_not(quick, method):
    hanging, silent = Positioned(method), MemoryIngress()
    with make_environment(factor=1, lag_monitor_interval=0) as env:
        env.setup_ingress({"hanging": hanging, "silent": silent}, snapshot_timeout=0)
        with run_in_background(env):
            assert wait_until(lambda: states(env)["hanging"] == "stalled", LIMIT_S)
            reason = env.health().ingresses[0].reason
            assert HANGS.fullmatch(reason)
            assert reason.startswith(f"{method} ")
            assert states(env)["silent"] == "up"
            hanging.gate.set()
            assert wait_until(lambda: env.health().ok, LIMIT_S)


def test_a_message_that_waits_for_its_time_counts_as_waiting(env):
    ingress = MemoryIngress()
    env.setup_ingress([ingress])
    ingress.send({"path": "L.variables.n", "value": 1, "at": 1000})
    assert wait_until(lambda: env.health().ingresses[0].received == 1, LIMIT_S)
    env.run(until=10)
    control = env.health().ingresses[0]
    assert control.waiting == 1
    assert wait_until(lambda: env.health().ingresses[0].lag_seconds > control.lag_seconds, LIMIT_S)
    env.run(until=1001)
    assert wait_until(lambda: env.health().ingresses[0].waiting == 0, LIMIT_S)
    assert env.health().ingresses[0].lag_seconds == 0.0


def test_it_says_when_the_simulation_waits_for_room(monkeypatch):
    egress = faults.GatedThread()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], outbox_size=300, batch_size=10)

        def model():
            for number in range(1000):
                env.publish_event("a", number)
                yield env.timeout(1)

        env.process(model())
        thread = threading.Thread(target=env.run)
        thread.start()
        assert wait_until(lambda: env.health().simulation.state == "blocked", LIMIT_S)
        egress.gate.set()
        thread.join(LIMIT_S)
        assert env.health().simulation.state == "idle"


def test_the_lag_is_that_of_this_moment():
    release = threading.Event()
    with make_environment(factor=0.001, lag_monitor_interval=0) as env:

        def model():
            yield env.timeout(1)
            release.wait(LIMIT_S)  # computes, and the next event is overdue
            yield env.timeout(1)

        env.process(model())
        env.process(n for n in [env.timeout(2)])
        thread = threading.Thread(target=env.run)
        thread.start()
        assert wait_until(lambda: env.health().simulation.lag_seconds > 0.1, LIMIT_S)
        release.set()
        thread.join(LIMIT_S)
        assert env.health().simulation.lag_seconds == 0.0


def test_the_figures_are_published_every_tenth_time_those_that_changed(quick):
    egress = MemoryEgress()
    with make_environment(factor=1, lag_monitor_interval=0.005) as env:
        env.setup_egress({"memory": egress}, flush_interval=0)
        env.setup_ingress({"control": MemoryIngress()})
        env.publish_event("a", 1)
        with run_in_background(env):
            assert wait_until(lambda: 1 in egress.system_values("system.egress.memory.written"), LIMIT_S)
            count = len(egress.system_values("system.simulation.lag_seconds"))
            assert wait_until(
                lambda: len(egress.system_values("system.simulation.lag_seconds")) > count + 50, LIMIT_S
            )  # five more publications
            env.post("L.variables.n", 1).result(LIMIT_S)
    figures = {}
    for record in egress.system:
        if record["path_id"].startswith(("system.egress", "system.ingress")):
            figures.setdefault(record["path_id"], []).append(record["value"])
    assert figures["system.egress.memory.written"] in ([1], [0, 1])
    assert figures["system.egress.memory.state"] in (["up"], ["connecting", "up"])
    assert figures["system.egress.memory.dropped"] == [0]
    assert figures["system.ingress.control.received"] == [0]
    assert figures["system.ingress.control.state"] in (["up"], ["connecting", "up"])
    assert [record["sys_seq"] for record in egress.system] == list(range(1, len(egress.system) + 1))
    assert [record["seq"] for record in egress.records] == [1]


def test_nothing_of_it_is_published_at_factor_0_when_all_goes_well(env, sink):
    ingress = MemoryIngress()
    env.setup_ingress([ingress])
    ingress.end()
    env.publish_event("a", 1)
    env.run()
    env.teardown()
    assert sink.system == []


def test_trouble_is_published_at_factor_0_too(env, sink):
    env.setup_egress({"flaky": faults.GivesUp(1)})
    env.publish_event("a", 1)
    env.run()
    assert wait_until(lambda: env._bridge.sinks[0].outbox.system_waiting or sink.system, LIMIT_S)
    env.teardown()
    assert sink.system_values("system.egress.flaky.state") == ["failed"]
    assert sink.system_values("system.egress.flaky.reason") == ["the table was dropped. Create it."]


class Flapping(faults.Keeping):
    """Fails in every second write."""

    writes = 0

    async def write(self, batch):
        self.writes += 1
        if self.writes % 2:
            raise ConnectionError(f"connection {self.writes} reset")
        self.keep(batch)


def test_a_sink_that_comes_and_goes_fills_neither_the_log_nor_itself(caplog):
    caplog.set_level(logging.INFO, "dynamic_des")
    egress = Flapping()
    with make_environment(factor=0) as env:
        env.setup_egress({"flapping": egress}, batch_size=1)
        for number in range(300):
            env.publish_event("a", number)
        env.run()
        assert env.health().egresses[0].retried >= 300
        about_itself = env._sys_seq
    assert egress.seqs == list(range(1, 301))
    assert 1 <= len([line for line in caplog.messages if "flapping" in line]) <= 10
    assert about_itself <= 100  # a state and a reason a second


def test_an_ingress_that_comes_and_goes_does_not_fill_the_log(caplog):
    class Flapping(BaseIngress):
        sessions = 0

        async def messages(self):
            self.sessions += 1
            yield ("L.variables.n", self.sessions)
            if self.sessions == 100:
                raise PermanentError("enough")
            raise ConnectionError(f"connection {self.sessions} reset")

    caplog.set_level(logging.INFO, "dynamic_des")
    with make_environment(factor=0) as env:
        env.setup_ingress({"flapping": Flapping()})
        assert wait_until(lambda: states(env)["flapping"] == "failed", LIMIT_S)
        control = env.health().ingresses[0]
        assert (control.received, control.reopened, control.reason) == (100, 99, "enough")
        env.run(until=1)
    assert 1 <= len([line for line in caplog.messages if "flapping" in line]) <= 10


def test_records_that_are_set_aside_now_and_then_do_not_fill_the_log(caplog):
    with make_environment(factor=0) as env:
        env.setup_egress({"picky": faults.Refusing(*range(1, 1000, 2))}, batch_size=1)
        for number in range(999):
            env.publish_event("a", number)
        env.run()
        assert env.health().egresses[0].set_aside == 500
    assert 1 <= len([line for line in caplog.messages if "picky: 1 of 1" in line]) <= 10


def test_numbers_that_json_does_not_know_are_counted_once_however_often_the_batch_is_tried(caplog):
    class Lines(faults.FailsSometimes):
        lines = ()

        async def write(self, batch):
            lines = batch.encode(JsonSerializer())
            await super().write(batch)
            self.lines = [*self.lines, *lines]

    egress = Lines(1, 2)
    with make_environment(factor=0) as env:
        env.setup_egress({"lines": egress, "memory": MemoryEgress()})
        env.publish_telemetry("L.x", 1.5)
        env.publish_telemetry("L.x", math.nan)
        env.publish_event("a", {"a": [math.inf, None, {"b": -math.inf}], "c": 1})
        env.run()
        lines, memory = env.health().egresses
        assert (lines.nulled, memory.nulled) == (3, 0)
        assert [sink.nulled for sink in env.report().sinks] == [3, 0]
        assert env.report().lost == 0
    assert "egress lines: NaN and infinities are written as null, first in seq 2" in caplog.messages
    assert len(egress.seqs) == 3


def test_it_may_be_asked_for_from_many_threads_while_much_is_going_on():
    failures, ended = [], threading.Event()
    with make_environment(factor=0) as env:
        env.setup_egress([faults.Slow(), faults.Blocking(1, 5), faults.FailsSometimes(2)], batch_size=10)
        env.setup_ingress([MemoryIngress()])

        def ask():
            try:
                while not ended.is_set():
                    json.dumps(env.health().as_dict())
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(300):
            env.publish_event("a", number)
        env.run()
        ended.set()
        for thread in threads:
            thread.join(LIMIT_S)
    assert failures == []
