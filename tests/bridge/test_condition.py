"""What is said about one connector: its state, and how often the log hears of it."""

import logging

import pytest

from dynamic_des.bridge.ages import Ages
from dynamic_des.bridge.condition import STALL_AFTER_S, Condition
from dynamic_des.bridge.state_log import StateLog


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO, "dynamic_des")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


@pytest.fixture
def condition():
    return Condition("egress", "kafka")


def test_the_ordinary_way_of_things_is_not_said(condition, said):
    for state in ("up", "closed"):
        condition.become(state)
    assert said() == []


def test_a_change_of_state_is_said_once_with_the_reason(condition, said):
    condition.become("connecting", "OSError: port 1 refused", " (3 records wait)")
    condition.become("connecting", "OSError: port 2 refused")
    condition.become("connecting", "OSError: port 2 refused")
    assert condition.reason == "OSError: port 2 refused"
    condition.become("connecting", "PermissionError: who are you")
    condition.become("up")
    condition.become("up")
    assert said() == [
        ("WARNING", "egress kafka: connecting: OSError: port 1 refused (3 records wait)"),
        ("WARNING", "egress kafka: connecting: PermissionError: who are you"),
        ("INFO", "egress kafka: up again"),
    ]


def test_a_connector_that_comes_and_goes_is_said_five_times_and_then_once_a_minute(caplog):
    caplog.set_level(logging.INFO)
    clock = Clock()
    log = StateLog(logging.getLogger("dynamic_des.egress"), "egress kafka", clock)
    for number in range(100):
        log.say(logging.WARNING, f"line {number}")
    assert caplog.messages == [f"egress kafka: line {number}" for number in range(5)]
    assert not log.has_room
    clock.now += 61
    assert log.has_room
    log.say(logging.WARNING, "line 100")
    log.say(logging.WARNING, "line 101")
    assert caplog.messages[5:] == ["egress kafka: line 100 (after 95 lines about it that were held back)"]


def test_a_state_that_was_held_back_is_said_when_there_is_room(condition, said):
    clock = Clock()
    condition._log = StateLog(logging.getLogger("dynamic_des.egress"), "egress kafka", clock)
    for _ in range(10):
        condition.become("connecting", "OSError: gone")
        condition.become("up")
    assert said()[-1] == ("WARNING", "egress kafka: connecting: OSError: gone")
    condition.catch_up()
    assert len(said()) == 5
    clock.now += 61
    condition.catch_up()
    condition.catch_up()
    assert len(said()) == 6
    assert said()[-1][1].startswith("egress kafka: up again (after ")


def test_a_call_that_does_not_return_is_a_stall_and_its_return_the_end_of_it(condition, said):
    condition.become("up")
    told = []
    condition.changed = lambda: told.append(condition.state)
    with condition.calling("write"):
        condition.wait(STALL_AFTER_S - 1)
        assert condition.state == "up"
        condition.wait(1)
        assert (condition.state, condition.reason) == ("stalled", "write has not returned for 5 s")
        condition.wait(2)
        assert condition.reason == "write has not returned for 7 s"
    assert (condition.state, condition.reason) == ("up", None)
    assert told == ["stalled", "up"]
    assert said() == [
        ("WARNING", "egress kafka: stalled: write has not returned for 5 s"),
        ("INFO", "egress kafka: up again"),
    ]


def test_many_short_calls_are_no_stall(condition):
    condition.become("up")
    for _ in range(10):
        with condition.calling("write"):
            condition.wait(STALL_AFTER_S / 2)
    condition.wait(STALL_AFTER_S)
    assert condition.state == "up"


def test_what_has_failed_for_good_is_not_stalled(condition):
    with condition.calling("write"):
        condition.wait(STALL_AFTER_S)
        condition.become("failed", "the table was dropped")
        assert (condition.state, condition.reason) == ("failed", "the table was dropped")


def test_trouble_with_single_records_is_said_when_it_begins_and_not_for_each(condition, said):
    for number in range(1000):
        condition.trouble("set aside", f"1 of 1 records set aside; seq {number}")
    assert [text for _, text in said()] == ["egress kafka: 1 of 1 records set aside; seq 0"]
    for number in range(1000):
        condition.trouble_over("set aside")
        condition.trouble("set aside", f"seq {number}")
    assert len(said()) == 5


def test_the_age_of_the_oldest_record_that_waits():
    clock = Clock()
    ages = Ages(clock)
    assert ages.oldest_s() == 0
    ages.add(10)
    clock.now += 1
    ages.add(5)
    assert ages.oldest_s() == 1
    ages.remove(9)
    assert ages.oldest_s() == 1
    ages.remove(1)
    assert ages.oldest_s() == 0
    clock.now += 2
    assert ages.oldest_s() == 2
    ages.remove(5)
    assert ages.oldest_s() == 0


def test_what_is_dropped_makes_nothing_in_hand_younger():
    clock = Clock()
    ages = Ages(clock)
    ages.add(10)
    clock.now += 1
    ages.add(10)
    clock.now += 1
    ages.add(10)
    ages.drop(10, behind=10)  # the first ten are being written, the second ten are dropped
    assert ages.oldest_s() == 2
    ages.remove(10)
    assert ages.oldest_s() == 0
    ages.clear()
    clock.now += 5
    assert ages.oldest_s() == 0


def test_what_comes_in_at_one_moment_is_remembered_once():
    clock = Clock()
    ages = Ages(clock)
    for _ in range(1000):
        ages.add(1)
        clock.now += 0.0001
    assert len(ages._marks) <= 11
    assert ages.oldest_s() == pytest.approx(0.1)
