"""What an outbox cannot hold in memory goes over the disk: in order, within a bound, and nothing of it is lost."""

import errno
import threading

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.test_faulty_sinks import books, publish

from dynamic_des import MemoryEgress
from dynamic_des.bridge import overflow, spill
from dynamic_des.bridge.spill import SpillFile
from dynamic_des.errors import ConfigError


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(overflow, "_BLOCK", 50)
    monkeypatch.setattr(spill, "_SEGMENT_BYTES", 4096)
    monkeypatch.setattr(overflow, "_DISK_PAUSE_S", 0.01)


def never(sink):
    return False


def run_behind_a_gate(env, egress, count=20_000, opened_when=lambda sink: sink.outbox.on_disk > 5000):
    """Publish ``count`` records and open the egress's gate once the condition holds, or all is published."""
    publish(env, count, step=1e-6)
    env.process(_then(env, 0.5, egress.gate.set))
    over = threading.Event()

    def open_the_gate():
        sink = env._bridge.sinks[0]
        while not (opened_when(sink) or over.is_set()):
            over.wait(0.001)
        egress.gate.set()

    opener = threading.Thread(target=open_the_gate)
    opener.start()
    try:
        env.run(until=1)
    finally:
        over.set()
        opener.join()


@pytest.mark.parametrize("factor", [0, 0.001])
@pytest.mark.parametrize("kind", [faults.Gated, faults.GatedThread])
def test_a_sink_that_hangs_gets_everything_in_order_over_the_disk(factor, kind, caplog):
    egress = kind()
    with make_environment(factor=factor) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500, on_full="spill")
        run_behind_a_gate(env, egress)
        assert books(env) == {"written": 20_000, "set aside": 0, "dropped": 0, "waiting": 0}
    assert egress.seqs == list(range(1, 20_001))
    assert caplog.text.count("its outbox is full (500 records): more goes to disk") >= 1


def test_in_real_time_an_outbox_spills_unless_told_otherwise():
    egress = faults.Gated()
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500)
        run_behind_a_gate(env, egress)
    assert egress.seqs == list(range(1, 20_001))


def test_a_sink_that_hangs_delays_neither_the_clock_nor_another_sink():
    egress, other = faults.Gated(), MemoryEgress()
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=100)
        env.setup_egress([other], batch_size=100, outbox_size=100)
        run_behind_a_gate(env, egress, opened_when=lambda sink: len(other.records) >= 19_000)
        assert books(env, 0)["written"] == books(env, 1)["written"] == 20_000


def test_memory_stays_within_the_limit_and_a_little():
    egress, held = faults.Gated(), []
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500, on_full="spill")

        def look(sink):
            held.append(len(sink.outbox) + len(sink.outbox._overflow._tail))
            return sink.outbox.on_disk > 10_000

        run_behind_a_gate(env, egress, opened_when=look)
    assert max(held) <= 2 * 500 + 256 + 50


def test_beyond_the_limit_on_disk_the_oldest_are_dropped_counted_and_said(caplog):
    egress = faults.Gated()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500, on_full="spill", spill_limit=100_000)
        run_behind_a_gate(env, egress, opened_when=never)
        accounts = books(env)
    assert accounts["dropped"] > 5000
    assert accounts["written"] + accounts["dropped"] == 20_000
    assert accounts["waiting"] == accounts["set aside"] == 0
    assert len(egress.seqs) == accounts["written"]
    assert egress.seqs[-1000:] == list(range(19_001, 20_001))
    assert egress.seqs == sorted(set(egress.seqs))
    assert caplog.text.count("its outbox is full (memory and disk): the oldest are dropped") == 1


def test_a_disk_that_is_full_for_a_while_loses_nothing_that_memory_can_hold(monkeypatch, caplog):
    egress, refusals = faults.Gated(), []
    append = SpillFile.append

    def refuse(self, records):
        if len(refusals) < 3:
            refusals.append(len(records))
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, records)

    monkeypatch.setattr(SpillFile, "append", refuse)
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=5000)
        run_behind_a_gate(env, egress, count=8000, opened_when=lambda sink: len(refusals) == 3)
        assert books(env) == {"written": 8000, "set aside": 0, "dropped": 0, "waiting": 0}
    assert egress.seqs == list(range(1, 8001))
    assert caplog.text.count("the disk takes no more records: [Errno 28] No space left on device") == 1


def test_a_disk_that_stays_full_costs_the_oldest_records_and_never_the_clock(monkeypatch, caplog):
    egress = faults.Gated()

    def refuse(self, records):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SpillFile, "append", refuse)
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500)
        run_behind_a_gate(env, egress, opened_when=never)
        accounts = books(env)
    assert accounts["dropped"] > 10_000
    assert accounts["written"] + accounts["dropped"] == 20_000
    assert egress.seqs == sorted(set(egress.seqs))
    assert egress.seqs[-1] == 20_000
    assert caplog.text.count("the disk takes no more records") == 1


def test_a_block_that_cannot_be_read_back_is_counted_and_said(monkeypatch, caplog):
    egress, failures = faults.Gated(), []
    read = spill._Segment.read

    def fail_once(self):
        if not failures:
            failures.append(1)
            raise OSError(errno.EIO, "Input/output error")
        return read(self)

    monkeypatch.setattr(spill._Segment, "read", fail_once)
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500, on_full="spill")
        run_behind_a_gate(env, egress)
        assert books(env) == {"written": 19_950, "set aside": 0, "dropped": 50, "waiting": 0}
    assert "50 records on disk cannot be read back" in caplog.text
    assert egress.seqs == sorted(egress.seqs)


def test_a_disk_that_hangs_holds_a_publish_up_for_a_moment_once(monkeypatch):
    egress, unlock = faults.Gated(), threading.Event()
    append, waits = SpillFile.append, []
    monkeypatch.setattr(overflow, "_PATIENCE_S", 0.05)

    def hang(self, records):
        unlock.wait()
        append(self, records)

    monkeypatch.setattr(SpillFile, "append", hang)
    catch_up = overflow.Overflow.let_disk_catch_up

    def count(self):
        catch_up(self)
        waits.append(self._hangs)

    monkeypatch.setattr(overflow.Overflow, "let_disk_catch_up", count)
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500)
        publish(env, 5000, step=1e-6)
        env.process(_then(env, 1, unlock.set, egress.gate.set))
        env.run(until=2)
        accounts = books(env)
    assert all(waits[waits.index(True) :])
    assert accounts["written"] + accounts["dropped"] == 5000
    assert 1000 <= accounts["written"] < 2000  # memory, twice, and what the sink and the disk had in hand
    assert egress.seqs == sorted(egress.seqs)


def _then(env, delay, *actions):
    yield env.timeout(delay)
    for action in actions:
        action()


def test_what_no_file_can_hold_stays_in_memory_in_its_place():
    class Odd:
        def __reduce__(self):
            raise TypeError("cannot be pickled")

        def __deepcopy__(self, memo):
            return self

    odd = Odd()
    records = [(seq, 0.0, False, "x", odd if seq % 7 == 0 else seq) for seq in range(1, 101)]
    file = SpillFile(None)
    file.append(records[:60])
    file.append(records[60:])
    assert file.records == 100
    assert [file.read(), file.read()] == [(records[:60], {}), (records[60:], {})]
    assert (file.records, file.size) == (0, 0)


class OrderError(Exception):
    """Can be pickled, and then not be unpickled: what `Exception` keeps are not the arguments."""

    def __init__(self, order, why):
        super().__init__(f"{order}: {why}")


class ReadOnce:
    """Comes back from its bytes once, and never again."""

    read = 0

    def __setstate__(self, state):
        ReadOnce.read += 1
        if ReadOnce.read > 1:
            raise LookupError("it has gone")

    def __getstate__(self):
        return {"here": True}

    def __deepcopy__(self, memo):
        return self


def publish_one_odd(env, odd, count=10_000):
    for number in range(1, count + 1):
        env.publish_event("k", {"n": number, "odd": odd if number == count // 2 else None})


def test_a_record_that_would_not_come_back_from_the_disk_is_written_with_all_others():
    egress = faults.Gated()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500, on_full="spill")
        publish_one_odd(env, OrderError(1, "late"))
        env._hand_over()
        assert env._bridge.sinks[0].outbox.on_disk > 5000
        egress.gate.set()
        env.run()
        assert books(env) == {"written": 10_000, "set aside": 0, "dropped": 0, "waiting": 0}
    assert egress.seqs == list(range(1, 10_001))


def test_of_a_block_only_the_record_that_does_not_come_back_is_dropped_counted_and_said(monkeypatch, caplog):
    monkeypatch.setattr(ReadOnce, "read", 0)
    egress = faults.Gated()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=500, on_full="spill")
        publish_one_odd(env, ReadOnce())
        env._hand_over()
        egress.gate.set()
        env.run()
        assert books(env) == {"written": 9999, "set aside": 0, "dropped": 1, "waiting": 0}
    assert egress.seqs == [seq for seq in range(1, 10_001) if seq != 5000]
    assert "1 records on disk cannot be read back: record 5000: LookupError('it has gone')" in caplog.text


def test_the_file_gives_back_what_has_been_read(tmp_path):
    file = SpillFile(str(tmp_path))
    written = []
    for block in range(200):
        records = [(block * 50 + n, 0.0, True, "task", {"n": n, "text": "x" * 50}) for n in range(50)]
        written += records
        file.append(records)
    full = file.size
    back = [record for _ in range(150) for record in file.read()[0]]
    assert file.size < full / 2
    back += [record for _ in range(50) for record in file.read()[0]]
    assert back == written
    assert file.size == 0
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_sink_that_fails_for_good_with_a_full_disk_queue_ends_the_run_in_order(caplog):
    egress = faults.GivesUp(failing=2)
    with make_environment(factor=0.001) as env:
        env.setup_egress([egress], batch_size=10, outbox_size=100)
        publish(env, 20_000, step=1e-6)
        env.run(until=1)
        accounts = books(env)
    assert accounts["written"] == 10
    assert accounts["waiting"] == 19_990
    assert "the table was dropped. Create it." in caplog.text


def test_a_second_run_goes_on_with_what_spilled_in_the_first():
    egress = faults.Gated()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=200, on_full="spill", drain_timeout=0.5)
        publish(env, 5000, step=1)
        env.run(until=2500)
        assert books(env)["waiting"] > 2000
        egress.gate.set()
        env.run()
    assert egress.seqs == list(range(1, 5001))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"spill_dir": "/no/such/folder"}, "spill_dir is '/no/such/folder'. Give a folder that exists."),
        ({"spill_limit": 0}, "spill_limit is 0. Give a number of at least 1."),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(env, options, text):
    with pytest.raises(ConfigError, match="setup_egress: " + text.replace(".", r"\.")):
        env.setup_egress([MemoryEgress()], **options)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_million_records_over_the_disk_come_back_in_order(monkeypatch):
    monkeypatch.undo()
    egress = faults.Gated()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], outbox_size=10_000, on_full="spill", drain_timeout=300)
        publish(env, 1_000_000, step=1e-7)
        env.process(_then(env, 0.5, egress.gate.set))
        env.run(until=1)
    assert egress.seqs == list(range(1, 1_000_001))
