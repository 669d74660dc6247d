from __future__ import annotations

import pytest

from dynamic_des_streaming import EventLog, SizeRetention, TimeRetention


def appended_at(env, log, *times):
    def model():
        for time in times:
            yield env.timeout(time - env.now)
            log.append("k", time)

    env.process(model())


def kept(log):
    return [record.value for partition in log.partitions for record in partition.records]


def timed_log(env, policy, interval=1.0):
    return EventLog(env, "orders", 1, None, policy, append_latency=0, retention_check_interval=interval)


def test_a_record_is_kept_while_younger_and_expires_at_exactly_the_age(env):
    log = timed_log(env, TimeRetention(5.0))
    appended_at(env, log, 2.0, 3.0)
    env.run(until=6.999)
    assert kept(log) == [2.0, 3.0]
    env.run(until=7.001)
    assert (kept(log), log.stats.records_expired) == ([3.0], 1)
    env.run()
    assert (env.now, kept(log), log.stats.records_expired, log.low_watermark(0)) == (8.0, [], 2, 2)


def test_sweeps_come_at_whole_multiples_of_the_interval(env):
    log = timed_log(env, TimeRetention(5.0), interval=4.0)
    appended_at(env, log, 2.0, 3.5)
    env.run(until=7.999)
    assert kept(log) == [2.0, 3.5]
    env.run(until=8.001)
    assert kept(log) == [3.5]
    env.run()
    assert env.now == 12.0


@pytest.mark.parametrize(("interval", "appends", "sweep"), [(0.1, 0.3, 0.5), (0.1, 0.7, 0.9), (0.7, 1.4, 2.1)])
def test_multiples_do_not_drift(env, interval, appends, sweep):
    log = timed_log(env, TimeRetention(0.2), interval=interval)
    appended_at(env, log, appends)
    env.run()
    assert (env.now, kept(log)) == (sweep, [])


def test_a_record_expires_after_what_else_happens_at_that_instant(env):
    log = timed_log(env, TimeRetention(5.0))
    seen = []

    def model():
        log.append("k", "old")
        yield env.timeout(5.0)
        yield env.timeout(0)
        seen.append(kept(log))

    env.process(model())
    env.run()
    assert (seen, kept(log), env.now) == ([["old"]], [], 5.0)


def test_size_retention_keeps_the_newest_of_each_partition(env):
    log = EventLog(
        env, "orders", 2, None, SizeRetention(2), append_latency=0, retention_check_interval=10.0, read_latency=0
    )
    for number in range(9):
        log.append(None, number)
    env.run(until=0.5)
    assert (kept(log), log.stats.records_expired) == ([6, 8, 5, 7], 5)  # the sweep at time 0


def test_size_retention_arms_no_sweep_while_nothing_is_too_much(env):
    log = timed_log(env, SizeRetention(3), interval=60.0)
    appended_at(env, log, 1.0, 2.0, 3.0)
    env.run()
    assert env.now == 3.0
    appended_at(env, log, 4.0)
    env.run()
    assert (env.now, kept(log)) == (60.0, [2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    "policy",
    [[TimeRetention(10.0), SizeRetention(2)], {"max_age_s": 10.0, "max_records": 2}],
    ids=["a list", "a table"],
)
def test_both_together_expire_what_either_expires(env, policy):
    log = timed_log(env, policy)
    appended_at(env, log, 0.5, 1.5, 2.5)
    env.run(until=3.5)
    assert kept(log) == [1.5, 2.5]
    env.run(until=12.1)
    assert kept(log) == [2.5]
    env.run()
    assert (kept(log), env.now, log.stats.records_expired) == ([], 13.0, 3)


def test_of_two_policies_of_one_kind_the_stricter_counts(env):
    log = timed_log(env, [SizeRetention(3), SizeRetention(1), TimeRetention(4.0), TimeRetention(2.0)])
    appended_at(env, log, 0.5, 0.75)
    env.run(until=1.5)
    assert kept(log) == [0.75]
    env.run()
    assert (kept(log), env.now) == ([], 3.0)


def test_retention_can_be_applied_without_waiting_for_a_sweep(env):
    log = timed_log(env, TimeRetention(5.0), interval=60.0)
    appended_at(env, log, 0.0, 1.0)
    env.run(until=5.5)
    assert log.apply_retention() == 1
    assert kept(log) == [1.0]


def test_a_policy_of_ones_own_is_asked_about_the_oldest_first(env):
    asked = []

    class Paid:
        def should_retain(self, record, current_time_s):
            asked.append((record.value, current_time_s))
            return record.value >= 2.0

    log = timed_log(env, Paid())
    appended_at(env, log, 0.5, 1.5, 2.5, 3.5)
    env.run()
    assert kept(log) == [2.5, 3.5]
    assert asked == [(0.5, 1.0), (1.5, 2.0), (2.5, 3.0), (2.5, 4.0)]
    assert env.now == 4.0


def test_a_policy_that_keeps_what_it_calls_expired_does_not_keep_the_run_going(env):
    class Contradictory:
        def expires_at(self, record):
            return record.timestamp + 3.0

        def should_retain(self, record, current_time_s):
            return True

    log = timed_log(env, Contradictory())
    appended_at(env, log, 0.5)
    env.run()
    assert (env.now, kept(log)) == (4.0, [0.5])


@pytest.mark.parametrize("age", [0, -1, float("nan"), float("inf"), "old", True, None])
def test_an_age_that_makes_no_sense_is_refused(age):
    with pytest.raises(ValueError, match="TimeRetention: max_age_s"):
        TimeRetention(age)


@pytest.mark.parametrize("limit", [0, -1, 1.5, "many", True, None])
def test_a_size_that_makes_no_sense_is_refused(limit):
    with pytest.raises(ValueError, match="SizeRetention: max_records"):
        SizeRetention(limit)


def test_the_policies_say_what_they_were_made_with():
    assert (TimeRetention(5).max_age_s, SizeRetention(7).max_records) == (5.0, 7)
