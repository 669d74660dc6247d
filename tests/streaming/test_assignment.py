from __future__ import annotations

import random
from itertools import pairwise

import pytest
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import (
    StickyAssignmentExecutor,
    StickyAssignorMemberMetadataV1,
)
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des_streaming import ConsumerGroup, EventLog, RangeAssignment, RoundRobinAssignment, StickyAssignment

NAMES = [f"c{number}" for number in range(14)]
MEMBERS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=9, unique=True)


class OneTopic:
    """The metadata of a cluster with one topic, as aiokafka's assignors ask for it."""

    def __init__(self, partitions):
        self.partitions = partitions

    def topics(self):
        return {"topic"}

    def partitions_for_topic(self, topic):
        return set(range(self.partitions))


def kafka_sticky(partitions, members, previous, generation):
    """What Kafka's sticky assignor does, each member reporting what it had."""
    reports = {
        member: StickyAssignorMemberMetadataV1(
            subscription=["topic"],
            partitions=[TopicPartition("topic", id) for id in previous.get(member, ())],
            generation=generation if member in previous else -1,
        )
        for member in members
    }
    executor = StickyAssignmentExecutor(OneTopic(partitions), reports)
    executor.perform_initial_assignment()
    executor.balance()
    return {member: [id for _, ids in executor.get_final_assignment(member) for id in ids] for member in members}


def kafka(assignor, partitions, members):
    metadata = {member: assignor.metadata(["topic"]) for member in members}
    assigned = assignor.assign(OneTopic(partitions), metadata)
    return {member: [tp.partition for tp in assigned[member].partitions()] for member in members}


@given(st.integers(1, 30), st.lists(MEMBERS, min_size=1, max_size=8), st.randoms())
def test_sticky_is_kafkas_assignor_on_random_memberships(partitions, memberships, rng):
    strategy, previous = StickyAssignment(), {}
    for generation, members in enumerate(memberships):
        rng.shuffle(members)  # the order in which Kafka hears of them is no matter
        expected = kafka_sticky(partitions, members, previous, generation)
        assert strategy.assign(list(range(partitions)), sorted(members)) == expected
        previous = expected


def test_sticky_is_kafkas_assignor_on_large_random_memberships():
    rng = random.Random(11)
    for _ in range(60):
        strategy, previous, partitions = StickyAssignment(), {}, rng.randint(40, 120)
        for generation in range(6):
            members = sorted(rng.sample(range(60), rng.randint(1, 50)))
            names = [f"consumer-{member:02}" for member in members]
            expected = kafka_sticky(partitions, names, previous, generation)
            assert strategy.assign(list(range(partitions)), names) == expected
            previous = expected


@given(st.integers(1, 30), MEMBERS)
def test_range_and_round_robin_are_kafkas_assignors(partitions, members):
    ids = list(range(partitions))
    assert RangeAssignment().assign(ids, sorted(members)) == kafka(RangePartitionAssignor, partitions, members)
    expected = kafka(RoundRobinPartitionAssignor, partitions, members)
    assert RoundRobinAssignment().assign(ids, sorted(members)) == expected


@given(st.integers(1, 40), st.lists(MEMBERS, min_size=2, max_size=8))
def test_sticky_is_balanced_first_and_then_moves_as_little_as_it_can(partitions, memberships):
    strategy = StickyAssignment()
    assignments = [strategy.assign(list(range(partitions)), sorted(members)) for members in memberships]
    for before, after in pairwise(assignments):
        sizes = sorted(map(len, after.values()))
        assert sizes[-1] - sizes[0] <= 1
        assert sorted(id for ids in after.values() for id in ids) == list(range(partitions))
        # of those who stay, the largest shares are allowed to whoever has most: no assignment keeps more
        share, extra = divmod(partitions, len(after))
        held = sorted((len(before.get(member, ())) for member in after), reverse=True)
        keepable = sum(min(size, share + (place < extra)) for place, size in enumerate(held))
        assert sum(len(set(before.get(member, ())) & set(after[member])) for member in after) == keepable


@pytest.mark.parametrize(
    ("partitions", "consumers", "expected"),
    [
        (7, ["a", "b", "c"], {"a": [0, 1, 2], "b": [3, 4], "c": [5, 6]}),
        (2, ["a", "b", "c"], {"a": [0], "b": [1], "c": []}),
        (4, ["b", "a"], {"a": [0, 1], "b": [2, 3]}),
        (3, ["a"], {"a": [0, 1, 2]}),
        (3, [], {}),
    ],
)
def test_range_gives_contiguous_ranges_and_the_remainder_to_the_earliest(partitions, consumers, expected):
    assert RangeAssignment().assign(list(range(partitions)), consumers) == expected


@pytest.mark.parametrize(
    ("partitions", "consumers", "expected"),
    [
        (7, ["a", "b", "c"], {"a": [0, 3, 6], "b": [1, 4], "c": [2, 5]}),
        (2, ["a", "b", "c"], {"a": [0], "b": [1], "c": []}),
        (4, ["b", "a"], {"a": [0, 2], "b": [1, 3]}),
        (3, [], {}),
    ],
)
def test_round_robin_deals_out_in_turn(partitions, consumers, expected):
    assert RoundRobinAssignment().assign(list(range(partitions)), consumers) == expected


def test_sticky_keeps_three_of_six_when_a_second_consumer_joins():
    strategy = StickyAssignment()
    ids = list(range(6))
    assert strategy.assign(ids, ["c1"]) == {"c1": ids}
    assert strategy.assign(ids, ["c1", "c2"]) == {"c1": [0, 1, 2], "c2": [3, 4, 5]}
    assert strategy.assign(ids, ["c1", "c2", "c3"]) == {"c1": [0, 1], "c2": [3, 4], "c3": [2, 5]}
    assert strategy.assign(ids, ["c1", "c3"]) == {"c1": [0, 1, 3], "c3": [2, 4, 5]}
    assert strategy.assign(ids, []) == {}


def test_what_sticky_returns_is_the_callers_own():
    strategy = StickyAssignment()
    strategy.assign([0, 1], ["a"])["a"].clear()
    assert strategy.assign([0, 1], ["a"]) == {"a": [0, 1]}


def test_a_group_assigns_as_kafka_does_through_joins_and_leaves(env, run):
    rng = random.Random(5)
    group = ConsumerGroup(env, "billing", EventLog(env, "orders", 13), "sticky")

    def model():
        previous = {}
        for generation in range(25):
            members = group.consumers
            if members and rng.random() < 0.45:
                yield group.leave(rng.choice(members))
            else:
                yield group.join(f"c{generation:02}")
            assert group.generation == generation + 1
            previous = kafka_sticky(13, group.consumers, previous, generation) if group.consumers else {}
            assert group.assignments == previous

    run(model())


@pytest.mark.parametrize("name", ["range", "roundrobin", "sticky"])
def test_the_strategies_have_kafkas_names(env, run, name):
    group = ConsumerGroup(env, "billing", EventLog(env, "orders", 4), name)

    def model():
        yield group.join("a") & group.join("b")

    run(model())
    expected = {"range": {"a": [0, 1], "b": [2, 3]}}.get(name, {"a": [0, 2], "b": [1, 3]})
    assert group.assignments == expected


def test_a_strategy_of_ones_own_is_given_sorted_names_and_never_none(env, run):
    asked = []

    class Everything:
        def assign(self, partitions, consumers):
            asked.append((partitions, consumers))
            return {consumers[-1]: partitions}

    group = ConsumerGroup(env, "billing", EventLog(env, "orders", 2), Everything())

    def model():
        yield group.join("b") & group.join("a")
        assert group.assignments == {"a": [], "b": [0, 1]}
        yield group.leave("b") & group.leave("a")

    run(model())
    assert asked == [([0, 1], ["a", "b"])]
    assert (group.assignments, group.generation) == ({}, 2)


@pytest.mark.parametrize(
    "result", [{"a": [0]}, {"a": [0, 1, 1]}, {"a": [0, 1], "z": []}, {"a": [0], "z": [1]}, {"a": [0, 1, 2]}, {}]
)
def test_a_strategy_that_forgets_doubles_or_invents_is_named(env, result):
    class Wrong:
        def assign(self, partitions, consumers):
            return result

    group = ConsumerGroup(env, "billing", EventLog(env, "orders", 2), Wrong())
    group.join("a")
    with pytest.raises(ValueError, match=r"billing: the assignment strategy returned .* exactly one of a\."):
        env.run()


@pytest.mark.parametrize("strategy", ["stickey", 7, StickyAssignment])
def test_what_is_no_strategy_is_refused(env, strategy):
    with pytest.raises(ValueError, match=r"billing: assignment_strategy: .* assigns nothing"):
        ConsumerGroup(env, "billing", EventLog(env, "orders"), strategy)
