"""A consumer group against brute force: who owns what, what polls return, what commits do, on random histories."""

from __future__ import annotations

from math import inf

import simpy
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des_streaming import CommitFailedError, ConsumerGroup, EventLog, UnknownMemberError

PARTITIONS, DELAY, POLL = 3, 1.5, 0.25  # operations are asked for at whole seconds: nothing else is at one instant
NAMES = st.sampled_from(["c1", "c2", "c3"])
ACTIONS = st.one_of(
    st.tuples(st.just("append"), st.integers(0, PARTITIONS - 1)),
    st.tuples(st.just("join"), NAMES),
    st.tuples(st.just("leave"), NAMES),
    st.tuples(st.just("poll"), NAMES, st.integers(0, 4)),
    st.tuples(st.just("commit"), NAMES),
    st.tuples(st.just("commit one"), NAMES, st.integers(0, PARTITIONS - 1), st.integers(-1, 6)),
)
HISTORIES = st.lists(st.tuples(st.integers(0, 2), ACTIONS), max_size=60)


class NaiveGroup:
    """Eager rebalancing, range assignment, no sessions: everything recomputed from plain lists."""

    def __init__(self):
        self.log = [[] for _ in range(PARTITIONS)]
        self.committed = {}
        self.members = {}  # name → {partition: position}; None while the member waits for a rebalance
        self.owners = {}  # partition → name, as of the last rebalance: who may still commit
        self.generation = 0
        self.rebalance_at = inf
        self.kept = {}  # name → its positions when the rebalance began: what it commits if it is not told otherwise

    def advance(self, now):
        if self.rebalance_at > now:
            return
        self.rebalance_at = inf
        self.generation += 1
        names, self.owners = sorted(self.members), {}
        for place, name in enumerate(names):
            share = [id for id in range(PARTITIONS) if self.place(id, len(names)) == place]
            self.members[name] = {id: self.committed.get(id, 0) for id in share}
            self.owners.update(dict.fromkeys(share, name))

    @staticmethod
    def place(partition, count):
        """Return whose the partition is, of so many in order: the first few own one more."""
        ends, end = [], 0
        for place in range(count):
            end += PARTITIONS // count + (1 if place < PARTITIONS % count else 0)
            ends.append(end)
        return next(place for place, end in enumerate(ends) if partition < end)

    def change(self, now):
        if self.rebalance_at == inf:
            self.rebalance_at = now + DELAY
        self.kept.update({name: positions for name, positions in self.members.items() if positions is not None})
        self.members = dict.fromkeys(self.members)

    def join(self, name, now):
        self.members.pop(name, None)
        self.owners = {id: owner for id, owner in self.owners.items() if owner != name}
        self.change(now)
        self.members[name] = None
        self.kept.pop(name, None)

    def leave(self, name, now):
        self.members.pop(name)
        self.owners = {id: owner for id, owner in self.owners.items() if owner != name}
        self.change(now)

    def positions(self, name):
        found = self.members[name]
        return self.kept.get(name, {}) if found is None else found


@given(HISTORIES)
def test_a_group_does_what_brute_force_says(history):
    env = simpy.Environment()
    log = EventLog(env, "orders", PARTITIONS, Straight(), append_latency=0)
    group = ConsumerGroup(env, "billing", log, rebalance_delay=DELAY, poll_latency=POLL)
    naive = NaiveGroup()

    def check():
        assert group.generation == naive.generation
        assert group.consumers == sorted(naive.members)
        assert group.committed == naive.committed
        for name, positions in naive.members.items():
            if positions is not None:
                assert group.assignments[name] == sorted(positions)
                assert group.positions(name) == positions
                lag = {id: len(naive.log[id]) - naive.committed.get(id, 0) for id in positions}
                assert group.consumer_lag(name) == lag

    def model():
        for pause, (action, *arguments) in history:
            yield env.timeout(pause)
            naive.advance(env.now)
            check()
            yield from ACT[action](env, log, group, naive, *arguments)
            naive.advance(env.now)
            check()
            yield env.timeout(1 - env.now % 1)

    env.run(until=env.process(model()))


class Straight:
    """The key is the partition."""

    def get_shard(self, key, num_partitions):
        return key


def append(env, log, group, naive, partition):
    record = yield log.append(partition, "value")
    assert record.offset == len(naive.log[partition])
    naive.log[partition].append(record)


def join(env, log, group, naive, name):
    naive.join(name, env.now)
    group.join(name).defused = True
    yield env.timeout(0)


def leave(env, log, group, naive, name):
    if name in naive.members:
        naive.leave(name, env.now)
        group.leave(name)
    yield env.timeout(0)


def poll(env, log, group, naive, name, most):
    try:
        records = yield group.poll(name, most)
    except UnknownMemberError:
        assert name not in naive.members
        return
    naive.advance(env.now)
    positions = naive.members[name]
    if positions is None:
        assert records == []
        return
    there = {id: naive.log[id][position:] for id, position in positions.items()}
    assert len(records) == min(most, sum(map(len, there.values())))
    for id in positions:
        mine = [record for record in records if record.partition == id]
        assert mine == there[id][: len(mine)]  # in order, with nothing left out
        positions[id] += len(mine)
    assert {record.partition for record in records} <= set(positions)


def commit(env, log, group, naive, name):
    offsets = naive.positions(name) if name in naive.members else {}
    yield from commit_offsets(group, naive, name, None, dict(offsets))


def commit_one(env, log, group, naive, name, partition, offset):
    yield from commit_offsets(group, naive, name, {partition: offset}, {partition: offset})


def commit_offsets(group, naive, name, asked, meant):
    allowed = name in naive.members and all(
        naive.owners.get(id) == name and 0 <= offset <= len(naive.log[id]) for id, offset in meant.items()
    )
    try:
        yield group.commit(name, asked)
    except CommitFailedError:
        assert not allowed
    else:
        assert allowed
        naive.committed.update(meant)


ACT = {"append": append, "join": join, "leave": leave, "poll": poll, "commit": commit, "commit one": commit_one}
