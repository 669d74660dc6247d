"""What an ingress has at the start is in force before time starts."""

import asyncio
import signal
import threading

import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import BaseIngress, MemoryEgress, Message


class Table(BaseIngress):
    def __init__(self, *rows, before=None):
        self.rows = rows
        self.before = before
        self.told = []

    async def snapshot(self):
        if self.before is not None:
            await self.before()
        return [Message(row, {"table": place + 1}) for place, row in enumerate(self.rows)]

    async def applied(self, position):
        self.told.append(position["table"])


def first_value(env, path="L.variables.n"):
    seen = []

    def model():
        seen.append((env.now, env.registry.get(path).value))
        yield env.timeout(1e-9)

    env.process(model())
    env.run()
    return seen[0]


@pytest.mark.parametrize("factor", [0, 1])
def test_the_snapshot_is_in_force_before_the_first_event(factor):
    with make_environment(factor=factor) as env:
        table = Table(("L.variables.n", 1), b'{"path": "L.variables.n", "value": 7}')
        env.setup_ingress([table])
        assert first_value(env) == (0, 7)
    assert table.told[-1] == 2


def test_a_malformed_row_is_refused_and_the_rest_is_in_force(env, sink):
    env.setup_ingress([Table(b"garbage", ("L.variables.n", 7))])
    assert first_value(env) == (0, 7)
    assert [change["status"] for change in sink.system_values("system.changes")] == ["refused", "applied"]


def test_a_slow_snapshot_is_waited_for(env):
    async def slowly():
        await asyncio.sleep(0.05)

    env.setup_ingress([Table(("L.variables.n", 7), before=slowly)])
    assert first_value(env) == (0, 7)


@pytest.mark.parametrize("needed", [True, False])
def test_only_a_snapshot_that_is_needed_is_waited_for_beyond_the_timeout(env, monkeypatch, needed):
    clock = [0.0]
    monkeypatch.setattr("dynamic_des.bridge.bridge.monotonic", lambda: clock[0])
    over = asyncio.Event()

    async def slowly():
        clock[0] = 60.0
        await (asyncio.sleep(0.1) if needed else over.wait())

    table = Table(*[("L.variables.n", number) for number in range(1, 101)], before=slowly)
    table.needs_snapshot = needed
    env.setup_ingress([table], snapshot_timeout=10)
    assert first_value(env) == (0, 100 if needed else 0)


def test_a_snapshot_larger_than_the_inbox_is_no_deadlock(env):
    env.setup_ingress([Table(*[("L.variables.n", number) for number in range(1, 501)])], inbox_size=10)
    assert first_value(env) == (0, 500)


def test_time_starts_without_a_snapshot_that_takes_too_long_and_says_so(env, caplog):
    async def never():
        await asyncio.Event().wait()

    env.setup_ingress([Table(("L.variables.n", 7), before=never)], snapshot_timeout=0.05)
    assert first_value(env) == (0, 0)
    assert "ingress Table: no initial snapshot after 0.05 s; time starts without it" in caplog.text


def test_several_ingresses_that_are_down_are_waited_for_together(env, caplog):
    class Down(BaseIngress):
        async def open(self, run):
            raise ConnectionError("no broker")

    env.setup_ingress([Down(), Down()], snapshot_timeout=0.05)
    assert first_value(env) == (0, 0)
    assert caplog.text.count("no initial snapshot") == 2


def test_a_snapshot_that_fails_at_first_is_taken_again(env):
    failures = [ConnectionError("no database"), ConnectionError("no database")]

    async def fail():
        if failures:
            raise failures.pop()

    env.setup_ingress([Table(("L.variables.n", 7), before=fail)])
    assert first_value(env) == (0, 7)


def test_a_signal_ends_the_wait_for_a_snapshot(env):
    async def never():
        await asyncio.Event().wait()

    def interrupt():
        while signal.getsignal(signal.SIGINT) is signal.default_int_handler or env._steering.arrivals:
            pause.wait(0.001)  # until the run is on and waits
        signal.raise_signal(signal.SIGINT)

    pause = threading.Event()
    env.setup_ingress([Table(before=never)], snapshot_timeout=60)
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        env.run()
    interrupter.join()


def test_an_ingress_set_up_in_the_middle_of_a_run_has_its_snapshot_in_force_at_once(env, sink):
    def model():
        yield env.timeout(5)
        env.setup_ingress([Table(("L.variables.n", 7))])
        yield env.timeout(0)
        env.publish_telemetry("n", env.registry.get("L.variables.n").value)

    env.process(model())
    env.run()
    assert sink.telemetry == [(5.0, "n", 7)]


def test_an_environment_that_never_ran_is_torn_down_without_waiting_for_a_snapshot():
    async def never():
        await asyncio.Event().wait()

    egress = MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress])
        env.setup_ingress([Table(("L.variables.n", 1), before=never)], snapshot_timeout=600)
