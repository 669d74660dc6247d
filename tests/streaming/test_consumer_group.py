from __future__ import annotations

import pytest

from dynamic_des_streaming import (
    CommitFailedError,
    ConsumerGroup,
    ConsumerGroupStats,
    ConsumerState,
    EventLog,
    NoOffsetError,
    OffsetOutOfRangeError,
    UnknownMemberError,
)


class ByName:
    """Routes "2:anything" to partition 2."""

    def get_shard(self, key, num_partitions):
        return int(key.split(":")[0])


@pytest.fixture
def log(env):
    return EventLog(env, "orders", 2, ByName(), append_latency=0)


def fill(log, partition, *values):
    for value in values:
        log.append(f"{partition}:", value)


def values(records):
    return [record.value for record in records]


def test_a_join_takes_the_rebalance_delay_and_gives_the_partitions(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        return (yield group.join("c1", "its entity"))

    assert run(model()) == [0, 1]
    assert (env.now, group.generation, group.consumers, group.consumer_count) == (0.5, 1, ["c1"], 1)
    assert (group.assignments, group.entity("c1"), group.entity("c2")) == ({"c1": [0, 1]}, "its entity", None)


def test_the_documented_form_of_a_consumer(env, log, run):
    group = ConsumerGroup(env, "my-group", log)
    fill(log, 0, "a", "b")

    def model():
        partitions = yield from group.join("consumer-1", None)
        records = yield from group.poll("consumer-1", max_records=10)
        yield from group.commit("consumer-1", {0: 2})
        yield from group.leave("consumer-1")
        return partitions, values(records)

    assert run(model()) == ([0, 1], ["a", "b"])
    assert env.now == pytest.approx(1.001)


def test_the_documented_defaults(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, *range(150))

    def model():
        yield group.join("c1")
        joined = env.now
        records = yield group.poll("c1")
        return joined, len(records), env.now

    assert run(model()) == (0.5, 100, 0.501)
    env.run()  # no session timeout: nothing is left to do
    assert group.consumers == ["c1"]


def test_a_poll_takes_its_latency_and_advances_the_position_but_commits_nothing(env, log, run):
    group = ConsumerGroup(env, "billing", log, poll_latency=0.25)
    fill(log, 0, "a", "b", "c")

    def model():
        yield group.join("c1")
        first = yield group.poll("c1", 2)
        positions = group.positions("c1")
        second = yield group.poll("c1", 2)
        third = yield group.poll("c1", 2)
        return values(first), positions, values(second), values(third), env.now

    assert run(model()) == (["a", "b"], {0: 2, 1: 0}, ["c"], [], 1.25)
    assert (group.committed, group.consumer_lag("c1"), group.total_lag()) == ({}, {0: 3, 1: 0}, 3)


def test_lag_is_the_high_watermark_minus_what_is_committed(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, *"abcde")
    fill(log, 1, *"xy")

    def model():
        yield group.join("c1") & group.join("c2")
        before = group.consumer_lag("c1"), group.consumer_lag("c2"), group.total_lag()
        yield group.commit("c1", {0: 3})
        return before

    assert run(model()) == ({0: 5}, {1: 2}, 7)
    assert (group.consumer_lag("c1"), group.total_lag()) == ({0: 2}, 4)
    assert group.consumer_lag("nobody") == {}


def test_committed_offsets_belong_to_the_group_not_to_the_consumer(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, *"abcde")

    def model():
        yield group.join("c1")
        yield group.poll("c1", 4)
        yield group.commit("c1", {0: 2})
        yield group.leave("c1")
        yield group.join("somebody else")
        return values((yield group.poll("somebody else")))

    assert run(model()) == ["c", "d", "e"]


def test_a_hot_partition_starves_nobody(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, *(f"hot {number}" for number in range(1000)))
    fill(log, 1, *(f"cold {number}" for number in range(3)))

    def model():
        yield group.join("c1")
        answers = []
        for _ in range(4):
            records = yield group.poll("c1", 10)
            answers.append([sum(record.partition == id for record in records) for id in (0, 1)])
        return answers

    assert run(model()) == [[10, 0], [7, 3], [10, 0], [10, 0]]


def test_partitions_with_endless_backlogs_take_turns(env, run):
    log = EventLog(env, "orders", 4, ByName(), append_latency=0)
    for partition in (0, 1, 3):
        fill(log, partition, *range(1000))
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("c1")
        turns = []
        for _ in range(6):
            records = yield group.poll("c1", 5)
            turns.append({record.partition for record in records})
        return turns

    assert run(model()) == [{0}, {1}, {3}, {0}, {1}, {3}]


def test_a_poll_for_0_records_gives_none_and_moves_nothing(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, "a")

    def model():
        yield group.join("c1")
        return (yield group.poll("c1", 0)), group.positions("c1")

    assert run(model()) == ([], {0: 0, 1: 0})


def test_a_commit_without_offsets_commits_what_was_polled(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, *"abc")

    def model():
        yield group.join("c1")
        yield group.poll("c1", 2)
        yield group.commit("c1")

    run(model())
    assert group.committed == {0: 2, 1: 0}


def test_a_commit_takes_effect_at_the_call_unless_it_has_a_latency(env, log, run):
    quick, slow = ConsumerGroup(env, "quick", log), ConsumerGroup(env, "slow", log, commit_latency=2.0)
    fill(log, 0, *"abc")

    def model():
        yield quick.join("c1") & slow.join("c1")
        quick.commit("c1", {0: 1})
        operation = slow.commit("c1", {0: 1})
        at_the_call = quick.committed, slow.committed
        yield operation
        return at_the_call, slow.committed, env.now

    assert run(model()) == (({0: 1}, {}), {0: 1}, 2.5)


def test_a_commit_may_go_back(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, *"abc")

    def model():
        yield group.join("c1")
        yield group.commit("c1", {0: 3})
        yield group.commit("c1", {0: 1})

    run(model())
    assert group.committed == {0: 1}


def refused(group, error, *arguments, **options):
    """A process that expects a commit to fail, and returns the text of the error."""
    with pytest.raises(error) as caught:
        yield group.commit(*arguments, **options)
    return str(caught.value)


def test_a_commit_for_a_partition_of_somebody_else_fails(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, "a")

    def model():
        yield group.join("c1") & group.join("c2")
        return (yield from refused(group, CommitFailedError, "c2", {1: 0, 0: 1}))

    text = "billing: c2 does not own partition 0. Nothing was committed: its new owner starts at the committed offset."
    assert run(model()) == text
    assert (group.committed, group.stats.commits, group.stats.commits_failed) == ({}, 0, 1)


def test_a_commit_from_an_older_generation_fails(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, "a")

    def model():
        yield group.join("c1")
        old = group.generation
        yield group.join("c2")
        text = yield from refused(group, CommitFailedError, "c1", {0: 1}, generation=old)
        yield group.commit("c1", {0: 1}, generation=group.generation)
        return text

    assert run(model()) == (
        "billing: c1 commits for generation 1, and the group is at 2. Nothing was committed: poll again."
    )
    assert group.committed == {0: 1}


def test_a_commit_under_way_when_a_rebalance_ends_fails(env, log, run):
    group = ConsumerGroup(env, "billing", log, commit_latency=0.3)
    fill(log, 0, "a")

    def model():
        yield group.join("c1")
        group.join("c2")
        yield env.timeout(0.4)
        return (yield from refused(group, CommitFailedError, "c1", {0: 1}))

    assert "generation 1" in run(model())
    assert group.committed == {}


def test_a_commit_by_who_is_no_member_fails(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("consumer-1")
        typo = yield from refused(group, CommitFailedError, "consumer-l", {0: 0})
        yield group.leave("consumer-1")
        left = yield from refused(group, CommitFailedError, "consumer-1", {0: 0})
        return typo, left

    assert run(model()) == (
        "billing: 'consumer-l' is not a member. Did you mean 'consumer-1'? Join first.",
        "billing: consumer-1 has left. Join again.",
    )


@pytest.mark.parametrize("offset", [-1, 3])
def test_an_offset_outside_of_the_log_is_refused_and_nothing_is_committed(env, log, run, offset):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, *"ab")

    def model():
        yield group.join("c1")
        text = yield from refused(group, OffsetOutOfRangeError, "c1", {1: 0, 0: offset})
        yield from refused(group, ValueError, "c1", {0: offset})
        yield from refused(group, CommitFailedError, "c1", {0: offset})
        yield group.commit("c1", {0: 2})
        return text

    assert f"offset {offset} is outside of partition 0, whose high watermark is 2" in run(model())
    assert (group.committed, group.stats.commits_failed) == ({0: 2}, 3)


@pytest.mark.parametrize("offsets", [{0: 1.5}, {0: "1"}, {0: True}, {9: 0}, [0, 1], 7])
def test_a_commit_with_nonsense_is_refused_at_the_call(env, log, run, offsets):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("c1")
        with pytest.raises(ValueError, match=r"billing|orders"):
            group.commit("c1", offsets)

    run(model())


def test_a_poll_by_who_is_no_member_fails(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        with pytest.raises(UnknownMemberError, match=r"billing: 'c1' is not a member\. Join first\."):
            yield group.poll("c1")
        with pytest.raises(UnknownMemberError):
            yield group.heartbeat("c1")
        with pytest.raises(UnknownMemberError):
            yield group.leave("c1")

    run(model())


def test_leaving_twice_does_nothing(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("c1")
        yield group.leave("c1")
        left = env.now
        yield group.leave("c1")
        return left, env.now

    assert run(model()) == (1.0, 1.0)
    assert group.stats.leaves == 1


def test_a_failed_poll_that_nobody_waits_for_stops_nothing(env, log):
    group = ConsumerGroup(env, "billing", log)

    def consumer():
        yield group.join("c1")
        try:
            while True:
                yield group.poll("c1")
        finally:
            group.leave("c1")

    process = env.process(consumer())

    def crash():
        yield env.timeout(0.6005)
        process.defused = True
        process.interrupt("power cut")

    env.process(crash())
    env.run()
    assert (group.consumers, process.ok) == ([], False)


def test_a_poll_whose_process_chose_another_event_delivers_nothing_and_moves_nothing(env, log, run):
    group = ConsumerGroup(env, "billing", log, poll_latency=1.0)
    fill(log, 0, "a")

    def model():
        yield group.join("c1")
        yield group.poll("c1") | env.timeout(0.5)
        yield env.timeout(5)
        position = group.positions("c1")[0]
        records = yield group.poll("c1")
        return position, values(records)

    assert run(model()) == (0, ["a"])
    assert group.stats.polls == 1


def test_a_poll_can_be_sent_ahead_and_waited_for_later(env, log, run):
    group = ConsumerGroup(env, "billing", log, poll_latency=1.0)
    fill(log, 0, "a")

    def model():
        yield group.join("c1")
        ahead = group.poll("c1")
        yield env.timeout(5)
        records = yield ahead
        return values(records)

    assert run(model()) == ["a"]


def test_latest_starts_behind_what_is_there(env, log, run):
    group = ConsumerGroup(env, "billing", log, auto_offset_reset="latest")
    fill(log, 0, "old", "older")

    def model():
        yield group.join("c1")
        nothing = yield group.poll("c1")
        fill(log, 0, "new")
        yield env.timeout(0)
        lag = group.consumer_lag("c1")
        records = yield group.poll("c1")
        return nothing, lag, values(records)

    assert run(model()) == ([], {0: 1, 1: 0}, ["new"])


def test_none_wants_a_committed_offset(env, log, run):
    group = ConsumerGroup(env, "billing", log, auto_offset_reset="none")
    fill(log, 0, *"abc")

    def model():
        yield group.join("c1")
        with pytest.raises(NoOffsetError, match=r"billing: partition 0 has no committed offset, and auto_offset_reset"):
            yield group.poll("c1")
        assert (group.positions("c1"), group.consumer_lag("c1")) == ({0: None, 1: None}, {0: 3, 1: 0})
        yield group.commit("c1", {0: 1, 1: 0})
        yield group.leave("c1")
        yield group.join("c1")
        return values((yield group.poll("c1")))

    assert run(model()) == ["b", "c"]


@pytest.mark.parametrize(("reset", "expected"), [("earliest", ["d", "e"]), ("latest", [])])
def test_a_position_that_retention_has_overtaken_is_reset(env, run, reset, expected):
    log = EventLog(env, "orders", 1, append_latency=0, retention_policy={"max_records": 2}, retention_check_interval=10)
    group = ConsumerGroup(env, "billing", log, auto_offset_reset=reset)

    def model():
        yield group.join("c1")
        for value in "abcde":
            log.append("k", value)
        yield env.timeout(10)
        return values((yield group.poll("c1")))

    assert run(model()) == expected
    assert group.positions("c1") == {0: 5}


def test_a_position_that_retention_has_overtaken_is_an_error_under_none(env, run):
    log = EventLog(env, "orders", 2, ByName(), {"max_records": 1}, append_latency=0, retention_check_interval=10)
    group = ConsumerGroup(env, "billing", log, auto_offset_reset="none")
    fill(log, 0, "a")

    def model():
        yield group.join("c1")
        yield group.commit("c1", {0: 0, 1: 0})
        yield group.leave("c1")
        yield group.join("c1")
        fill(log, 1, "x", "y")
        yield env.timeout(10)
        with pytest.raises(NoOffsetError, match="partition 1 has lost offset 0 to retention"):
            yield group.poll("c1")
        return group.positions("c1")

    assert run(model()) == {0: 0, 1: 0}  # what partition 0 has is not lost


def test_stats_count_what_happened(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    fill(log, 0, *"abc")
    assert group.stats == ConsumerGroupStats()

    def model():
        yield group.join("c1")
        yield group.poll("c1", 2)
        yield group.poll("c1", 2)
        yield group.poll("c1", 2)
        yield group.commit("c1")
        yield group.leave("c1")

    run(model())
    stats = group.stats
    assert stats == ConsumerGroupStats(joins=1, leaves=1, rebalances=2, polls=3, commits=1, records_polled=3)
    assert log.stats.records_read == 3
    with pytest.raises(AttributeError):
        stats.polls = 0


def test_state_tells_who_waits_for_a_rebalance(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        group.join("c1")
        before = group.state("c1")
        yield env.timeout(1)
        return before, group.state("c1"), group.state("c2")

    assert run(model()) == (ConsumerState.REBALANCING, ConsumerState.ACTIVE, None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rebalance_delay": -1}, "rebalance_delay"),
        ({"poll_latency": float("nan")}, "poll_latency"),
        ({"commit_latency": None}, "commit_latency"),
        ({"session_timeout": 0}, "session_timeout"),
        ({"rebalance_protocol": "cooperate"}, "Did you mean 'cooperative'"),
        ({"auto_offset_reset": "earlyest"}, "Did you mean 'earliest'"),
        ({"auto_offset_reset": "beginning"}, "Give 'earliest', 'latest', 'none'"),
        ({"event_log": "orders"}, "the environment has no resource 'orders'. There are none."),
        ({"event_log": []}, r"event_log: \[\] is no EventLog"),
    ],
)
def test_nonsense_is_refused_when_a_group_is_made(env, log, options, text):
    with pytest.raises(ValueError, match=text):
        ConsumerGroup(env, "billing", **{"event_log": log, **options})


@pytest.mark.parametrize("name", ["", None, 7])
def test_a_name_is_text(env, log, name):
    group = ConsumerGroup(env, "billing", log)
    with pytest.raises(ValueError, match="is no name"):
        group.join(name)
    if name is not None:
        with pytest.raises(ValueError, match="is no name"):
            group.join("c1", instance_id=name)


def test_max_records_must_be_a_whole_number(env, log):
    group = ConsumerGroup(env, "billing", log)
    group.join("c1")
    with pytest.raises(ValueError, match="max_records: -1"):
        group.poll("c1", -1)


def test_lag_without_anywhere_to_start_counts_what_is_kept(env, run):
    log = EventLog(env, "orders", 1, None, {"max_records": 3}, append_latency=0, retention_check_interval=1.0)
    group = ConsumerGroup(env, "billing", log, auto_offset_reset="none")

    def model():
        for number in range(10):
            yield log.append("k", number)
        yield group.join("c1")
        yield env.timeout(1)
        return group.consumer_lag("c1")

    assert run(model()) == {0: 3}
