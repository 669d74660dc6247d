"""Which records an egress gets: ``when``."""

import pytest
from tests.bridge import faults
from tests.bridge.conftest import make_environment
from tests.bridge.test_faulty_sinks import books, publish

from dynamic_des import MemoryEgress
from dynamic_des.errors import ConfigError


def only_even(record):
    return record["seq"] % 2 == 0


@pytest.mark.parametrize("factor", [0, 0.001])
def test_an_egress_gets_what_its_filter_lets_through_and_the_others_get_everything(factor):
    filtered, all_of_it = MemoryEgress(), MemoryEgress()
    with make_environment(factor=factor) as env:
        env.setup_egress([filtered], batch_size=100, when=lambda record: record.get("value") in (3, 700))
        env.setup_egress([all_of_it])
        publish(env, 1000)
        env.run()
        report = env.report().sinks[0]
    assert [record["seq"] for record in filtered.records] == [4, 701]
    assert len(all_of_it.records) == 1000
    assert (report.written, report.filtered, report.lost) == (2, 998, 0)


def test_the_filter_sees_the_records_as_the_egress_does():
    seen, egress = [], MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], when=lambda record: seen.append(record) or True)
        env.publish_event("task-1", {"status": "queued"})
        env.publish_telemetry("L.queue", 3)
        env.post("L.variables.n", 1)
        env.run()
    assert seen == egress.records + egress.system
    assert [record["stream_type"] for record in seen] == ["event", "telemetry", "telemetry"]


def test_system_records_pass_the_filter_too():
    egress = MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], when=lambda record: record["stream_type"] == "event")
        env.post("L.variables.n", 1)
        env.publish_event("task-1", {})
        env.run()
    assert [record["key"] for record in egress.records] == ["task-1"]
    assert egress.system == []


def test_a_filter_that_raises_sets_that_record_aside_alone(caplog):
    egress = MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=10, when=lambda record: record["value"]["status"] == "done")
        for number in range(20):
            env.publish_event(f"task-{number}", {"status": "done"})
        env.publish_telemetry("L.queue", 7)
        env.run()
        assert books(env) == {"written": 20, "set aside": 1, "dropped": 0, "waiting": 0}
    assert len(egress.records) == 20
    assert "1 of 1 records set aside; seq 21: when: TypeError: 'int' object is not subscriptable" in caplog.text


def test_what_the_filter_cannot_judge_goes_to_the_dead_letters():
    egress, letters = MemoryEgress(), MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([egress], when=lambda record: record["value"]["status"], dead_letters=letters)
        env.publish_telemetry("L.queue", 7)
        env.run()
    (letter,) = (letter["value"] for letter in letters.records)
    assert letter["record"]["value"] == 7
    assert letter["reason"] == "when: TypeError: 'int' object is not subscriptable"


def test_a_filtered_sink_that_fails_gets_the_same_batch_again_and_the_sum_holds():
    egress = faults.FailsSometimes(1, 3)
    with make_environment(factor=0) as env:
        env.setup_egress([egress], batch_size=100, outbox_size=200, when=only_even)
        publish(env, 1000)
        env.run()
        sink = env.report().sinks[0]
    assert egress.seqs == list(range(2, 1001, 2))
    assert (sink.written, sink.filtered, sink.set_aside, sink.dropped, sink.waiting) == (500, 500, 0, 0, 0)


def test_a_filter_that_is_no_function_is_refused(env):
    with pytest.raises(ConfigError, match=r"setup_egress: when is 'event'\. Give a function of a record\."):
        env.setup_egress([MemoryEgress()], when="event")
