"""The bridge can be held still for a moment, so that the process can be forked, and goes on as if nothing had been."""

import os
import signal
import sys
import threading
import time
from functools import partial

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.test_faulty_sinks import publish
from tests.bridge.test_interpreter_exit import run_script, sequence_in

from dynamic_des import BaseEgress, BaseIngress, MemoryEgress, MemoryIngress
from dynamic_des.serializers import MessageDeserializer


def forking(test):
    """Mark a test that forks."""
    ignored = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    return ignored(pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")(test))


class Counting(BaseEgress):
    calls = 0

    async def write(self, batch):
        self.calls += 1


class CountingThread(Counting):
    def write(self, batch):
        self.calls += 1


def test_nothing_is_written_and_nothing_comes_in_while_it_rests():
    egresses, ingress = [Counting(), CountingThread()], MemoryIngress()
    with make_environment(factor=0.001) as env:
        env.setup_egress(egresses, batch_size=10, flush_interval=0)
        env.setup_ingress([ingress])
        counts = []

        def model():
            for number in range(400):
                env.publish_telemetry("x", number)
                yield env.timeout(0.001)
            with env._bridge.at_rest() as restless:
                counts.append([egress.calls for egress in egresses])
                ingress.send(("L.variables.n", 7))
                time.sleep(0.05)  # long enough for a thread that does not rest
                counts.append([egress.calls for egress in egresses])
                counts.append(len(env._steering.arrivals))
                assert restless == []
            yield env.process(wait_for_change(env))
            for number in range(400):
                env.publish_telemetry("x", number)

        env.run(until=env.process(model()))
        report = env.report()
    assert counts[0] == counts[1]
    assert counts[2] == 0
    assert env.registry.get("L.variables.n").value == 7
    assert [sink.written for sink in report.sinks] == [800, 800]


def wait_for_change(env):
    variable = env.registry.get("L.variables.n")
    while variable.value != 7:
        yield variable.wait_for_change()


@forking
def test_a_child_forked_meanwhile_finds_no_lock_held_and_the_twin_goes_on():
    egress = faults.GatedThread()
    egress.gate.set()
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=5, flush_interval=0, outbox_size=50)
        publish(env, 5000, step=1e-5)
        codes = []

        def forks():
            outbox = env._bridge.sinks[0].outbox
            for _ in range(20):
                yield env.timeout(0.002)
                with env._bridge.at_rest() as restless:
                    assert restless == []
                    child = os.fork()
                    if child == 0:
                        _exit_after(partial(outbox.put, [(1, 0.0, False, "x", 1)]))
                codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        env.process(forks())
        env.run(until=0.1)
        assert codes == [0] * 20
    assert egress.seqs == list(range(1, 5001))


def _exit_after(work):
    """In a child: do the work in this, its only thread, and end without what belongs to the parent."""
    signal.alarm(20)  # a child that hangs is killed
    try:
        work()
        assert threading.active_count() == 1 or sys.version_info < (3, 12)
        os._exit(0)
    finally:
        os._exit(1)


@pytest.mark.parametrize("kind", [faults.GatedThread])
def test_a_call_that_goes_on_is_named_and_does_not_hinder_the_rest(kind):
    egress = kind()
    with make_environment(factor=0) as env:
        env.setup_egress({"stuck": egress}, batch_size=1, drain_timeout=0.01)
        publish(env, 2)
        env.run()
        egress.entered.wait()
        with env._bridge.at_rest(timeout_s=0.05) as restless:
            assert restless == ["stuck"]
        egress.gate.set()
    assert egress.seqs == [1, 2]


class OneMessage(BaseIngress):
    async def messages(self):
        yield b'{"path": "L.variables.n", "value": 7}'


class StuckDeserializer(MessageDeserializer):
    def __init__(self):
        self.entered, self.gate = threading.Event(), threading.Event()

    def deserialize(self, topic, payload):
        self.entered.set()
        self.gate.wait(20)
        return {"path": "L.variables.n", "value": 7}


def test_a_source_and_a_sink_of_one_name_both_rest():
    stuck = StuckDeserializer()
    with make_environment(factor=0) as env:
        env.setup_ingress({"kafka": OneMessage()}, deserializer=stuck)
        env.setup_egress({"kafka": MemoryEgress()})
        assert stuck.entered.wait(20)
        with env._bridge.at_rest(timeout_s=0.05) as restless:
            assert restless == ["kafka"]
        stuck.gate.set()


@forking
def test_the_monitor_rests_too_and_a_child_can_publish_what_is_new_meanwhile():
    published = threading.Event()
    with make_environment(factor=1) as env:
        env.setup_egress([MemoryEgress()])
        monitor, publish_of_monitor = env._bridge.monitor, env._bridge.monitor._publish

        def publish_and_note(path, value):
            published.set()
            publish_of_monitor(path, value)

        monitor._publish = publish_and_note
        with env._bridge.at_rest() as restless:
            assert restless == []
            env._bridge.sinks[0].condition.trouble("test", "the table is gone")
            assert not published.wait(0.3)  # longer than from one look to the next
            child = os.fork()
            if child == 0:
                _exit_after(lambda: env._publish_system("system.x", 1))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert published.wait(20)


def test_a_monitor_that_does_not_rest_is_named_and_holds_no_lock_that_the_rest_needs():
    entered, gate = threading.Event(), threading.Event()
    with make_environment(factor=1) as env:
        env.setup_egress([MemoryEgress()])

        def hang(path, value):
            entered.set()
            gate.wait(20)

        env._bridge.monitor._publish = hang
        env._bridge.sinks[0].condition.trouble("test", "the table is gone")
        assert entered.wait(20)
        with env._bridge.at_rest(timeout_s=0.05) as restless:
            assert restless == ["the monitor"]
            env._publish_system("system.x", 1)
        gate.set()


CHILD_THAT_EXITS = """
import os, signal, sys, warnings
from dynamic_des import DynamicRealtimeEnvironment, FileEgress, MemoryIngress, SimParameter
warnings.simplefilter("ignore", DeprecationWarning)  # a fork of several threads is what this is about
env = DynamicRealtimeEnvironment(factor=0.001)
env.registry.register_sim_parameter(SimParameter(sim_id="L", variables={"x": 0.0}))
env.setup_egress([FileEgress(sys.argv[1], system=False)])
env.setup_ingress([MemoryIngress()])

def model():
    for number in range(100):
        env.publish_telemetry("x", number)
        yield env.timeout(0.1)
        if number == 50:
            with env._bridge.at_rest():
                child = os.fork()
            if child == 0:
                signal.alarm(20)  # a child that hangs is killed
                env.publish_telemetry("x", "of the child")
                sys.exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize(
    "end", ["env.run(env.process(model()))", "with env:\n    env.run(env.process(model()))"], ids=["forgotten", "with"]
)
def test_a_child_that_exits_in_the_ordinary_way_leaves_the_connectors_to_its_parent(tmp_path, end):
    out = tmp_path / "out.jsonl"
    run_script(CHILD_THAT_EXITS + end, out)
    assert sequence_in(out) == list(range(1, 101))
    assert "of the child" not in out.read_text()
