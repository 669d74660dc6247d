"""The sink that fails on command does what it was asked for, in front of any sink."""

import pytest

from dynamic_des import FileEgress
from dynamic_des.testing import FaultyEgress
from dynamic_des.testing.waiting import in_background, wait_until

pytest_plugins = ["dynamic_des.testing.fixtures"]


def publish(env, count):
    for number in range(1, count + 1):
        env.publish_event(f"part-{number}", {"number": number})
    env.run(until=env.now + 1)


def report_of(env):
    return env.report().sinks[0]


def seqs(records):
    return [record["seq"] for record in records]


def test_without_faults_it_keeps_everything(env, faulty_sink):
    sink = faulty_sink()
    env.setup_egress([sink], batch_size=2)
    publish(env, 5)
    assert seqs(sink.records) == [1, 2, 3, 4, 5]
    assert (sink.opens, sink.writes) == (1, 3)


def test_a_write_that_fails_writes_nothing_and_the_batch_comes_again(env, faulty_sink):
    sink = faulty_sink(fail=[2, 3])
    env.setup_egress([sink], batch_size=2)
    publish(env, 4)
    assert seqs(sink.records) == [1, 2, 3, 4]
    assert sink.writes == 4
    assert report_of(env).retried == 2


def test_a_write_whose_answer_is_lost_has_written_everything(env, faulty_sink):
    sink = faulty_sink(lose_answer=[1])
    env.setup_egress([sink], batch_size=2)
    publish(env, 2)
    assert seqs(sink.records) == [1, 2, 1, 2]


def test_it_is_down_as_often_as_it_was_asked_to_be(env, faulty_sink):
    sink = faulty_sink(down=2)
    env.setup_egress([sink])
    publish(env, 1)
    assert sink.opens == 3
    assert seqs(sink.records) == [1]


def test_a_write_hangs_until_it_is_released(env, faulty_sink):
    sink = faulty_sink(hang=[1])
    env.setup_egress([sink])
    run = in_background(lambda: publish(env, 1))
    assert wait_until(lambda: sink.writes == 1, 30)
    assert sink.records == []
    sink.release()
    run.result(30)
    assert seqs(sink.records) == [1]


def test_a_write_that_still_hangs_at_the_end_is_released_before_the_environment_is_torn_down(env, faulty_sink):
    sink = faulty_sink(hang=[1])
    env.setup_egress([sink], batch_size=1, drain_timeout=0.05)
    publish(env, 1)
    assert report_of(env).waiting == 1


def test_refused_records_are_set_aside_alone(env, faulty_sink):
    sink = faulty_sink(refuse=[2, 3])
    env.setup_egress([sink])
    publish(env, 4)
    assert seqs(sink.records) == [1, 4]
    assert report_of(env).set_aside == 2


def test_slow_writes_are_written_all_the_same(env, faulty_sink):
    sink = faulty_sink(slow=0.01)
    env.setup_egress([sink], batch_size=1)
    publish(env, 3)
    assert seqs(sink.records) == [1, 2, 3]


def test_the_faults_can_be_put_in_front_of_another_sink(env, tmp_path):
    path = tmp_path / "records.jsonl"
    sink = FaultyEgress(FileEgress(path, system=False), fail=[1], refuse=[2])
    env.setup_egress([sink])
    publish(env, 3)
    assert [line[line.index('"seq"') :] for line in path.read_text().splitlines()] == ['"seq":1}', '"seq":3}']
    with pytest.raises(TypeError, match="FileEgress does not show its records"):
        sink.records  # noqa: B018
