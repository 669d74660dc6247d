"""What was seen to be lost, frozen or killed in comparable libraries is not here: one test for each."""

import asyncio

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.letters import Letters
from tests.bridge.test_faulty_sinks import PUBLISHED, books, publish

from dynamic_des import BaseIngress, CapacityConfig, DynamicResource, LocalIngress, MemoryEgress, SimParameter


def test_a_sink_that_freezes_before_the_end_is_said_and_counted(caplog):
    class Freezing(faults.Keeping):
        async def write(self, batch):
            if len(self.seqs) >= 1100:
                await asyncio.Event().wait()
            self.keep(batch)

    egress = Freezing()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, drain_timeout=0.1)
        publish(env)
        env.run()
        assert books(env) == {"written": 1100, "set aside": 0, "dropped": 0, "waiting": 900}
    assert env.report().lost == 900  # which the command line exits with 3 for
    assert "egress Freezing: 900 records are not written: it did not take them within drain_timeout" in caplog.text


@pytest.mark.parametrize("attempts", [1, 8])
def test_a_sink_that_is_down_at_the_start_gets_all_of_it(attempts):
    egress = faults.Absent(attempts)
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=100, flush_interval=0.01)
        publish(env)
        env.run()
    assert egress.seqs == list(range(1, PUBLISHED + 1))


def test_one_bad_record_is_kept_and_neither_the_sink_nor_its_batch_is_lost(tmp_path):
    egress, destination = faults.Encoding(), Letters()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], dead_letters=destination)
        for number in range(100):
            env.publish_event("e", {"x": object() if number == 41 else number})
        env.run()
    assert egress.seqs == [seq for seq in range(1, 101) if seq != 42]
    assert [value["record"]["seq"] for value in destination.values] == [42]
    assert env.report().lost == 0


def test_a_sink_that_raises_once_loses_nothing():
    egress = faults.FailsSometimes(2)
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=500)
        publish(env)
        env.run()
    assert egress.seqs == list(range(1, PUBLISHED + 1))


def test_a_change_of_capacity_wakes_all_who_wait_for_it_and_the_resource_as_well():
    woken, served = [], []
    with make_environment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("A", resources={"m": CapacityConfig(1, 5)}))
        machine = DynamicResource(env, "A", "m")
        value = env.registry.get("A.resources.m.current_cap")

        def watch(name):
            yield value.wait_for_change()
            woken.append((name, env.now))

        def work(name):
            with machine.request() as request:
                yield request
                served.append((name, env.now))
                yield env.timeout(10)

        for name in "abc":
            env.process(watch(name))
            env.process(work(name))
        env.setup_ingress([LocalIngress([(5, "A.resources.m.current_cap", 3)])])
        env.run(until=6)
    assert woken == [("a", 5), ("b", 5), ("c", 5)]
    assert served == [("a", 0), ("b", 5), ("c", 5)]


@pytest.mark.parametrize("factor", [0, 0.001])
def test_a_schedule_counts_simulation_time_at_every_factor(factor):
    seen = []
    with make_environment(factor=factor) as env:
        env.setup_ingress([LocalIngress([(5, "L.variables.n", 7)])])

        def model():
            yield env.registry.get("L.variables.n").wait_for_change()
            seen.append(env.now)

        env.process(model())
        env.run(until=20)
    assert seen == [5]


def test_each_of_several_sinks_gets_every_batch():
    egresses = [MemoryEgress() for _ in range(3)]
    with make_environment(factor=0) as env:
        env.setup_egress(egresses, batch_size=7)
        publish(env, 100)
        env.run()
    assert [[record["seq"] for record in egress.records] for egress in egresses] == [list(range(1, 101))] * 3


def test_a_sink_that_stops_ends_neither_the_run_nor_another_sink():
    good = MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([faults.GivesUp(1), good], batch_size=100)
        publish(env)
        env.run()
        assert env.now == pytest.approx(2.0)
    assert len(good.records) == PUBLISHED


def test_a_sink_that_hangs_freezes_no_clock():
    egress = faults.Gated()
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], drain_timeout=0.05)
        publish(env, 100, step=1)
        env.run()  # would not come back
        assert env.now == 100
        egress.gate.set()


def test_order_and_duplicates_can_be_told_downstream(env, sink):
    def model():
        for _ in range(3):
            env.publish_telemetry("x", 1)
            yield env.timeout(0.0001234)

    env.process(model())
    env.run()
    assert [record["seq"] for record in sink.records] == [1, 2, 3]
    assert [record["sim_ts"] for record in sink.records] == pytest.approx([0, 0.0001234, 0.0002468], abs=1e-15)


@pytest.mark.parametrize("form", ["messages", "queue"])
def test_a_malformed_item_kills_no_run_and_a_path_that_is_a_list_stops_no_twin(live_env, form):
    items = [("a", 1, 2), None, {"path": ["L", "n"], "value": 1}, "x", ("L.variables.n", 4)]

    class Custom(BaseIngress):
        if form == "queue":

            async def run(self, ingress_queue):
                for item in items:
                    ingress_queue.put(item)
        else:

            async def messages(self):
                for item in items:
                    yield item

    live_env.setup_ingress([Custom()])
    live_env.run()
    assert live_env.registry.get("L.variables.n").value == 4
    assert (live_env.changes_applied, live_env.changes_refused) == (1, 4)
