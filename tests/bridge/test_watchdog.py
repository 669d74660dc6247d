"""Who blocks the loop that all connectors share is named; nobody else is."""

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import threading

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment

from dynamic_des import BaseIngress, MemoryEgress, MemoryIngress, Message
from dynamic_des.bridge import monitor, watchdog
from dynamic_des.testing.waiting import wait_until

LIMIT_S = 20.0


class Blocks:
    """Blocks the thread that calls it until it is let go, or has been found out."""

    def __init__(self):
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def block(self):
        self.entered.set()
        self.let_go.wait(LIMIT_S)


class BlocksInWrite(faults.Keeping, Blocks):
    def __init__(self):
        faults.Keeping.__init__(self)
        Blocks.__init__(self)

    async def write(self, batch):
        if not batch.system:
            self.block()
        self.keep(batch)


class BlocksInSerializer(faults.Keeping):
    def __init__(self):
        super().__init__()
        self.blocks = Blocks()
        self.let_go = self.blocks.let_go

    async def write(self, batch):
        if not batch.system:
            batch.encode(self)
        self.keep(batch)

    def serialize(self, topic, data):
        self.blocks.block()
        return b""


class BlocksInATaskOfItsOwn(faults.Keeping, Blocks):
    def __init__(self):
        faults.Keeping.__init__(self)
        Blocks.__init__(self)

    async def open(self, run):
        self.task = asyncio.create_task(self.flush())

    async def flush(self):
        self.block()


class BlocksInMessages(BaseIngress, Blocks):
    async def messages(self):
        self.block()
        yield Message(("L.variables.n", 1))


class BlocksInApplied(MemoryIngress, Blocks):
    def __init__(self):
        MemoryIngress.__init__(self)
        Blocks.__init__(self)
        self.send(("L.variables.n", 1))

    async def applied(self, position):
        self.block()
        await super().applied(position)


@pytest.fixture(autouse=True)
def short_looks(monkeypatch):
    monkeypatch.setattr(monitor, "LOOK_EVERY_S", 0.05)


@pytest.fixture
def running():
    """A twin in real time, running in a thread, with what is asked for."""
    ends = []

    def run(*, egresses=(), ingresses=()):
        env = make_environment(factor=0.01, lag_monitor_interval=0)
        stop = env.event()
        env.setup_egress({type(egress).__name__: egress for egress in egresses}, flush_interval=0)
        if ingresses:
            env.setup_ingress({type(ingress).__name__: ingress for ingress in ingresses})
        env.publish_event("a", 1)

        def model():
            while not ended.is_set():
                yield env.timeout(1)
            stop.succeed()

        ended = threading.Event()
        env.process(model())
        thread = threading.Thread(target=env.run, args=(stop,))
        thread.start()
        ends.append((env, ended, thread))
        return env

    yield run
    for env, ended, thread in ends:
        ended.set()
        thread.join(LIMIT_S)
        env.teardown()


def count_answers(env):
    """A list that grows with each sign of life of the loop."""
    dog, answers = env._bridge.monitor.watchdog, []
    answer = dog._answer
    dog._answer = lambda: (answers.append(None), answer())
    return answers


def named(env):
    block = env.health().block
    return block if block is not None and block.ongoing else None


@pytest.mark.parametrize(
    ("make", "kind", "where"),
    [
        (BlocksInWrite, "egress", "BlocksInWrite.write (test_watchdog.py, line "),
        (BlocksInSerializer, "egress", "BlocksInSerializer.serialize (test_watchdog.py, line "),
        (BlocksInATaskOfItsOwn, "egress", "BlocksInATaskOfItsOwn.flush (test_watchdog.py, line "),
        (BlocksInMessages, "ingress", "BlocksInMessages.messages (test_watchdog.py, line "),
        (BlocksInApplied, "ingress", "BlocksInApplied.applied (test_watchdog.py, line "),
    ],
)
def test_a_connector_that_blocks_the_loop_is_named_once_with_the_place(running, caplog, make, kind, where):
    caplog.set_level(logging.INFO, "dynamic_des")
    culprit, other = make(), MemoryEgress()
    env = running(egresses=[culprit, other]) if kind == "egress" else running(egresses=[other], ingresses=[culprit])
    try:
        assert wait_until(lambda: named(env), LIMIT_S)
        assert wait_until(lambda: named(env).seconds > 1.0, LIMIT_S)
        health = env.health()
        assert not health.ok
        assert health.block.connector == f"{kind} {make.__name__}"
        assert where in health.block.where
    finally:
        culprit.let_go.set()
    assert wait_until(lambda: not named(env), LIMIT_S)
    blocked = {one.name: one.blocked_seconds for one in [*env.health().egresses, *env.health().ingresses]}
    assert blocked.pop(make.__name__) >= 1.0
    assert set(blocked.values()) == {0.0}
    lines = [line for line in caplog.messages if "I/O loop" in line]
    assert len(lines) == 2
    assert lines[0].startswith(f"{kind} {make.__name__} blocks the I/O loop, and with it all other connectors, for 0.")
    assert where in lines[0]
    assert lines[1].startswith(f"{kind} {make.__name__} has let go of the I/O loop after ")


def test_one_that_blocks_again_and_again_is_warned_about_once(running, caplog):
    class Again(BlocksInWrite):
        async def write(self, batch):
            await super().write(batch)
            self.let_go.clear()

    egress = Again()
    env = running(egresses=[egress])
    for left in (2, 1, 0):
        assert wait_until(lambda: named(env), LIMIT_S)
        egress.let_go.set()
        assert wait_until(lambda: not named(env), LIMIT_S)
        if left:
            env._steering.arrivals.append(lambda: env.publish_event("a", 1))
            env._steering.wake()
    assert len([line for line in caplog.messages if "blocks the I/O loop" in line]) == 1
    assert env.health().egresses[0].blocked_seconds >= 1.0


def test_a_plain_write_that_blocks_is_not_accused(running, caplog):
    egress = faults.GatedThread()
    env = running(egresses=[egress])
    assert egress.entered.wait(LIMIT_S)
    answers = count_answers(env)
    assert wait_until(lambda: len(answers) > 20, LIMIT_S)  # for a second the loop gave signs of life
    egress.gate.set()
    assert env.health().block is None
    assert not [line for line in caplog.messages if "I/O loop" in line]


def test_those_that_wait_for_a_blocked_loop_are_not_called_stalled(running, monkeypatch):
    monkeypatch.setattr("dynamic_des.bridge.condition.STALL_AFTER_S", 0.8)
    blocking, waiting = BlocksInWrite(), faults.GatedThread()
    env = running(egresses=[waiting, blocking])
    try:
        assert wait_until(lambda: named(env), LIMIT_S)
        states = {one.name: one.state for one in env.health().egresses}
        assert wait_until(lambda: env.health().egresses[1].state == "stalled", LIMIT_S)
        assert states["GatedThread"] != "stalled"
        assert env.health().egresses[0].state != "stalled"
    finally:
        blocking.let_go.set()
        waiting.gate.set()


STOPPED = """
import sys, threading
from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress
from dynamic_des.bridge import monitor
monitor.LOOK_EVERY_S = 0.05
env = DynamicRealtimeEnvironment(factor=0)
env.setup_egress([MemoryEgress()])
for line in sys.stdin:
    print(env.health().block, env.health().ok, flush=True)
env.teardown()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process")
def test_a_process_that_was_stopped_accuses_nobody():
    command = [sys.executable, "-W", "error", "-c", STOPPED]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as twin:

        def ask():
            twin.stdin.write("\n")
            twin.stdin.flush()
            return twin.stdout.readline()

        wait_until(lambda: ask() == "None True\n", LIMIT_S)
        for _ in range(3):
            os.kill(twin.pid, signal.SIGSTOP)
            threading.Event().wait(1.0)  # what a stopped process does cannot be waited for
            os.kill(twin.pid, signal.SIGCONT)
            for _ in range(5):
                assert ask() == "None True\n"
                threading.Event().wait(0.05)
        _, errors = twin.communicate()
    assert errors == ""


def test_a_model_that_computes_accuses_nobody(caplog):
    with make_environment(factor=0) as env:
        env.setup_egress([MemoryEgress()])
        answers = count_answers(env)

        def model():
            for count in range(30):
                while len(answers) <= count:  # the loop is asked, and answers, while the model keeps computing
                    sum(range(1000))
                yield env.timeout(1)

        env.process(model())
        env.run()
    assert env.health().block is None
    assert not [line for line in caplog.messages if "I/O loop" in line]


LITTERED = """
import gc, sys, threading, time
from dynamic_des.bridge import watchdog

class Litter:
    def __init__(self):
        self.itself = self

    def __del__(self):
        time.sleep(0.0002)  # lets another thread run

def descend(depth):
    if depth:
        return descend(depth - 1)
    time.sleep(0.0001)

def spin():
    while True:
        descend(3)

def spawn():
    while True:
        thread = threading.Thread(target=descend, args=(2,), daemon=True)
        thread.start()
        thread.join()

for work in [spin] * 12 + [spawn] * 2:
    threading.Thread(target=work, daemon=True).start()
gc.set_threshold(7, 2, 2)
for count in range(2000):
    Litter()
    watchdog._innermost_frame(threading.get_ident())
    if count % 100 == 0:
        gc.collect()
print(gc.isenabled(), flush=True)
"""


def test_looks_of_several_twins_leave_the_garbage_collector_on():
    def look():
        for _ in range(10_000):
            watchdog._innermost_frame(threading.get_ident())

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
        on = gc.isenabled()
        gc.enable()
    assert on


def test_a_look_beside_the_garbage_collector_does_not_stop_the_process():
    # Python 3.11 alone does it within a second where the collector is not held back
    with subprocess.Popen([sys.executable, "-c", LITTERED], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.communicate(timeout=60)[0] == "True\n"
        finally:
            process.kill()
