from __future__ import annotations

import pytest

from dynamic_des_streaming import LateEventPolicy, SessionWindow, StreamProcessor


@pytest.fixture
def results():
    return []


def sessions(env, results, gap=2.0, *arguments, **options):
    return StreamProcessor(
        env,
        "visits",
        SessionWindow(gap),
        list,
        lambda r: results.append((env.now, r.key, r.window_start, r.window_end, r.result)),
        *arguments,
        **options,
    )


def feed(env, processor, events):
    """Process events: (clock, key, value[, event time])."""

    def model():
        for clock, *event in events:
            yield env.timeout(clock - env.now)
            processor.process(*event)

    env.process(model())


def test_a_session_reaches_from_its_first_event_to_its_last_plus_the_gap(env, results):
    feed(env, sessions(env, results), [(1.0, "a", 1), (2.5, "a", 2), (4.0, "a", 3), (7.5, "a", 4)])
    env.run()
    assert results == [(6.0, "a", 1.0, 6.0, [1, 2, 3]), (10.0, "a", 7.5, 9.5, [4])]


def test_sessions_merge_backwards(env, results):
    processor = sessions(env, results, watermark="event")
    processor.process("a", "second", 10.0)
    processor.process("a", "first", 9.0)
    assert processor.active_windows == 1
    processor.flush()
    assert results == [(0, "a", 9.0, 12.0, ["second", "first"])]


def test_an_event_in_between_makes_one_session_of_two(env, results):
    processor = sessions(env, results, watermark="event")
    for value, time in (("left", 10.0), ("right", 13.0)):
        processor.process("a", value, time)
    assert processor.active_windows == 2
    processor.process("a", "bridge", 11.5)
    assert processor.active_windows == 1
    processor.flush()
    assert results == [(0, "a", 10.0, 15.0, ["left", "right", "bridge"])]


@pytest.mark.parametrize(("second", "count"), [(11.999, 1), (12.0, 1), (12.001, 2)])
def test_events_exactly_the_gap_apart_are_in_one_session(env, results, second, count):
    processor = sessions(env, results, watermark="event")
    processor.process("a", 1, 10.0)
    processor.process("a", 2, second)
    assert processor.active_windows == count


def test_an_event_at_the_very_end_of_a_session_prolongs_it(env, results):
    feed(env, sessions(env, results), [(10.0, "a", 1), (12.0, "a", 2), (14.0, "a", 3)])
    env.run()
    assert results == [(16.0, "a", 10.0, 16.0, [1, 2, 3])]


def test_keys_have_sessions_of_their_own(env, results):
    feed(env, sessions(env, results), [(1.0, "a", 1), (2.0, "b", 2), (2.5, "a", 3), (3.5, "b", 4)])
    env.run()
    assert results == [(5.0, "a", 1.0, 4.5, [1, 3]), (6.0, "b", 2.0, 5.5, [2, 4])]


def test_a_late_event_prolongs_an_emitted_session_within_the_lateness(env, results):
    processor = sessions(env, results, 2.0, 10.0, LateEventPolicy.UPDATE)
    feed(env, processor, [(1.0, "a", 1), (5.25, "a", 2, 2.5), (6.0, "a", 3, 4.5)])
    env.run()
    assert results == [
        (3.0, "a", 1.0, 3.0, [1]),
        (5.25, "a", 1.0, 4.5, [1, 2]),  # over already: at once
        (7.0, "a", 1.0, 6.5, [1, 2, 3]),  # at clock 6 it reached until 6.5: open again until then
    ]
    assert (processor.stats.late_events_updated, processor.stats.windows_emitted) == (1, 3)
    assert not processor._store._sessions


def test_a_session_that_is_late_is_not_prolonged(env, results):
    processor = sessions(env, results, 2.0)
    feed(env, processor, [(1.0, "a", 1), (3.5, "a", 2, 0.9)])
    env.run()
    assert results == [(3.0, "a", 1.0, 3.0, [1])]
    assert processor.stats.late_events_dropped == 1


def test_an_event_whose_own_session_would_be_late_counts_in_one_that_is_not(env, results):
    processor = sessions(env, results, 2.0, watermark="event", watermark_interval_s=0, max_out_of_orderness_s=1.0)
    for value, time in enumerate([10.0, 11.5, 12.9]):
        processor.process("a", value, time)
    assert processor.watermark_s == 11.9
    assert processor.process("a", 3, 9.5).value is True  # alone it would end at 11.5
    assert processor.process("b", 4, 9.5).value is False
    processor.flush()
    assert [result[1:] for result in results] == [("a", 9.5, 14.9, [0, 1, 2, 3])]
