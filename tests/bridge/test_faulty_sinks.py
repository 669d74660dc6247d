"""Whatever goes wrong in a sink: every record is accounted for, in order, once, and the others do not notice."""

import asyncio
import logging
import threading

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment

from dynamic_des import BaseEgress, MemoryEgress
from dynamic_des.errors import ConfigError, EncodeError, PermanentError

PUBLISHED = 2000


def publish(env, count=PUBLISHED, step=0.001):
    """A model that publishes ``count`` records, one each step."""

    def model():
        for number in range(count):
            env.publish_telemetry("L.x", number)
            yield env.timeout(step)

    env.process(model())


def books(env, place=0):
    """What became of the records, in the accounts of one sink."""
    sink = env._bridge.sinks[place]
    return {
        "written": sink.written,
        "set aside": sink.set_aside,
        "dropped": sink.outbox.dropped,
        "waiting": sink.outbox.waiting,
    }


def run_with(egress, factor, **options):
    """Run the model with a faulty egress and a good one; return the accounts of the faulty one."""
    good = MemoryEgress()
    with make_environment(factor=factor) as env:
        env.setup_egress([egress], batch_size=100, **options)
        env.setup_egress([good], batch_size=100)
        publish(env)
        env.run()
        accounts = books(env)
        assert sum(accounts.values()) == PUBLISHED
        assert books(env, 1)["written"] == PUBLISHED
    assert [record["seq"] for record in good.records] == list(range(1, PUBLISHED + 1))
    return accounts


EVERYTHING = list(range(1, PUBLISHED + 1))
RECOVERING = {
    "fails once": lambda: faults.FailsSometimes(3),
    "fails in the first write": lambda: faults.FailsSometimes(1),
    "fails several times": lambda: faults.FailsSometimes(2, 3, 4, 5, 9, 20, 21),
    "absent at the start": lambda: faults.Absent(4),
    "slow": faults.Slow,
    "blocking": faults.Blocking,
    "blocking and failing": lambda: faults.Blocking(1, 2, 7),
    "the seeds' form": faults.Seeds,
    "the seeds' form, raising": lambda: faults.Seeds({1, 5, 6}),
    "the seeds' form, looking first": faults.SeedsAskingFirst,
    "the seeds' form, in a thread": faults.SeedsInAThread,
}


@pytest.mark.parametrize("factor", [0, 0.001])
@pytest.mark.parametrize("make", RECOVERING.values(), ids=RECOVERING.keys())
def test_a_sink_that_recovers_gets_everything_once_and_in_order(make, factor):
    egress = make()
    accounts = run_with(egress, factor)
    assert egress.seqs == EVERYTHING
    assert accounts == {"written": PUBLISHED, "set aside": 0, "dropped": 0, "waiting": 0}


def test_a_plain_write_runs_in_one_thread_of_its_own():
    egress = faults.Blocking()
    run_with(egress, 0)
    assert egress.threads == {"write Blocking"}


def test_a_sink_is_closed_and_opened_again_after_a_failed_write():
    egress = faults.FailsSometimes(2)
    run_with(egress, 0)
    assert egress.calls == ["open", 100, "close", "open", *[100] * 19, "close"]


def test_the_seeds_form_is_cancelled_at_the_end():
    egress = faults.Seeds()
    run_with(egress, 0)
    assert egress.ends == ["cancelled"]


def test_the_seeds_form_that_returns_is_said_and_started_again(caplog):
    class Returning(faults.Seeds):
        async def run(self, egress_queue):
            while egress_queue.empty():
                await asyncio.sleep(0.001)
            batch = egress_queue.get_nowait()
            if len(self.seqs) < 300:
                self.seqs.extend(record["seq"] for record in batch)
                return
            await super().run(egress_queue)

    run_with(Returning(), 0)
    assert "Returning.run(queue) returned. It has to run until cancelled." in caplog.text


@pytest.mark.parametrize("make", [faults.Gated, faults.GatedThread])
def test_the_clock_does_not_wait_for_a_sink_that_hangs(make, caplog):
    egress, good = make(), MemoryEgress()
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=100, drain_timeout=0.05)
        env.setup_egress([good])
        publish(env)
        env.run()  # would never come back if it waited
        assert env.now == pytest.approx(2.0)
        assert egress.seqs == []
        assert books(env) == {"written": 0, "set aside": 0, "dropped": 0, "waiting": PUBLISHED}
        assert len(good.records) == PUBLISHED
        assert "egress Gated" in caplog.text
        assert f"{PUBLISHED} records are not written: it did not take them within drain_timeout=0.05" in caplog.text
        egress.gate.set()
        publish(env, 10)
        env._bridge.sinks[0].options.__dict__["drain_timeout"] = 10.0
        env.run()
        assert egress.seqs == list(range(1, PUBLISHED + 11))
    assert len(good.records) == PUBLISHED + 10


@pytest.mark.parametrize("make", [faults.Gated, faults.GatedThread])
def test_a_sink_that_hangs_for_ever_does_not_hold_up_the_end(make, caplog):
    egress = make()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], drain_timeout=0.05)
        publish(env, 10)
        env.run()
    egress.gate.set()  # lets the thread of the test go
    assert "10 records are not written" in caplog.text


def test_a_sink_that_comes_back_late_gets_everything():
    egress = faults.Absent(10**9)
    with make_environment(factor=0) as env:
        env.setup_egress([egress], drain_timeout=0.02, batch_size=100)
        publish(env)
        env.run()
        assert books(env) == {"written": 0, "set aside": 0, "dropped": 0, "waiting": PUBLISHED}
        egress.attempts = 0
        env._bridge.sinks[0].options.__dict__["drain_timeout"] = 10.0
    assert egress.seqs == EVERYTHING


def test_a_refused_record_is_set_aside_and_the_rest_goes_out(caplog):
    egress = faults.Refusing(50, 1234)
    accounts = run_with(egress, 0)
    assert egress.seqs == [seq for seq in EVERYTHING if seq not in (50, 1234)]
    assert accounts == {"written": PUBLISHED - 2, "set aside": 2, "dropped": 0, "waiting": 0}
    assert "egress Refusing: 1 of 100 records set aside; seq 50: violates a constraint" in caplog.text
    assert "egress Refusing: 1998 records written, 2 records set aside" in caplog.text


def test_a_record_that_cannot_be_encoded_is_set_aside_once_and_the_rest_goes_out(caplog):
    class Retrying(faults.Encoding):
        left = 3

        async def write(self, batch):
            if batch.system:
                return
            batch.encode(self)
            if self.left:
                self.left -= 1
                raise ConnectionError("connection reset")
            for record, line in zip(batch, batch.encode(self), strict=True):
                self.seqs.extend([record["seq"]] if line else [])

        def serialize(self, topic, data):
            if data["value"] == 7:
                raise EncodeError("no sevens")
            return b"x"

    egress = Retrying()
    with make_environment(factor=0) as env:
        env.setup_egress([egress])
        for number in range(10):
            env.publish_telemetry("x", number)
        env.run()
        assert books(env) == {"written": 9, "set aside": 1, "dropped": 0, "waiting": 0}
    assert egress.seqs == [1, 2, 3, 4, 5, 6, 7, 9, 10]
    assert caplog.text.count("seq 8: EncodeError: no sevens") == 1


def test_a_system_record_that_cannot_be_encoded_is_counted_and_said(caplog):
    with make_environment(factor=0) as env:
        env.setup_egress([faults.Encoding()])
        env.post("L.variables.name", object())
        env.run()
    assert "1 of 1 records set aside; sys_seq 1: EncodeError: JSON: a object has no JSON form" in caplog.text
    assert "egress Encoding: 0 records written, 1 system records lost" in caplog.text


def test_a_sink_that_fails_for_good_gets_nothing_more_keeps_no_memory_and_is_said(caplog):
    egress = faults.GivesUp(3)
    accounts = run_with(egress, 0, outbox_size=200)  # far smaller than what is published: it may not block either
    assert egress.seqs == EVERYTHING[:200]
    assert egress.writes == 3
    assert accounts == {"written": 200, "set aside": 0, "dropped": 0, "waiting": PUBLISHED - 200}
    assert "egress GivesUp: failed: the table was dropped. Create it." in caplog.text
    assert "egress GivesUp: 1800 records are not written: the table was dropped. Create it." in caplog.text


def test_what_waits_for_a_failed_sink_is_counted_and_not_kept():
    egress = faults.GivesUp(1)
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100)
        publish(env)
        env.run()
        assert len(env._bridge.sinks[0].outbox) == 0
        assert books(env)["waiting"] == PUBLISHED


def test_a_permanent_error_at_the_start_is_said_and_the_run_goes_on(caplog):
    class Locked(faults.Keeping):
        async def open(self, run):
            await super().open(run)
            raise PermanentError("wrong password. Set the right one.")

    egress = Locked()
    assert run_with(egress, 0, outbox_size=100)["waiting"] == PUBLISHED
    assert egress.calls == ["open", "close"]
    assert caplog.text.count("wrong password") == 2  # when it failed, and at the end of the run


@pytest.mark.parametrize("returned", [True, 100, "done", [1, 2], [(10**9, "no such record")], object()])
def test_a_write_that_returns_something_else_has_written(returned, caplog):
    class Talkative(faults.Keeping):
        async def write(self, batch):
            self.keep(batch)
            return returned

    egress = Talkative()
    assert run_with(egress, 0)["written"] == PUBLISHED
    assert egress.seqs == EVERYTHING


def test_a_plain_write_may_return_something_to_be_awaited():
    class Decorated(faults.Keeping):
        def write(self, batch):
            return super().write(batch)

    egress = Decorated()
    assert run_with(egress, 0)["written"] == PUBLISHED
    assert egress.seqs == EVERYTHING


def test_a_close_that_raises_or_hangs_is_no_end(monkeypatch):
    monkeypatch.setattr("dynamic_des.bridge.sink.PATIENCE_S", 0.02)

    class Stubborn(faults.FailsSometimes):
        async def close(self):
            await super().close()
            if self.calls.count("close") % 2:
                raise ConnectionError("already gone")
            await asyncio.Event().wait()

    egress = Stubborn(2, 3, 5)
    run_with(egress, 0)
    assert egress.seqs == EVERYTHING


def test_a_failure_is_logged_once_for_all_its_retries(caplog):
    caplog.set_level(logging.INFO)
    run_with(faults.FailsSometimes(2, 3, 4, 5, 6), 0)
    said = [record.getMessage() for record in caplog.records if "ConnectionError" in record.getMessage()]
    assert len(said) == 1
    assert said[0].startswith("egress FailsSometimes: connecting: ConnectionError: connection reset (")
    assert [record.getMessage() for record in caplog.records if "again" in record.getMessage()] == [
        "egress FailsSometimes: up again"
    ]


def test_no_two_writes_overlap():
    class Watching(faults.Keeping):
        inside = 0

        async def write(self, batch):
            self.inside += 1
            await asyncio.sleep(0)
            assert self.inside == 1
            self.inside -= 1
            self.keep(batch)

    egress = Watching()
    assert run_with(egress, 0)["written"] == PUBLISHED


def test_a_write_that_waits_for_nothing_leaves_a_turn_to_the_other_sinks():
    turns, gate = [], threading.Event()

    class Busy(faults.Keeping):
        async def open(self, run):
            while not gate.is_set():
                await asyncio.sleep(0.001)

        async def write(self, batch):
            turns.append(self)
            self.keep(batch)

    with make_environment(factor=0) as env:
        env.setup_egress([Busy(), Busy()], batch_size=10)
        for number in range(1000):
            env.publish_event("a", number)
        env._bridge.hand_over()  # everything waits for both
        gate.set()
    assert len(turns) == 200
    assert len(set(turns[-20:])) == 2


def test_several_sinks_each_get_everything():
    egresses = [MemoryEgress() for _ in range(4)]
    with make_environment(factor=0) as env:
        env.setup_egress(egresses[:3], batch_size=7)
        env.setup_egress({"last": egresses[3]}, batch_size=1000)
        publish(env)
        env.run()
        assert [sink.name for sink in env._bridge.sinks] == ["MemoryEgress", "MemoryEgress-2", "MemoryEgress-3", "last"]
    assert egresses[0].records == egresses[1].records == egresses[2].records == egresses[3].records
    assert len(egresses[0].records) == PUBLISHED


def test_an_egress_set_up_later_gets_what_is_published_from_then_on(env, sink):
    env.publish_telemetry("x", 1)
    late = MemoryEgress()
    env.setup_egress([late])
    env.publish_telemetry("x", 2)
    env.run()
    assert [record["seq"] for record in sink.records] == [1, 2]
    assert [record["seq"] for record in late.records] == [2]


def test_an_egress_that_cannot_write_is_refused(env):
    class Nothing(BaseEgress):
        pass

    with pytest.raises(ConfigError, match="Nothing: overrides neither write nor run"):
        env.setup_egress([Nothing()])


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("batch_size", 0, "batch_size is 0. Give a number of at least 1."),
        ("batch_size", 2.5, "batch_size is 2.5. Give a whole number."),
        ("flush_interval", -1, "flush_interval is -1. Give a number of at least 0."),
        ("flush_interval", float("nan"), "flush_interval is nan."),
        ("drain_timeout", "30", "drain_timeout is '30'."),
        ("outbox_size", True, "outbox_size is True."),
        ("on_full", "spil", "on_full is 'spil'. Give 'block', 'spill', 'drop_oldest'."),
        ("outboxsize", 5, "'outboxsize' is no option. Did you mean 'outbox_size'?"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(env, option, value, text):
    with pytest.raises(ConfigError) as error:
        env.setup_egress([MemoryEgress()], **{option: value})
    assert text in str(error.value)
