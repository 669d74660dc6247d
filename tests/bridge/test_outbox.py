"""What waits for a sink: how much, for how long, and what happens when it is full."""

import signal
import subprocess
import sys
import textwrap
import threading
from collections import deque

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.test_faulty_sinks import books, publish

from dynamic_des import BaseEgress, MemoryEgress
from dynamic_des.bridge.outbox import Outbox
from dynamic_des.bridge.record_queue import RecordQueue


@pytest.mark.parametrize("factor", [0, 0.001])
def test_block_holds_up_the_model_and_nothing_is_dropped(factor):
    egress = faults.Gated()
    with make_environment(factor=factor) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500, on_full="block")
        publish(env, 5000)
        reached = []

        def open_the_gate():
            egress.entered.wait()
            sink = env._bridge.sinks[0]
            while not sink.outbox.blocked:
                egress.gate.wait(0.001)
            reached.append(sink.outbox.waiting)
            egress.gate.set()

        opener = threading.Thread(target=open_the_gate)
        opener.start()
        env.run()
        opener.join()
        assert books(env) == {"written": 5000, "set aside": 0, "dropped": 0, "waiting": 0}
    assert egress.seqs == list(range(1, 5001))
    assert 500 <= reached[0] <= 500 + 256  # what is collected in the simulation thread may come on top


def test_a_blocked_publish_does_not_keep_from_other_sinks_what_is_published_already():
    egress, other = faults.Gated(), MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=200)
        env.setup_egress([other], batch_size=1)
        publish(env, 1000)
        ahead = []

        def open_the_gate():
            sink = env._bridge.sinks[0]
            while not sink.outbox.blocked:
                egress.gate.wait(0.001)
            while len(other.records) < sink.outbox.waiting:
                egress.gate.wait(0.001)
            ahead.append(len(other.records))
            egress.gate.set()

        opener = threading.Thread(target=open_the_gate)
        opener.start()
        env.run()
        opener.join()
    assert ahead[0] >= 200


@pytest.mark.parametrize("factor", [0, 0.001])
def test_drop_oldest_drops_the_oldest_counts_them_and_says_so(factor, caplog):
    egress = faults.Gated()
    with make_environment(factor=factor) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500, on_full="drop_oldest")

        def model():
            for number in range(5100):
                env.publish_telemetry("x", number)
                while number == 300 and not egress.entered.is_set():
                    yield env.timeout(1e-6)
                yield env.timeout(1e-6)
            egress.gate.set()

        env.process(model())
        env.run()
        accounts = books(env)
    assert accounts["waiting"] == accounts["set aside"] == 0
    assert accounts["dropped"] > 4000
    assert accounts["written"] + accounts["dropped"] == 5100
    assert len(egress.seqs) == accounts["written"]
    assert egress.seqs == sorted(egress.seqs)
    assert egress.seqs[-500:] == list(range(4601, 5101))
    assert caplog.text.count("its outbox is full (500 records): the oldest are dropped") == 1
    assert f"{accounts['dropped']} records dropped" in caplog.text


def test_an_outbox_smaller_than_a_batch_is_written_in_smaller_batches():
    egress = faults.Keeping()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=500, outbox_size=10)
        publish(env, 1000)
        env.run()
    assert egress.seqs == list(range(1, 1001))
    assert max(call for call in egress.calls if isinstance(call, int)) == 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_blocked_publish_answers_a_signal(number):
    script = textwrap.dedent("""
        import asyncio, sys
        from dynamic_des import BaseEgress, DynamicRealtimeEnvironment
        class Hangs(BaseEgress):
            async def write(self, batch):
                print("hangs", flush=True)
                await asyncio.Event().wait()
        env = DynamicRealtimeEnvironment(factor=0)
        env.setup_egress([Hangs()], outbox_size=300, batch_size=100, drain_timeout=0.1)
        def model():
            while True:
                yield env.timeout(1)
                env.publish_telemetry("x", env.now)
        env.process(model())
        try:
            env.run()
        except KeyboardInterrupt:
            print("interrupted")
        finally:
            print("now", env.now)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "hangs\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert ("interrupted" in out) == (number == signal.SIGINT)
    assert "records are not written: it did not take them within drain_timeout=0.1 s" in err
    assert "Traceback" not in err


def test_after_a_signal_that_was_caught_the_next_run_blocks_again():
    egress = faults.Gated()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], outbox_size=10, drain_timeout=0.01)
        env._bridge.release()
        publish(env, 300)
        env.run(until=env.timeout(0))
        outbox = env._bridge.sinks[0].outbox
        assert not outbox._released
        egress.gate.set()


def test_batches_are_full_at_factor_0_and_the_rest_comes_at_the_end(env):
    egress = MemoryEgress()
    env.setup_egress([egress], batch_size=300)
    publish(env, 1000)
    env.run()
    assert egress.batches == [300, 300, 300, 100]


def test_at_factor_0_a_flush_interval_counts_simulated_seconds(env):
    egress = MemoryEgress()
    env.setup_egress([egress], batch_size=300, flush_interval=10)
    publish(env, 100, step=1)
    env.run()
    assert egress.batches == [10] * 10
    assert [record["sim_ts"] for record in egress.records] == list(range(100))


def test_at_factor_0_records_of_one_instant_are_never_cut_by_the_flush_interval(env):
    egress = MemoryEgress()
    env.setup_egress([egress], batch_size=300, flush_interval=0)

    def model():
        for count in (1, 5, 400):
            yield env.timeout(1)
            for number in range(count):
                env.publish_telemetry("x", number)

    env.process(model())
    env.run()
    assert egress.batches == [1, 5, 300, 100]


def test_at_factor_0_a_flush_does_not_wait_for_the_end_of_the_run(env):
    egress = MemoryEgress()
    env.setup_egress([egress], batch_size=300, flush_interval=10)

    def model():
        yield env.timeout(1)
        env.publish_telemetry("x", 1)
        yield env.timeout(10)
        env.publish_telemetry("x", 2)
        while not egress.records:  # flat out: what is due is handed over within a moment of wall time
            yield env.timeout(0.001)

    env.process(model())
    env.run()
    assert [record["value"] for record in egress.records] == [1, 2]


def test_in_real_time_fewer_are_written_after_the_flush_interval():
    egress = MemoryEgress()
    with make_environment(factor=1) as env:
        env.setup_egress([egress], batch_size=1000, flush_interval=0.02)
        arrived = env.event()

        def model():
            env.publish_telemetry("x", 1)
            while not egress.records:
                yield env.timeout(0.001)
            arrived.succeed()

        env.process(model())
        env.run(until=arrived)
        assert egress.batches == [1]


def test_in_real_time_a_full_batch_does_not_wait_for_the_flush_interval():
    egress = MemoryEgress()
    with make_environment(factor=1) as env:
        env.setup_egress([egress], batch_size=10, flush_interval=3600)
        arrived = env.event()

        def model():
            for number in range(25):
                env.publish_telemetry("x", number)
            while len(egress.records) < 20:
                yield env.timeout(0.001)
            arrived.succeed()

        env.process(model())
        env.run(until=arrived)
        assert egress.batches == [10, 10, 5]


def test_a_model_that_lags_and_never_rests_still_has_its_records_flushed():
    egress = MemoryEgress()
    with make_environment(factor=1e-9, lag_monitor_interval=0) as env:
        env.setup_egress([egress], flush_interval=0)
        arrived = env.event()

        def model():
            env.publish_telemetry("x", 1)
            while not egress.records:
                yield env.timeout(1)  # due in the past at once: the clock is always behind
            arrived.succeed()

        env.process(model())
        env.run(until=arrived)


def test_a_flood_of_model_records_does_not_starve_the_system_records():
    class Both(BaseEgress):
        system = 0
        written = 0
        flood = True
        outbox = None

        async def write(self, batch):
            if batch.system:
                self.system += len(batch)
            else:
                self.written += len(batch)
                if self.flood:  # as many come as go: there is always a full batch
                    self.outbox.put([(self.written, 0.0, True, "x", 1)] * len(batch))

    egress = Both()
    with make_environment(factor=1, lag_monitor_interval=0) as env:
        env.setup_egress([egress], batch_size=10, flush_interval=0.01)
        egress.outbox = env._bridge.sinks[0].outbox

        def model():
            for number in range(20):
                env.publish_event("x", number)
            yield env.timeout(0.1)  # ten intervals of flood
            before = egress.system
            env.post("L.variables.n", 1)
            for _ in range(2000):
                if egress.system > before:
                    break
                yield env.timeout(0.01)
            egress.flood = False
            assert egress.system > before
            assert egress.written > 100

        env.run(until=env.process(model()))


def test_system_records_have_batches_and_numbers_of_their_own():
    class Watching(BaseEgress):
        def __init__(self):
            self.batches = []

        async def write(self, batch):
            self.batches.append((batch.system, list(batch)))

    egress = Watching()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=3)
        for number in range(10):
            env.publish_telemetry("x", number)
            env.publish_event(f"task-{number}", {"n": number})
            env.post("L.variables.n", number + 1)
        env.run()
    model = [record for system, batch in egress.batches if not system for record in batch]
    system = [record for system, batch in egress.batches if system for record in batch]
    assert [record["seq"] for record in model] == list(range(1, 21))
    assert [record["sys_seq"] for record in system] == list(range(1, 11))
    assert all("sys_seq" not in record for record in model)
    assert all("seq" not in record and record["path_id"].startswith("system.") for record in system)
    assert all(len(batch) <= 3 for _, batch in egress.batches)


def test_seq_numbers_every_publication_whatever_sinks_there_are(env):
    env.publish_event("before", {})
    env.publish_telemetry("before", 1)
    egress = MemoryEgress()
    env.setup_egress([egress])
    env.publish_event("after", {})
    env.run()
    env.publish_telemetry("between two runs", 1)
    env.run()
    assert [record["seq"] for record in egress.records] == [3, 4]


def test_what_is_just_being_taken_is_never_overlooked():
    """The end of a run asks from another thread whether something waits, at any moment of the taking."""

    def look():
        seen.append((outbox.empty, outbox.waiting))

    class WatchedQueue(RecordQueue):
        def take(self, count):
            look()
            taken = super().take(count)
            look()
            return taken

    class Watched(deque):
        def popleft(self):
            look()
            taken = super().popleft()
            look()
            return taken

    seen, records = [], [(1, 0.0, True, "a", {}), (2, 0.0, True, "b", {})]
    outbox = Outbox("watched", 10, "block", batch_size=5, wake=lambda: None)
    outbox._records, outbox._system = WatchedQueue(), Watched()
    outbox.put(records)
    assert list(outbox.take(5)) == records
    assert seen == [(False, 4), (False, 2)]
    outbox.done(2)
    seen.clear()
    outbox.put_system("s")
    assert outbox.take_system(5) == ["s"]
    assert [empty for empty, _ in seen] == [False, False]
