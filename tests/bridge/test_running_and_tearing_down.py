"""What a run and its end promise: everything is written, connectors stay open between runs, and nothing is left."""

import asyncio
import gc
import signal
import threading
import weakref

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.test_faulty_sinks import publish

from dynamic_des import BaseEgress, BaseIngress, DynamicRealtimeEnvironment, MemoryEgress, MemoryIngress, Message


def test_a_run_drains_and_keeps_the_connectors_open_and_a_second_one_goes_on():
    egress, source = faults.Keeping(), MemoryIngress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress])
        env.setup_ingress([source])
        publish(env, 700)
        env.run()
        assert egress.seqs == list(range(1, 701))
        assert egress.calls == ["open", 500, 200]
        source.send(("L.variables.n", 5))
        publish(env, 300)
        env.run(until=env.registry.get("L.variables.n").wait_for_change())
        env.run()
        assert egress.seqs == list(range(1, 1001))
        assert "close" not in egress.calls
    assert egress.calls[-1] == "close"
    assert egress.calls.count("open") == 1


@pytest.mark.parametrize("factor", [0, 0.001])
def test_an_exception_in_the_model_still_drains(factor):
    egress = MemoryEgress()
    with make_environment(factor=factor) as env:
        env.setup_egress([egress])

        def model():
            for number in range(10):
                env.publish_telemetry("x", number)
                yield env.timeout(1)
            raise ZeroDivisionError("in the model")

        env.process(model())
        with pytest.raises(ZeroDivisionError, match="in the model"):
            env.run()
        assert [value for _, _, value in egress.telemetry] == list(range(10))


def test_an_exception_in_the_with_block_still_writes():
    egress = MemoryEgress()

    def main():
        with make_environment(factor=0) as env:
            env.setup_egress([egress])
            env.publish_telemetry("x", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()
    assert len(egress.records) == 1


def test_what_is_published_outside_of_a_run_is_written_too(env, sink):
    env.publish_telemetry("x", 1)
    env.run()
    env.publish_telemetry("x", 2)
    env.teardown()
    env.publish_telemetry("x", 3)  # nobody listens any more
    assert [value for _, _, value in sink.telemetry] == [1, 2]


def test_tearing_down_twice_is_no_error(env, sink):
    env.publish_telemetry("x", 1)
    env.teardown()
    env.teardown()
    assert len(sink.records) == 1


def test_an_environment_may_be_connected_again_after_it_was_torn_down(env, sink):
    env.publish_telemetry("x", 1)
    env.teardown()
    second = MemoryEgress()
    env.setup_egress([second])
    env.publish_telemetry("x", 2)
    env.run()
    env.teardown()
    assert [record["seq"] for record in sink.records] == [1]
    assert [record["seq"] for record in second.records] == [2]


def test_after_a_teardown_a_run_in_real_time_does_not_wait_for_ingresses_that_are_gone():
    class Endless(BaseIngress):
        async def messages(self):
            yield ("L.variables.n", 1)
            await asyncio.Event().wait()

    for _ in range(20):
        with make_environment(factor=1) as env:
            env.setup_ingress([Endless(), Endless()])
            env.teardown()
            env.run()  # would wait for ever


def test_many_environments_leave_no_threads_behind():
    before = threading.active_count()
    for _ in range(100):
        with make_environment(factor=0) as env:
            env.setup_egress([faults.Blocking(), MemoryEgress(), faults.Seeds()])
            env.setup_ingress([MemoryIngress()])
            env.publish_telemetry("x", 1)
            env.run()
    assert threading.active_count() == before


def test_a_model_may_tear_down_its_own_environment(env, sink):
    def model():
        env.publish_telemetry("x", 1)
        yield env.timeout(1)
        env.teardown()
        yield env.timeout(1)
        env.publish_telemetry("x", 2)

    env.process(model())
    env.run()
    assert env.now == 2
    assert len(sink.records) == 1


def test_the_order_of_the_end_is_stop_apply_write_acknowledge_close():
    calls = []

    class Source(BaseIngress):
        async def messages(self):
            try:
                yield Message(("L.variables.n", 1), {"a": 1})
                await asyncio.Event().wait()
            finally:
                calls.append("stopped fetching")

        async def applied(self, position):
            calls.append("acknowledged")

        async def close(self):
            calls.append("closed")

    class Sink(BaseEgress):
        async def write(self, batch):
            calls.append(f"wrote {[record['path_id'] for record in batch]}")

        async def close(self):
            calls.append("closed")

    env = make_environment(factor=0)
    env.setup_egress([Sink()])
    env.setup_ingress([Source()])
    while not env._bridge.sources[0].received:
        env._steering._alarm.wait(0.01, unless=None)
    env.teardown()
    assert calls[0] == "stopped fetching"
    assert set(calls[1:3]) == {"acknowledged", "wrote ['system.changes']"}  # these two go on at the same time
    assert calls[3:] == ["closed", "closed"]


def test_a_connector_that_ignores_cancellation_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr("dynamic_des.bridge.source.PATIENCE_S", 0.02)
    monkeypatch.setattr("dynamic_des.bridge.sink.PATIENCE_S", 0.02)
    release = threading.Event()

    async def cling():
        while not release.is_set():
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                continue

    class Source(BaseIngress):
        async def messages(self):
            await cling()
            yield

    class Sink(BaseEgress):
        async def write(self, batch):
            release.set()

    egress = Sink()
    with make_environment(factor=0) as env:
        env.setup_ingress([Source()])
        env.setup_egress([egress])
        env.run()
        release_later = threading.Timer(0.1, release.set)
        release_later.start()
    release_later.join()


def test_a_forgotten_environment_is_written_and_closed_in_a_thread_of_its_own():
    closed, egress = threading.Event(), faults.Keeping()
    threads = []

    class Telling(faults.Keeping):
        async def close(self):
            threads.append(threading.current_thread().name)
            closed.set()

    egress = Telling()
    env = DynamicRealtimeEnvironment(factor=0, name="forgotten")
    env.setup_egress([egress])
    for _ in range(10):
        env.publish_telemetry("x", 1)
    gone = weakref.ref(env)
    del env
    gc.collect()
    assert gone() is None
    assert closed.wait(10)
    assert egress.seqs == list(range(1, 11))
    assert threads == ["dynamic-des forgotten"]


def test_a_forgotten_environment_may_be_collected_in_the_thread_that_its_sink_needs():
    collected = threading.Event()

    class Collecting(faults.Keeping):
        async def write(self, batch):
            gc.collect()
            self.keep(batch)
            collected.set()

    egress = Collecting()
    env = DynamicRealtimeEnvironment(factor=0)
    env.setup_egress([egress], batch_size=1)
    env.publish_telemetry("x", 1)
    env.publish_telemetry("x", 2)
    gc.disable()
    try:
        bridge = env._bridge
        del env
        bridge.hand_over()
        assert collected.wait(10)
    finally:
        gc.enable()
    assert egress.seqs[:1] == [1]


def test_a_signal_that_comes_too_late_for_the_run_is_raised_at_its_end(env, sink):
    def model():
        yield env.timeout(1)
        env.publish_telemetry("x", 1)
        signal.raise_signal(signal.SIGINT)

    done = env.process(model())
    with pytest.raises(KeyboardInterrupt):
        env.run(until=done)
    assert len(sink.records) == 1
    env.run()  # it was raised once, and not left over for this
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
