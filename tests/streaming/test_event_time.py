from __future__ import annotations

from math import inf

import pytest

from dynamic_des_streaming import SlidingWindow, StreamProcessor, TumblingWindow


@pytest.fixture
def results():
    return []


def counting(env, results, **options):
    return StreamProcessor(
        env,
        "counts",
        TumblingWindow(10.0),
        len,
        lambda result: results.append((env.now, result.window_start, result.result)),
        watermark="event",
        **options,
    )


def feed(env, processor, events):
    """Process events: (clock, event time[, source])."""

    def model():
        for clock, *event in events:
            yield env.timeout(clock - env.now)
            processor.process("k", 1, *event)

    env.process(model())


def test_there_is_no_watermark_before_the_first_event(env, results):
    processor = counting(env, results)
    env.run(until=100)
    assert processor.watermark_s == -inf
    assert processor.process("k", 1, -1e6).value is True


def test_the_watermark_is_the_largest_event_time_minus_the_out_of_orderness(env, results):
    processor = counting(env, results, max_out_of_orderness_s=3.0)
    feed(env, processor, [(0.1, 8.0), (0.2, 12.0), (1.1, 9.0), (2.1, 13.0), (2.2, 9.5)])
    seen = []
    for time in (0.5, 1.5, 2.5, 3.5):
        env.run(until=time)
        seen.append(processor.watermark_s)
    assert seen == [-inf, 9.0, 9.0, 10.0]
    assert results == [(3.0, 0.0, 3)]  # 8, 9 and 9.5, which was in time


def test_the_simulation_clock_does_not_matter(env, results):
    processor = counting(env, results)
    feed(env, processor, [(1000.0, 3.0), (5000.0, 12.0)])
    env.run()
    assert results == [(5000.0, 0.0, 1)]
    assert (processor.active_windows, processor.watermark_s, env.now) == (1, 12.0, 5000.0)


def test_the_run_ends_with_windows_open_and_flush_closes_them(env, results):
    processor = counting(env, results)
    feed(env, processor, [(1.0, 3.0), (2.0, 17.0)])
    env.run()
    assert processor.active_windows == 1
    processor.flush()
    assert results == [(2.0, 0.0, 1), (2.0, 10.0, 1)]


def test_an_interval_of_0_advances_at_every_event(env, results):
    processor = counting(env, results, watermark_interval_s=0)
    feed(env, processor, [(0.25, 3.0), (0.5, 10.0), (0.75, 9.0)])
    env.run()
    assert results == [(0.5, 0.0, 1)]
    assert (processor.stats.late_events_dropped, processor.watermark_s) == (1, 10.0)


def test_the_watermark_never_falls(env, results):
    slack = [0.0]
    processor = counting(env, results, watermark_interval_s=0, max_out_of_orderness_s=lambda: slack[0])
    processor.process("k", 1, 50.0)
    slack[0] = 20.0
    processor.process("k", 1, 60.0)
    assert processor.watermark_s == 50.0
    processor.process("k", 1, 75.0)
    assert processor.watermark_s == 55.0


def test_the_slowest_source_counts(env, results):
    processor = counting(env, results)
    feed(env, processor, [(0.1, 5.0, "a"), (0.2, 7.0, "b"), (1.1, 25.0, "a"), (2.1, 12.0, "b")])
    seen = []
    for time in (1.5, 2.5, 3.5):
        env.run(until=time)
        seen.append(processor.watermark_s)
    assert seen == [5.0, 7.0, 12.0]
    assert results == [(3.0, 0.0, 2)]


def test_a_source_that_is_declared_holds_back_the_others_before_its_first_event(env, results):
    processor = counting(env, results, sources=("a", "b"))
    feed(env, processor, [(0.5, 25.0, "a"), (4.5, 11.0, "b")])
    env.run(until=4.4)
    assert processor.watermark_s == -inf
    env.run()
    assert processor.watermark_s == 11.0


def test_an_idle_source_holds_back_nobody(env, results):
    processor = counting(env, results, idle_timeout_s=5.0)
    feed(env, processor, [(1.5, 4.0, "b"), (1.6, 3.0, "a"), (2.5, 12.0, "a"), (6.3, 13.0, "a")])
    env.run(until=6.9)
    assert processor.watermark_s == 4.0
    env.run(until=7.1)  # the first tick at which b has been silent for five seconds
    assert (processor.watermark_s, results) == (13.0, [(7.0, 0.0, 2)])
    feed(env, processor, [(8.5, 6.0, "b"), (8.6, 14.0, "b")])
    env.run()
    # b is back, and late with what it brings first; then both have come to 13 at least
    assert (processor.watermark_s, processor.stats.late_events_dropped) == (14.0, 1)


def test_when_all_sources_are_idle_the_furthest_counts(env, results):
    processor = counting(env, results, idle_timeout_s=2.0)
    feed(env, processor, [(0.5, 4.0, "a"), (0.5, 12.0, "b")])
    env.run()
    assert results == [(3.0, 0.0, 1)]
    assert (processor.watermark_s, env.now) == (12.0, 3.0)


def test_idleness_is_noticed_at_once_with_an_interval_of_0(env, results):
    processor = counting(env, results, idle_timeout_s=2.0, watermark_interval_s=0)
    feed(env, processor, [(0.5, 4.0, "a"), (1.0, 12.0, "b"), (2.25, 13.0, "b")])
    env.run()
    assert results == [(2.5, 0.0, 1)]


def test_the_watermark_can_be_advanced_by_hand(env, results):
    processor = counting(env, results)
    processor.process("k", 1, 3.0)
    processor.process("k", 1, 13.0)
    assert processor.advance_watermark(10.0).value == 10.0
    assert results == [(0, 0.0, 1)]
    assert processor.advance_watermark(5.0).value == 10.0
    env.run()
    assert processor.watermark_s == 13.0  # what the events say
    with pytest.raises(ValueError, match=r"counts: the watermark inf is not finite\. To close all: flush"):
        processor.advance_watermark(inf)
    with pytest.raises(ValueError, match="nan"):
        processor.advance_watermark(float("nan"))


def test_windows_before_0(env):
    results = []
    processor = StreamProcessor(
        env, "sums", SlidingWindow(10, 5), sum, lambda r: results.append((r.window_start, r.result)), watermark="event"
    )
    for time in (-12.0, -3.0, 3.0):
        processor.process("k", 1, time)
    processor.flush()
    assert results == [(-20.0, 1), (-15.0, 1), (-10.0, 1), (-5.0, 2), (0.0, 1)]
