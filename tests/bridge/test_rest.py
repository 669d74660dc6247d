"""The bridge can be held still for a moment, so that the process can be forked, and goes on as if nothing had been."""

import os
import sys
import threading
import time

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.test_faulty_sinks import publish

from dynamic_des import BaseEgress, MemoryIngress


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


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_forked_meanwhile_finds_no_lock_held_and_the_twin_goes_on():
    egress = faults.GatedThread()
    egress.gate.set()
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=5, flush_interval=0, outbox_size=50)
        publish(env, 5000, step=1e-5)
        codes = []

        def forks():
            for _ in range(20):
                yield env.timeout(0.002)
                with env._bridge.at_rest() as restless:
                    assert restless == []
                    child = os.fork()
                    if child == 0:
                        _exit_after(lambda: env._bridge.sinks[0].outbox.put([(1, 0.0, False, "x", 1)]))
                codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        env.process(forks())
        env.run(until=0.1)
        assert codes == [0] * 20
    assert egress.seqs == list(range(1, 5001))


def _exit_after(work):
    """In a child: do the work in this, its only thread, and end without what belongs to the parent."""
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
