"""A position is acknowledged only when everything before it in its part is settled."""

import asyncio
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bridge.conftest import make_environment

from dynamic_des import BaseIngress, MemoryEgress, MemoryIngress, Message
from dynamic_des.bridge.condition import Condition
from dynamic_des.bridge.settling import Settling
from dynamic_des.errors import DecodeError


class Partitions(BaseIngress):
    """Yields what it is given, each with the position of its part, and notes what it is told."""

    def __init__(self, plan):
        self.plan = plan
        self.told = []
        self.closed = False

    async def messages(self):
        reached = {}
        for part, at in self.plan:
            reached[part] = reached.get(part, 0) + 1
            change = {"path": "L.variables.n", "value": 1}
            yield Message(change if at is None else {**change, "at": at}, {part: reached[part]})

    async def applied(self, position):
        assert not self.closed, "acknowledged after it was closed"
        self.told.append(dict(position))

    async def close(self):
        self.closed = True


PLANS = st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 8))), max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=PLANS, stops=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True).map(sorted))
def test_a_position_is_never_ahead_of_an_unsettled_message_of_its_part(plan, stops):
    ingress = Partitions(plan)
    with make_environment(factor=0) as env:
        env.setup_ingress([ingress])
        for stop in stops:
            env.timeout(stop - env.now)  # something that makes time go on
            wait_until_taken(env, len(plan))
            env.run(until=stop)
    told = {part: position for tell in ingress.told for part, position in tell.items()}
    expected = {}
    blocked = set()
    count = {}
    for part, at in plan:
        count[part] = count.get(part, 0) + 1
        if at is not None and at >= stops[-1]:
            blocked.add(part)
        if part not in blocked:
            expected[part] = count[part]
    assert told == expected
    for part in "abc":
        positions = [tell[part] for tell in ingress.told if part in tell]
        assert positions == sorted(set(positions)), "positions of one part only grow"
    assert ingress.closed


def wait_until_taken(env, count):
    (source,) = env._bridge.sources
    while source.received < count:
        env._steering._alarm.wait(0.01, unless=None)


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.dictionaries(st.sampled_from("ab"), st.just(0), max_size=2), max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_settled_in_any_order_never_more_than_the_prefix_is_acknowledged(parts, order):
    told = []

    class Noting(BaseIngress):
        async def applied(self, position):
            told.append(dict(position))

    async def play():
        settling = Settling(Noting(), Condition("ingress", "s"), asyncio.get_running_loop())
        settling.connect()
        entries, reached = [], {}
        for wanted in parts:
            position = {}
            for part in wanted:
                position[part] = reached[part] = reached.get(part, 0) + 1
            entries.append(settling.expect(position))
        unsettled = list(entries)
        order.shuffle(unsettled)
        while unsettled:
            settling.settle(unsettled.pop())
            await settling.flush(1.0)
            merged = {part: position for tell in told for part, position in tell.items()}
            for part, position in merged.items():
                before = [entry for entry in entries if entry.position.get(part, position + 1) <= position]
                assert not set(map(id, before)) & set(map(id, unsettled))
        assert settling.waiting == 0
        assert {part: position for tell in told for part, position in tell.items()} == reached

    asyncio.run(play())


def test_positions_are_merged_while_an_acknowledgement_is_on(live_env):
    going, told = asyncio.Event(), []

    class Slow(Partitions):
        async def applied(self, position):
            told.append(dict(position))
            await going.wait()

    ingress = Slow([("a", None)] + [("a", None), ("b", None)] * 100)
    live_env.setup_ingress([ingress])
    live_env.run()
    live_env._bridge._io.loop.call_soon_threadsafe(going.set)
    live_env.teardown()
    assert len(told) < 10
    assert {part: position for tell in told for part, position in tell.items()} == {"a": 101, "b": 100}


def test_what_was_applied_last_is_acknowledged_before_the_ingress_is_closed(live_env):
    ingress = Partitions([("a", None)] * 5)
    live_env.setup_ingress([ingress])
    wait_until_taken(live_env, 5)
    live_env.teardown()  # nothing ran: teardown itself applies what arrived
    assert live_env.registry.get("L.variables.n").value == 1
    assert ingress.told[-1] == {"a": 5}
    assert ingress.closed


def test_an_acknowledgement_that_fails_is_tried_again(live_env, caplog):
    class Failing(Partitions):
        failures = 3

        async def applied(self, position):
            if self.failures:
                self.failures -= 1
                raise ConnectionError("no broker")
            await super().applied(position)

    ingress = Failing([("a", None)])
    live_env.setup_ingress([ingress])
    live_env.run()
    live_env.teardown()
    assert ingress.told == [{"a": 1}]
    assert sum("was not acknowledged" in record.getMessage() for record in caplog.records) == 1


def test_an_acknowledgement_that_hangs_does_not_hold_up_the_end_for_ever(live_env, monkeypatch, caplog):
    monkeypatch.setattr("dynamic_des.bridge.source.PATIENCE_S", 0.05)

    class Hanging(Partitions):
        async def applied(self, position):
            await asyncio.Event().wait()

    ingress = Hanging([("a", None)])
    live_env.setup_ingress([ingress])
    live_env.run()
    live_env.teardown()
    assert ingress.closed
    assert "did not take the acknowledgement" in caplog.text


def test_under_stop_what_is_refused_ends_the_run_with_the_reason_and_is_not_acknowledged(live_env):
    egress, source = MemoryEgress(), MemoryIngress()
    live_env.setup_egress([egress])
    live_env.setup_ingress([source], on_poison="stop")
    for payload in [("L.variables.n", 1), b"garbage", ("L.variables.n", 2)]:
        source.send(payload)
    with pytest.raises(DecodeError, match=r"MemoryIngress \(message 2\): not JSON.*garbage.*on_poison='stop'"):
        live_env.run()
    assert live_env.registry.get("L.variables.n").value == 1
    live_env.teardown()
    assert source.settled == 1
    statuses = [change["status"] for change in egress.system_values("system.changes")]
    assert statuses[:2] == ["applied", "refused"]


@pytest.mark.parametrize("factor", [0, 1])
@pytest.mark.parametrize("at", [None, 2])
def test_under_stop_a_change_that_the_registry_refuses_ends_the_run_too(factor, at):
    with make_environment(factor=factor * 0.001) as env:
        source = MemoryIngress()
        env.setup_ingress([source], on_poison="stop")
        source.send({"path": "L.variables.nn", "value": 1, **({} if at is None else {"at": at})})
        with pytest.raises(DecodeError, match=r"no such path\. Did you mean 'L.variables.n'"):
            env.run(until=env.event())
        env.teardown()
        assert source.settled == 0


def test_under_stop_poison_found_while_tearing_down_is_said_and_everything_is_closed(live_env, caplog):
    ingress = Partitions([("a", None)])
    ingress.plan.append(("a", float("nan")))
    live_env.setup_ingress([ingress], on_poison="stop")
    wait_until_taken(live_env, 2)
    live_env.teardown()
    assert "on_poison='stop'" in caplog.text
    assert ingress.told == [{"a": 1}]
    assert ingress.closed
    live_env.run()  # and nothing is left that it would wait for


def test_two_ingresses_are_acknowledged_each_on_its_own(live_env):
    first, second = Partitions([("a", None)] * 3), Partitions([("a", 1e9), ("b", None)])
    live_env.setup_ingress([first, second])
    live_env.run(until=0.05)
    live_env.teardown()
    assert first.told[-1] == {"a": 3}
    assert second.told == [{"b": 1}]


def test_a_flood_from_one_ingress_does_not_lock_out_another(live_env):
    class Flood(BaseIngress):
        async def messages(self):
            number = 0
            while True:
                number += 1
                yield ("L.variables.n", number)

    class Now(BaseIngress):
        async def messages(self):
            yield ("L.variables.m", 1)

    live_env.setup_ingress([Flood()], inbox_size=100)
    live_env.setup_ingress([Now()], inbox_size=100)
    assert live_env.run(until=live_env.registry.get("L.variables.m").wait_for_change()) == 1


def test_the_inbox_makes_an_ingress_wait():
    class Flood(BaseIngress):
        async def messages(self):
            while True:
                yield ("L.variables.n", 1)

    with make_environment(factor=1) as env:
        env.setup_ingress([Flood()], inbox_size=50)
        wait_until_taken(env, 49)  # the inbox also holds the wait for the snapshot
        passed = threading.Event()
        env._bridge._io.loop.call_soon_threadsafe(env._bridge._io.loop.call_later, 0.06, passed.set)
        passed.wait(5)
        assert env._bridge.sources[0].received in (49, 50)
