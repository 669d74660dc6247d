from __future__ import annotations

import gc

import pytest

from dynamic_des_streaming import EarlyTrigger, Pane, SessionWindow, StreamProcessor, TumblingWindow, WindowState


@pytest.fixture
def results():
    return []


def lists(env, results, window_type=None, lateness=0.0, **options):
    return StreamProcessor(
        env,
        "lists",
        window_type or TumblingWindow(10.0),
        list,
        lambda r: results.append((env.now, r.key, r.result, r.pane.value, r.pane_index)),
        lateness,
        **options,
    )


def feed(env, processor, events):
    """Process events: (clock, key, value[, event time])."""

    def model():
        for clock, *event in events:
            yield env.timeout(clock - env.now)
            processor.process(*event)

    env.process(model())


def test_an_early_trigger_by_time_shows_windows_that_have_something_new(env, results):
    processor = lists(env, results, early_trigger=EarlyTrigger(every_s=2.0))
    feed(env, processor, [(0.5, "b", 1), (1.0, "a", 2), (3.0, "a", 3), (9.5, "a", 4)])
    env.run()
    assert results == [
        (2.0, "a", [2], "early", 0),
        (2.0, "b", [1], "early", 0),
        (4.0, "a", [2, 3], "early", 1),
        (10.0, "a", [2, 3, 4], "on_time", 2),
        (10.0, "b", [1], "on_time", 1),
    ]
    assert (processor.stats.windows_emitted, processor.active_windows, env.now) == (2, 0, 10.0)


def test_an_early_trigger_by_count_fires_at_once(env, results):
    processor = lists(env, results, early_trigger={"every_records": 2})
    feed(env, processor, [(float(number), "a", number) for number in range(5)])
    env.run()
    assert results == [
        (1.0, "a", [0, 1], "early", 0),
        (3.0, "a", [0, 1, 2, 3], "early", 1),
        (10.0, "a", [0, 1, 2, 3, 4], "on_time", 2),
    ]
    assert (processor.stats.windows_emitted, processor.stats.early_panes) == (1, 2)


def test_discarding_panes_have_only_what_is_new(env, results):
    processor = lists(env, results, None, 5.0, early_trigger=EarlyTrigger(every_records=2), accumulation="discarding")
    feed(env, processor, [(float(number), "a", number) for number in range(5)])
    feed(env, processor, [(11.0, "a", "late", 9.0), (12.0, "a", "later", 9.0)])
    env.run()
    assert results == [
        (1.0, "a", [0, 1], "early", 0),
        (3.0, "a", [2, 3], "early", 1),
        (10.0, "a", [4], "on_time", 2),
        (11.0, "a", ["late"], "late", 3),
        (12.0, "a", ["later"], "late", 4),
    ]


def test_discarding_emits_nothing_where_nothing_is_new(env, results):
    processor = lists(env, results, early_trigger=EarlyTrigger(every_records=1), accumulation="discarding")
    feed(env, processor, [(1.0, "a", 1)])
    env.run()
    assert results == [(1.0, "a", [1], "early", 0)]
    assert (processor.active_windows, processor.stats.windows_emitted) == (0, 0)


def test_accumulating_panes_have_everything(env, results):
    processor = lists(env, results, None, 5.0)
    feed(env, processor, [(1.0, "a", 1), (11.0, "a", 2, 9.0)])
    env.run()
    assert results == [(10.0, "a", [1], "on_time", 0), (11.0, "a", [1, 2], "late", 1)]


def test_sessions_are_shown_early_and_still_merge(env, results):
    processor = lists(env, results, SessionWindow(4.0), early_trigger=EarlyTrigger(every_s=5.0))
    feed(env, processor, [(1.0, "a", 1, 1.0), (2.0, "a", 2, 8.0), (3.0, "a", 3, 4.5), (5.5, "a", 4, 9.0)])
    env.run()
    assert results == [
        (5.0, "a", [1, 2, 3], "early", 0),
        (10.0, "a", [1, 2, 3, 4], "early", 1),
        (13.0, "a", [1, 2, 3, 4], "on_time", 2),
    ]


def test_early_triggers_are_armed_only_while_something_is_new(env, results):
    processor = lists(env, results, TumblingWindow(1000.0), early_trigger=EarlyTrigger(every_s=1.0))
    feed(env, processor, [(0.5, "a", 1)])
    steps = 0
    while env._queue:
        env.step()
        steps += 1
    assert [(now, pane) for now, *_, pane, _ in results] == [(1.0, "early"), (1000.0, "on_time")]
    assert steps <= 5


def test_a_pane_is_text():
    assert Pane.EARLY == "early"
    assert f"{Pane.LATE}" == "late"


def test_a_trigger_says_what_it_was_made_with():
    trigger = EarlyTrigger(every_s=5, every_records=3)
    assert (trigger.every_s, trigger.every_records) == (5.0, 3)


def test_what_is_new_in_sessions_that_merge_counts_together(env, results):
    processor = lists(env, results, SessionWindow(5.0), early_trigger=EarlyTrigger(every_records=5), watermark="event")
    feed(env, processor, [(0, "a", 1, 1.0), (0, "a", 2, 10.0), (0, "a", 3, 11.0), (0, "a", 4, 5.5)])
    env.run()
    assert results == []
    feed(env, processor, [(env.now, "a", 5, 6.0)])
    env.run()
    assert [(values, pane) for _, _, values, pane, _ in results] == [([1, 2, 3, 4, 5], "early")]


@pytest.mark.parametrize("trigger", [EarlyTrigger(every_records=1000), EarlyTrigger(every_s=7.0)])
def test_sessions_that_merged_are_not_held_on_to(env, trigger):
    processor = StreamProcessor(env, "p", SessionWindow(5.0), len, lambda result: None, early_trigger=trigger)

    def model():
        for _ in range(100):
            for offset in (0.0, 9.0, 4.5):
                processor.process("k", 1, env.now + offset)
            yield env.timeout(50.0)

    env.process(model())
    env.run()
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, WindowState) and one.key == "k"]


def test_a_session_that_merges_goes_on_counting_the_results_of_the_one_that_had_more(env, results):
    processor = lists(env, results, SessionWindow(5.0), early_trigger=EarlyTrigger(every_records=1), watermark="event")
    feed(env, processor, [(0, "a", 1, 1.0), (0, "a", 2, 10.0), (0, "a", 3, 11.0), (0, "a", 4, 5.5)])
    env.run()
    assert [index for *_, index in results] == [0, 0, 1, 2]
