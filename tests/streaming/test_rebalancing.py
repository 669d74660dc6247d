from __future__ import annotations

from contextlib import suppress

import pytest

from dynamic_des_streaming import CommitFailedError, ConsumerGroup, ConsumerState, EventLog, UnknownMemberError


@pytest.fixture
def log(env):
    log = EventLog(env, "orders", 6, append_latency=0)
    for number in range(60):
        log.append(None, number)  # ten in each partition
    return log


def at(env, time, action):
    """Do something at a time."""

    def wait():
        yield env.timeout(time)
        action()

    env.process(wait())


def test_joins_within_one_delay_make_one_rebalance(env, log):
    group = ConsumerGroup(env, "billing", log, rebalance_delay=2.0)
    joined = {}

    def consumer(name, after):
        yield env.timeout(after)
        partitions = yield group.join(name)
        joined[name] = (env.now, partitions)

    for name, after in (("c1", 1.0), ("c2", 2.0), ("c3", 3.0), ("c4", 3.25)):
        env.process(consumer(name, after))
    env.run()
    assert joined == {
        "c1": (3.0, [0, 1]),
        "c2": (3.0, [2, 3]),
        "c3": (3.0, [4, 5]),  # at the very end of the delay, and still in time
        "c4": (5.25, [5]),
    }
    assert (group.generation, group.stats.rebalances, group.stats.joins) == (2, 2, 4)


def test_joins_and_leaves_within_one_delay_make_one_rebalance(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("c1") & group.join("c2")
        leaving = group.leave("c1")
        yield env.timeout(0.2)
        joining = group.join("c3")
        yield leaving & joining
        return env.now

    assert run(model()) == 1.0
    assert (group.generation, group.assignments) == (2, {"c2": [0, 1, 2], "c3": [3, 4, 5]})


def test_a_rebalance_without_delay_is_at_the_same_instant(env, log, run):
    group = ConsumerGroup(env, "billing", log, rebalance_delay=0)

    def model():
        yield group.join("c1") & group.join("c2")
        yield group.leave("c1")
        return env.now

    assert run(model()) == 0
    assert (group.generation, group.assignments) == (2, {"c2": [0, 1, 2, 3, 4, 5]})


def test_who_joins_and_leaves_before_the_rebalance_is_told(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        joining = group.join("c1")
        leaving = group.leave("c1")
        with pytest.raises(UnknownMemberError, match="billing: c1 has left"):
            yield joining
        yield leaving
        return env.now

    assert run(model()) == 0.5
    assert group.assignments == {}


def test_the_last_one_to_leave_empties_the_group(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("c1")
        yield group.leave("c1")

    run(model())
    assert (group.consumers, group.assignments, group.generation, group.total_lag()) == ([], {}, 2, 0)


# -- eager -------------------------------------------------------------------------------------------------


def test_eager_polls_return_nothing_while_a_rebalance_is_on(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("c1")
        group.join("c2")
        state = group.state("c1")
        during = yield group.poll("c1", 5)
        yield env.timeout(1)
        after = yield group.poll("c1", 5)
        return state, len(during), len(after)

    assert run(model()) == (ConsumerState.REBALANCING, 0, 5)


def test_eager_positions_restart_at_the_committed_offsets_also_where_a_partition_is_kept(env, log, run):
    group = ConsumerGroup(env, "billing", log, "sticky")

    def model():
        yield group.join("c1")
        yield group.poll("c1", 60)
        yield group.commit("c1", {0: 4})
        before = group.positions("c1")
        yield group.join("c2")
        return before, group.positions("c1")

    assert run(model()) == (dict.fromkeys(range(6), 10), {0: 4, 1: 0, 2: 0})


def test_eager_accepts_commits_of_the_last_owner_until_the_rebalance_is_over(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("c1")
        records = yield group.poll("c1", 3)
        joining = group.join("c2")
        yield group.commit("c1", {records[0].partition: 3, 5: 1})
        yield joining
        with pytest.raises(CommitFailedError, match="c1 does not own partition 5"):
            yield group.commit("c1", {5: 2})

    run(model())
    assert group.committed == {0: 3, 5: 1}
    assert group.positions("c2") == {3: 0, 4: 0, 5: 1}


def test_eager_revokes_all_at_the_beginning_and_assigns_all_at_the_end(env, log):
    calls = []
    group = ConsumerGroup(
        env,
        "billing",
        log,
        on_assigned=lambda name, partitions: calls.append((env.now, "assigned", name, partitions)),
        on_revoked=lambda name, partitions: calls.append((env.now, "revoked", name, partitions)),
    )
    group.join("c1")
    at(env, 2.0, lambda: group.join("c2"))
    at(env, 4.0, lambda: group.leave("c1"))
    env.run()
    assert calls == [
        (0.5, "assigned", "c1", [0, 1, 2, 3, 4, 5]),
        (2.0, "revoked", "c1", [0, 1, 2, 3, 4, 5]),
        (2.5, "assigned", "c1", [0, 1, 2]),
        (2.5, "assigned", "c2", [3, 4, 5]),
        (4.0, "revoked", "c1", [0, 1, 2]),
        (4.0, "revoked", "c2", [3, 4, 5]),
        (4.5, "assigned", "c2", [0, 1, 2, 3, 4, 5]),
    ]


@pytest.mark.parametrize("protocol", ["eager", "cooperative"])
def test_whoever_is_revoked_can_commit_then(env, log, run, protocol):
    def commit(name, partitions):
        positions = group.positions(name)
        group.commit(name, {id: positions[id] for id in partitions})

    group = ConsumerGroup(env, "billing", log, "sticky", rebalance_protocol=protocol, on_revoked=commit)

    def model():
        yield group.join("c1")
        yield group.poll("c1", 35)
        yield group.join("c2")
        moved = group.committed
        yield group.poll("c2", 2)
        yield group.leave("c1")
        return moved, group.positions("c2")

    moved, positions = run(model())
    expected = {"eager": {0: 10, 1: 10, 2: 10, 3: 5, 4: 0, 5: 0}, "cooperative": {3: 5, 4: 0, 5: 0}}
    assert moved == expected[protocol]
    assert positions == {0: 10, 1: 10, 2: 10, 3: 7, 4: 0, 5: 0}
    assert group.stats.commits_failed == 0


# -- cooperative -------------------------------------------------------------------------------------------


def test_cooperative_members_go_on_with_what_they_keep(env, log, run):
    group = ConsumerGroup(env, "billing", log, "sticky", rebalance_protocol="cooperative", poll_latency=0.1)

    def model():
        yield group.join("c1")
        yield group.poll("c1", 12)
        group.join("c2")
        state = group.state("c1")
        records = yield group.poll("c1", 60)
        return state, len(records), env.now

    state, count, now = run(model())
    assert (state, count, now) == (ConsumerState.ACTIVE, 48, pytest.approx(0.7))


def test_cooperative_revokes_what_moves_and_assigns_it_in_a_second_rebalance(env, log):
    calls = []
    group = ConsumerGroup(
        env,
        "billing",
        log,
        "sticky",
        rebalance_protocol="cooperative",
        on_assigned=lambda name, partitions: calls.append((env.now, "assigned", name, partitions)),
        on_revoked=lambda name, partitions: calls.append((env.now, "revoked", name, partitions)),
    )
    owned = []
    group.join("c1")

    def second():
        yield env.timeout(2.0)
        partitions = yield group.join("c2")
        calls.append((env.now, "joined", "c2", partitions))

    env.process(second())
    at(env, 2.4, lambda: owned.append(group.assignments))
    at(env, 2.6, lambda: owned.append(group.assignments))
    at(env, 4.0, lambda: group.leave("c1"))
    env.run()
    assert calls == [
        (0.5, "assigned", "c1", [0, 1, 2, 3, 4, 5]),
        (2.5, "revoked", "c1", [3, 4, 5]),
        (3.0, "assigned", "c2", [3, 4, 5]),
        (3.0, "joined", "c2", [3, 4, 5]),
        (4.0, "revoked", "c1", [0, 1, 2]),
        (4.5, "assigned", "c2", [0, 1, 2]),  # free already: one rebalance
    ]
    assert owned == [{"c1": [0, 1, 2, 3, 4, 5], "c2": []}, {"c1": [0, 1, 2], "c2": []}]
    assert (group.generation, group.stats.rebalances) == (4, 4)


def test_cooperative_positions_of_what_is_kept_stay(env, log, run):
    group = ConsumerGroup(env, "billing", log, "sticky", rebalance_protocol="cooperative")

    def model():
        yield group.join("c1")
        yield group.poll("c1", 55)
        yield group.commit("c1", {5: 2})
        yield group.join("c2")
        return group.positions("c1"), group.positions("c2")

    assert run(model()) == ({0: 10, 1: 10, 2: 10}, {3: 0, 4: 0, 5: 2})


def test_cooperative_joins_while_partitions_are_in_between_are_served_too(env, log, run):
    group = ConsumerGroup(env, "billing", log, "sticky", rebalance_protocol="cooperative")

    def model():
        yield group.join("c1")
        second = group.join("c2")
        yield env.timeout(0.7)  # c1 has given three away, c2 has not got them yet
        third = group.join("c3")
        yield second & third
        return env.now

    run(model())
    assert sorted(map(len, group.assignments.values())) == [2, 2, 2]
    assert sorted(id for owned in group.assignments.values() for id in owned) == [0, 1, 2, 3, 4, 5]


# -- silence -----------------------------------------------------------------------------------------------


def test_a_silent_member_is_removed_after_exactly_the_session_timeout(env, log):
    lost = []
    group = ConsumerGroup(
        env, "billing", log, session_timeout=10.0, on_lost=lambda *what: lost.append((env.now, *what))
    )
    group.join("c1")

    def alive():
        yield group.join("c2")
        while env.now < 30:
            yield group.poll("c2")
            yield env.timeout(3.0)

    env.process(alive())
    env.run(until=10.49)
    assert group.consumers == ["c1", "c2"]
    env.run(until=10.51)
    assert (group.consumers, lost) == (["c2"], [(10.5, "c1", [0, 1, 2])])
    env.run(until=11.01)
    assert group.assignments == {"c2": [0, 1, 2, 3, 4, 5]}
    env.run()
    assert (group.consumers, group.stats.members_lost, group.stats.leaves) == ([], 2, 0)


@pytest.mark.parametrize("sign", ["poll", "commit", "heartbeat"])
def test_polls_commits_and_heartbeats_are_signs_of_life(env, log, sign):
    group = ConsumerGroup(env, "billing", log, session_timeout=1.0)

    def consumer():
        yield group.join("c1")
        for _ in range(20):
            yield env.timeout(1.0)  # at the deadline itself is in time
            yield getattr(group, sign)("c1")

    env.run(until=env.process(consumer()))
    assert group.consumers == ["c1"]
    last = env.now
    env.run()
    assert env.now == pytest.approx(last + 1.0 + 0.5, abs=0.002)  # silence, then the rebalance
    assert group.consumers == []


def test_a_long_rebalance_is_no_silence(env, log, run):
    group = ConsumerGroup(env, "billing", log, rebalance_delay=5.0, session_timeout=1.0)

    def model():
        partitions = yield group.join("c1")
        yield env.timeout(0.9)
        yield group.poll("c1")
        return partitions

    assert run(model()) == [0, 1, 2, 3, 4, 5]


def test_who_was_removed_hears_it_and_can_join_again(env, log, run):
    group = ConsumerGroup(env, "billing", log, session_timeout=2.0)

    def model():
        yield group.join("c1")
        yield env.timeout(5)
        with pytest.raises(UnknownMemberError, match=r"billing: c1 was removed: it was silent for 2\.0 s\. Join again"):
            yield group.poll("c1")
        with pytest.raises(CommitFailedError, match=r"it was silent for 2\.0 s"):
            yield group.commit("c1", {0: 1})
        yield group.leave("c1")
        return (yield group.join("c1"))

    assert run(model()) == [0, 1, 2, 3, 4, 5]


def test_a_zombie_cannot_commit_over_its_successor(env, log, run):
    group = ConsumerGroup(env, "billing", log, session_timeout=2.0)

    def zombie():
        yield group.join("c1")
        records = yield group.poll("c1", 10)
        yield env.timeout(20)  # a very long garbage collection
        with pytest.raises(CommitFailedError):
            yield group.commit("c1", {records[0].partition: 10})
        return "fenced"

    def successor():
        yield env.timeout(1)
        yield group.join("c2")
        while env.now < 19:
            yield group.poll("c2", 60)
            yield group.commit("c2")
            yield env.timeout(1)

    env.process(successor())
    assert run(zombie()) == "fenced"
    assert group.committed == dict.fromkeys(range(6), 10)


def test_the_memory_of_who_has_gone_is_bounded(env, log, run):
    group = ConsumerGroup(env, "billing", log, rebalance_delay=0)

    def model():
        for number in range(1100):
            yield group.join(f"c{number}")
            yield group.leave(f"c{number}")
        with pytest.raises(UnknownMemberError, match="has left"):
            yield group.poll("c1099")
        with pytest.raises(UnknownMemberError, match="is not a member"):
            yield group.poll("c0")

    run(model())


# -- restarts ----------------------------------------------------------------------------------------------


def test_a_static_member_that_restarts_gets_its_partitions_back_without_a_rebalance(env, log, run):
    group = ConsumerGroup(env, "billing", log, session_timeout=10.0)

    def model():
        yield group.join("a", instance_id="i-a") & group.join("b", instance_id="i-b")
        yield group.poll("a", 60)
        yield group.commit("a", {0: 7})
        before = env.now
        partitions = yield group.join("a", instance_id="i-a")
        return partitions, env.now - before, group.positions("a")

    assert run(model()) == ([0, 1, 2], 0.0, {0: 7, 1: 0, 2: 0})
    assert (group.generation, group.stats.rebalances, group.stats.members_lost) == (1, 1, 1)


def test_a_static_member_under_another_name_fences_the_old_one(env, log, run):
    calls = []
    group = ConsumerGroup(
        env,
        "billing",
        log,
        "sticky",
        on_assigned=lambda *what: calls.append(("assigned", *what)),
        on_lost=lambda *what: calls.append(("lost", *what)),
    )

    def model():
        yield group.join("pod-1", instance_id="i") & group.join("other")
        del calls[:]
        partitions = yield group.join("pod-2", instance_id="i")
        for operation in (group.poll("pod-1"), group.commit("pod-1", {0: 1}), group.heartbeat("pod-1")):
            with pytest.raises(
                (UnknownMemberError, CommitFailedError), match="pod-1 was fenced: pod-2 joined with its"
            ):
                yield operation
        yield group.commit("pod-2", {partitions[0]: 1})
        return partitions

    partitions = run(model())
    assert group.assignments == {"other": [1, 3, 5], "pod-2": partitions}
    assert partitions == [0, 2, 4]
    assert calls == [("lost", "pod-1", [0, 2, 4]), ("assigned", "pod-2", [0, 2, 4])]


def test_a_static_members_share_survives_a_change_of_name_in_later_rebalances(env, log, run):
    group = ConsumerGroup(env, "billing", log, "sticky")

    def model():
        yield group.join("pod-1", instance_id="i") & group.join("other")
        yield group.join("pod-2", instance_id="i")
        yield group.join("third")
        return group.assignments

    assignments = run(model())
    assert set(assignments["pod-2"]) < {0, 2, 4}
    assert len(assignments["pod-2"]) == 2


def test_what_a_fenced_consumer_has_under_way_fails(env, log, run):
    group = ConsumerGroup(env, "billing", log, poll_latency=1.0, commit_latency=1.0)

    def old():
        yield group.join("a", instance_id="i")
        poll, commit = group.poll("a"), group.commit("a", {0: 1})
        with pytest.raises(UnknownMemberError, match="was fenced"):
            yield poll
        with pytest.raises(CommitFailedError, match="was fenced"):
            yield commit
        return env.now

    at(env, 1.0, lambda: group.join("a", instance_id="i"))
    env.process(old())
    process = env.process(old_like(env, group))
    env.run()
    assert process.value == "done"
    assert group.committed == {}


def old_like(env, group):
    """Something unrelated that goes on all the while."""
    yield env.timeout(3)
    return "done"


def test_a_restart_while_a_rebalance_is_on_waits_for_it(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("a", instance_id="i")
        group.join("b")
        yield env.timeout(0.2)
        partitions = yield group.join("a2", instance_id="i")
        return partitions, env.now

    assert run(model()) == ([3, 4, 5], 1.0)
    assert group.assignments == {"a2": [3, 4, 5], "b": [0, 1, 2]}  # ordered by what assignments know them by


def test_a_restart_that_is_restarted_is_told(env, log, run):
    group = ConsumerGroup(env, "billing", log)
    outcomes = []

    def starts(after):
        yield env.timeout(after)
        try:
            partitions = yield group.join("a", instance_id="i")
            outcomes.append((env.now, partitions))
        except UnknownMemberError as error:
            outcomes.append((env.now, str(error)))

    env.process(starts(0))
    env.process(starts(0.3))
    env.run()
    assert outcomes == [
        (0.3, "billing: a was fenced: a joined with its instance_id 'i'. Join again."),
        (0.5, [0, 1, 2, 3, 4, 5]),
    ]


def test_a_consumer_under_the_name_of_a_member_takes_its_place_with_a_rebalance(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("c1") & group.join("c2")
        yield group.poll("c1", 60)
        partitions = yield group.join("c1")
        return partitions, env.now, group.positions("c1")

    partitions, now, positions = run(model())
    assert (partitions, now, positions) == ([0, 1, 2], pytest.approx(1.001), {0: 0, 1: 0, 2: 0})
    assert (group.generation, group.consumers, group.stats.members_lost) == (2, ["c1", "c2"], 1)


def test_names_and_instance_ids_of_different_members_are_kept_apart(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("a", instance_id="i") & group.join("b")
        with pytest.raises(ValueError, match="'i' is what another member, a, is known by"):
            group.join("i")
        with pytest.raises(ValueError, match="'b' is what another member, b, is known by"):
            group.join("c", instance_id="b")

    run(model())
    assert (group.consumers, group.generation, group.stats.joins) == (["a", "b"], 1, 2)


def test_leaving_removes_a_static_member_too(env, log, run):
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield group.join("a", instance_id="i") & group.join("b")
        yield group.leave("a")

    run(model())
    assert group.assignments == {"b": [0, 1, 2, 3, 4, 5]}


def test_every_record_is_delivered_at_least_once_though_consumers_crash(env, log, run):
    group = ConsumerGroup(env, "billing", log, "sticky", session_timeout=3.0)
    done = []

    def consumer(name, crashes_at):
        yield env.timeout(int(name[1:]) * 0.7)
        yield group.join(name)
        while env.now < 60:
            records = yield group.poll(name, 3)
            if crashes_at and env.now >= crashes_at:
                return  # without a word, and without a commit
            done.extend((record.partition, record.offset) for record in records)
            with suppress(CommitFailedError):
                yield group.commit(name)
            yield env.timeout(0.4)

    for name, crashes_at in (("c0", 4.0), ("c1", 9.0), ("c2", None)):
        env.process(consumer(name, crashes_at))
    env.run()
    assert sorted(set(done)) == [(partition, offset) for partition in range(6) for offset in range(10)]
    assert (group.committed, group.total_lag()) == (dict.fromkeys(range(6), 10), 0)
