from __future__ import annotations

import pytest
import simpy

from dynamic_des_streaming import (
    LateEvent,
    LateEventPolicy,
    Pane,
    Record,
    SessionWindow,
    SlidingWindow,
    StreamProcessor,
    StreamProcessorStats,
    TumblingWindow,
    WindowResult,
)


class Results(list):
    """A sink that notes when each result came."""

    def __init__(self, env):
        super().__init__()
        self.env = env

    def __call__(self, result):
        self.append((self.env.now, result.key, result.window_start, result.window_end, result.result))


@pytest.fixture
def results(env):
    return Results(env)


def feed(env, processor, events):
    """Process events: (clock, key, value[, event time])."""

    def model():
        for clock, *event in events:
            yield env.timeout(clock - env.now)
            yield processor.process(*event)

    env.process(model())


def test_a_window_is_emitted_when_the_clock_reaches_its_end(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results)
    feed(env, processor, [(1.0, "a", 5), (9.5, "a", 7), (10.0, "a", 1), (12.0, "b", 2)])
    env.run()
    assert results == [(10.0, "a", 0.0, 10.0, 12), (20.0, "a", 10.0, 20.0, 1), (20.0, "b", 10.0, 20.0, 2)]
    assert (env.now, processor.active_windows, processor.total_windows_emitted) == (20.0, 0, 3)


def test_the_watermark_is_the_clock_at_whole_multiples_of_the_interval(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results, watermark_interval_s=4.0)
    feed(env, processor, [(1.0, "a", 5)])
    seen = []
    for time in (0.5, 3.999, 4.0, 7.0, 8.0, 11.9, 12.1):
        env.run(until=time)
        seen.append(processor.watermark_s)
    assert seen == [0.0, 0.0, 4.0, 4.0, 8.0, 8.0, 12.0]
    assert results == [(12.0, "a", 0.0, 10.0, 5)]


def test_the_watermark_needs_no_ticks(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results)
    env.run(until=1000.5)
    assert processor.watermark_s == 1000.0
    assert processor.process("a", 1, 999.9).value is False
    assert processor.process("a", 1, 1000.0).value is True


def test_idle_ticks_are_left_out(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(1e6), sum, results, watermark_interval_s=0.001)
    processor.process("a", 1)
    steps = 0
    while env._queue:
        env.step()
        steps += 1
    assert (steps, env.now, results) == (1, 1e6, [(1e6, "a", 0.0, 1e6, 1)])


def test_an_interval_of_0_emits_at_the_very_end(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(0.3), sum, results, watermark_interval_s=0)
    feed(env, processor, [(0.1, "a", 1), (0.2, "a", 2), (0.3, "a", 3), (0.7, "a", 4)])
    env.run()
    assert results == [(0.3, "a", 0.0, 0.3, 3), (0.6, "a", 0.3, 0.6, 3), (0.9, "a", 0.6, 0.9, 4)]


def test_results_of_one_advance_are_ordered_by_window_end_and_then_key(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(1.0), sum, results, watermark_interval_s=10.0)
    for key, time in (("c", 2.5), ("a", 1.5), ("b", 2.5), ("b", 0.5), ("a", 2.5), ("c", 0.5)):
        processor.process(key, 1, time)
    env.run()
    assert [(end, key) for _, key, _, end, _ in results] == [
        (1.0, "b"),
        (1.0, "c"),
        (2.0, "a"),
        (3.0, "a"),
        (3.0, "b"),
        (3.0, "c"),
    ]
    assert {now for now, *_ in results} == {10.0}


def test_keys_that_cannot_be_compared_are_ordered_by_type_and_text(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(1.0), sum, results)
    for key in ("b", None, 2, "a", (1, 2), 1):
        processor.process(key, 1)
    env.run()
    assert [key for _, key, *_ in results] == [None, 1, 2, "a", "b", (1, 2)]


def test_keys_have_windows_of_their_own(env, results):
    processor = StreamProcessor(env, "lists", TumblingWindow(10.0), list, results)
    for key, value in (("a", 1), ("b", 2), ("a", 3)):
        processor.process(key, value)
    assert processor.active_windows == 2
    env.run()
    assert [(key, values) for _, key, _, _, values in results] == [("a", [1, 3]), ("b", [2])]


def test_windows_may_start_before_0():
    env = simpy.Environment(initial_time=-20)
    results = Results(env)
    processor = StreamProcessor(env, "sums", SlidingWindow(10, 5), sum, results)
    feed(env, processor, [(-12, "a", 1), (-3, "a", 2), (3, "a", 4)])
    env.run()
    assert results == [
        (-10.0, "a", -20.0, -10.0, 1),
        (-5.0, "a", -15.0, -5.0, 1),
        (0.0, "a", -10.0, 0.0, 2),
        (5.0, "a", -5.0, 5.0, 6),
        (10.0, "a", 0.0, 10.0, 4),
    ]


def test_an_event_in_a_gap_belongs_to_no_window_and_is_not_late(env, results):
    processor = StreamProcessor(env, "sums", SlidingWindow(2, 5), sum, results)
    operation = processor.process("a", 1, 3.0)
    env.run()
    assert (operation.value, results, processor.stats) == (True, [], StreamProcessorStats(events_processed=1))


# -- late events -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("clock", "late"), [(9.99, False), (10.0, True), (10.5, True)])
def test_an_event_is_late_when_the_watermark_has_reached_the_end_of_its_window(env, results, clock, late):
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results)
    feed(env, processor, [(1.0, "a", 1), (clock, "a", 2, 5.0)])
    env.run()
    assert results == [(10.0, "a", 0.0, 10.0, 1 if late else 3)]
    assert processor.stats == StreamProcessorStats(
        events_processed=2, windows_emitted=1, late_events=late, late_events_dropped=late
    )


@pytest.mark.parametrize("policy", list(LateEventPolicy))
def test_with_lateness_an_event_is_late_when_the_watermark_has_reached_the_end_plus_the_lateness(env, results, policy):
    late = []
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results, 5.0, policy, late.append)
    feed(env, processor, [(1.0, "a", 1), (14.9, "a", 2, 5.0), (15.0, "a", 4, 6.0)])
    env.run()
    assert results == [(10.0, "a", 0.0, 10.0, 1), (14.9, "a", 0.0, 10.0, 3)]
    update, aside = policy is LateEventPolicy.UPDATE, policy is LateEventPolicy.SIDE_OUTPUT
    assert processor.stats == StreamProcessorStats(
        events_processed=3,
        windows_emitted=2,
        late_events=1 + update,
        late_events_dropped=not aside,
        late_events_updated=update,
        late_events_side_output=aside,
    )
    assert late == ([LateEvent("a", 4, 6.0, 15.0)] if aside else [])


def test_drop_drops_and_counts(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results)
    feed(env, processor, [(1.0, "a", 1), (11.0, "a", 9, 2.0), (12.0, "b", 9, 2.0)])
    env.run()
    assert results == [(10.0, "a", 0.0, 10.0, 1)]
    assert (processor.stats.late_events, processor.stats.late_events_dropped) == (2, 2)


def test_update_fires_an_emitted_window_again_with_everything_in_it(env):
    results = []
    processor = StreamProcessor(env, "lists", TumblingWindow(10.0), list, results.append, 5.0, LateEventPolicy.UPDATE)
    feed(env, processor, [(1.0, "a", 1), (11.0, "a", 2, 5.0), (12.0, "a", 3, 6.0), (15.0, "a", 4, 7.0)])
    env.run()
    assert results == [
        WindowResult("a", 0.0, 10.0, [1], 1, Pane.ON_TIME, 0),
        WindowResult("a", 0.0, 10.0, [1, 2], 2, Pane.LATE, 1),
        WindowResult("a", 0.0, 10.0, [1, 2, 3], 3, Pane.LATE, 2),
    ]
    assert processor.stats == StreamProcessorStats(
        events_processed=4, windows_emitted=3, late_events=3, late_events_dropped=1, late_events_updated=2
    )


def test_what_was_emitted_does_not_change_when_its_window_fires_again(env):
    results = []
    processor = StreamProcessor(
        env, "ids", TumblingWindow(10.0), lambda records: records, results.append, 5.0, "update"
    )
    feed(env, processor, [(1.0, "a", 1), (11.0, "a", 2, 5.0)])
    env.run()
    assert [result.result for result in results] == [[1], [1, 2]]


def test_an_update_of_a_window_that_had_nothing_fires_it_for_the_first_time(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results, 5.0, LateEventPolicy.UPDATE)
    feed(env, processor, [(12.5, "a", 2, 5.0), (13.5, "a", 3, 5.0)])
    env.run()
    assert results == [(12.5, "a", 0.0, 10.0, 2), (13.5, "a", 0.0, 10.0, 5)]
    assert processor.stats.late_events_updated == 2
    assert env.now == 15.0  # when its state was freed


def test_side_output_gets_the_late_event_with_key_value_and_event_time(env, results):
    late = simpy.Store(env)
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results, 0.0, LateEventPolicy.SIDE_OUTPUT, late)
    feed(env, processor, [(1.0, "a", 1), (11.0, "a", "too late", 2.5)])
    env.run()
    assert late.items == [LateEvent("a", "too late", 2.5, 11.0)]
    assert processor.stats.late_events_side_output == 1


def test_an_event_that_is_late_for_some_windows_counts_in_the_others(env, results):
    processor = StreamProcessor(env, "sums", SlidingWindow(10, 5), sum, results)
    feed(env, processor, [(1.0, "a", 1), (11.0, "a", 2, 8.0)])  # [0, 10) is over, [5, 15) is not
    env.run()
    assert results == [(5.0, "a", -5.0, 5.0, 1), (10.0, "a", 0.0, 10.0, 1), (15.0, "a", 5.0, 15.0, 2)]
    assert processor.stats.late_events == 0


def test_the_state_of_a_window_is_freed_at_its_end_plus_the_lateness(env):
    processor = StreamProcessor(env, "counts", TumblingWindow(10.0), len, lambda result: None, 5.0)
    processor.process("a", 1)
    processor.process("b", 1)
    env.run(until=14.999)
    assert processor._store._states.keys() == {(0.0, 10.0)}
    env.run(until=15.001)
    assert not processor._store._states
    assert not processor._store._emitted


def test_nothing_is_emitted_twice_after_the_state_is_freed(env, results):
    lateness = [0.0]
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results, lambda: lateness[0])
    feed(env, processor, [(1.0, "a", 1), (11.0, "a", 2, 5.0)])

    def raise_lateness():
        yield env.timeout(10.5)
        lateness[0] = 100.0

    env.process(raise_lateness())
    env.run()
    assert results == [(10.0, "a", 0.0, 10.0, 1)]
    assert processor.stats.late_events_dropped == 1


# -- flush -------------------------------------------------------------------------------------------------


def test_flush_closes_what_is_open_in_order(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results)
    for key, time in (("b", 25.0), ("a", 25.0), ("a", 3.0)):
        processor.process(key, 1, time)
    assert processor.flush().value == 3
    assert results == [(0, "a", 0.0, 10.0, 1), (0, "a", 20.0, 30.0, 1), (0, "b", 20.0, 30.0, 1)]
    assert (processor.active_windows, processor.watermark_s) == (0, 30.0)
    assert processor.flush().value == 0
    env.run()
    assert len(results) == 3


def test_events_for_what_was_flushed_are_late(env, results):
    processor = StreamProcessor(env, "sums", TumblingWindow(10.0), sum, results, 100.0)
    processor.process("a", 1, 3.0)
    processor.flush()
    assert processor.process("a", 1, 4.0).value is False
    assert processor.process("a", 1, 10.0).value is True
    env.run()
    assert results == [(0, "a", 0.0, 10.0, 1), (20.0, "a", 10.0, 20.0, 1)]


# -- other forms -------------------------------------------------------------------------------------------


def test_events_in_other_forms(env):
    results = []
    processor = StreamProcessor(env, "lists", TumblingWindow(10.0), list, results.append)
    processor.put(("a", 1))
    processor.put(("a", 2, 11.0))
    processor.put(Record(0, "a", 3, 12.0, 5))
    processor.put(WindowResult("a", 10.0, 20.0, 4, 99))
    processor.put(LateEvent("a", 5, 19.0, 30.0))
    with pytest.raises(ValueError, match=r"lists: 'a' is no event\. Give \(key, value\)"):
        processor.put("a")
    env.run()
    assert [(result.window_start, result.result) for result in results] == [(0.0, [1]), (10.0, [2, 3, 4, 5])]


def test_windows_of_windows(env, results):
    hours = StreamProcessor(env, "tens", TumblingWindow(10.0), sum, results, 1.0)
    seconds = StreamProcessor(env, "ones", TumblingWindow(1.0), sum, hours)
    feed(env, seconds, [(number / 10, "a", 1) for number in range(200)])
    env.run()
    assert [(start, end, total) for _, _, start, end, total in results][-1] == (10.0, 20.0, 100)
    # the results of the last second come at the same instant as the tick that closes the ten
    assert [result[-1] for result in results if result[0] == 10.0] == [90, 100]


def test_a_window_type_of_ones_own(env, results):
    class EvenAndOdd:
        """One window for even seconds and one for odd ones, which close late."""

        def assign_windows(self, event_time_s):
            return [(0.0, 10.0)] if int(event_time_s) % 2 == 0 else [(1.0, 11.0)]

        def should_close(self, window_end, watermark_s):
            return watermark_s >= window_end + 2.0

    processor = StreamProcessor(env, "lists", EvenAndOdd(), list, results)
    feed(env, processor, [(time, "a", time) for time in (0.0, 1.0, 2.0, 3.0)])
    env.run()
    assert results == [(12.0, "a", 0.0, 10.0, [0.0, 2.0]), (13.0, "a", 1.0, 11.0, [1.0, 3.0])]


def test_stats_are_a_frozen_snapshot(env):
    processor = StreamProcessor(env, "counts", TumblingWindow(1), len, [].append)
    stats = processor.stats
    assert stats == StreamProcessorStats(0, 0, 0, 0, 0, 0)
    processor.process("a", 1)
    assert (stats.events_processed, processor.stats.events_processed) == (0, 1)
    with pytest.raises(AttributeError):
        stats.late_events = 1


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -float("inf")])
def test_an_event_time_must_be_finite(env, time):
    processor = StreamProcessor(env, "counts", TumblingWindow(1), len, [].append)
    with pytest.raises(ValueError, match=r"counts: the event time -?(nan|inf) is not finite"):
        processor.process("a", 1, time)
    assert processor.stats.events_processed == 0


def test_a_key_must_be_hashable(env):
    processor = StreamProcessor(env, "p", TumblingWindow(1.0), len, [].append)
    with pytest.raises(ValueError, match=r"p: the key \['a', 1\] cannot be looked up\. Give something hashable"):
        processor.process(["a", 1], 1)
    assert (processor.stats.events_processed, processor.active_windows, env.peek()) == (0, 0, float("inf"))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"window_type": 10}, "counts: window_type: 10 is no window type"),
        ({"window_type": TumblingWindow}, "is no window type"),
        ({"window_type": {"type": "tumble", "size_s": 1}}, "Did you mean 'tumbling'"),
        ({"window_type": {"type": "tumbling", "size": 1}}, "unexpected keyword argument 'size'"),
        ({"window_type": {"size_s": 1}}, "the type None is unknown"),
        ({"aggregate_fn": "coun"}, "Did you mean 'count'"),
        ({"aggregate_fn": "math:nothing"}, "cannot be loaded"),
        ({"aggregate_fn": "math:pi"}, "not a function"),
        ({"aggregate_fn": 7}, "7 is no aggregate"),
        ({"downstream": None}, "counts: downstream: None takes nothing"),
        ({"downstream": 7}, "counts: downstream: 7 takes nothing"),
        ({"allowed_lateness_s": -1}, "counts.allowed_lateness_s: -1"),
        ({"late_event_policy": "updat"}, "Did you mean 'update'"),
        ({"late_event_policy": 1}, "Give one of drop, update, side_output"),
        ({"late_event_policy": "side_output"}, "late_event_policy is SIDE_OUTPUT, and side_output is None"),
        ({"watermark_interval_s": -1}, "counts: watermark_interval_s: -1 is not a finite number of 0 or more"),
        ({"watermark": "events"}, "Did you mean 'event'"),
        ({"max_out_of_orderness_s": 1.0}, 'Give watermark="event"'),
        ({"idle_timeout_s": 1.0}, 'Give watermark="event"'),
        ({"sources": ["a"]}, 'Give watermark="event"'),
        ({"watermark": "event", "idle_timeout_s": 0}, "counts: idle_timeout_s: 0"),
        ({"accumulation": "discard"}, "Did you mean 'discarding'"),
        ({"early_trigger": 5}, "counts: early_trigger: 5 is no trigger"),
        ({"early_trigger": {"every": 5}}, "unexpected keyword argument 'every'"),
        ({"early_trigger": {}}, "neither every_s nor every_records"),
        ({"early_trigger": {"every_s": 0}}, "EarlyTrigger: every_s: 0"),
        ({"early_trigger": {"every_records": 0}}, "EarlyTrigger: every_records: 0"),
    ],
)
def test_nonsense_is_refused_when_a_processor_is_made(env, options, text):
    settings = {"window_type": TumblingWindow(1), "aggregate_fn": len, "downstream": [].append, **options}
    with pytest.raises(ValueError, match=text.replace("(", r"\(")):
        StreamProcessor(env, "counts", **settings)


def test_the_run_ends_for_every_kind_of_window(env, results):
    for number, window_type in enumerate([TumblingWindow(1), SlidingWindow(2, 1), SessionWindow(3)]):
        StreamProcessor(env, str(number), window_type, len, results, 10.0).process("a", 1)
    env.run()
    assert env.now == 13.0


def test_a_window_is_emitted_at_its_end_and_not_the_rounding_error_before(env):
    env.run(until=0.645)
    assert 0.645 + (5.2 - 0.645) < 5.2  # what the clock would add up to
    results = []
    processor = StreamProcessor(
        env, "p", TumblingWindow(0.1), len, lambda r: results.append(env.now), 0, "drop", None, 0
    )
    processor.process("k", 1, 5.15)
    env.run()
    assert results[0] >= 5.2
