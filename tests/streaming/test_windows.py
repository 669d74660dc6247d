from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import floor, inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des.components.lattice import Lattice
from dynamic_des_streaming import (
    SessionWindow,
    SlidingWindow,
    StreamProcessor,
    TumblingWindow,
    WindowState,
    WindowType,
)

STEPS = st.one_of(
    st.sampled_from([0.1, 0.01, 0.3, 1 / 3, 0.7, 1e-3, 1.1, 2.5, 7.0, 60.0, 3600.0, 86400.0]),
    st.integers(1, 1000),
    st.floats(1e-3, 1e4),
)
TIMES = st.one_of(st.floats(-1e6, 1e6), st.integers(-(10**6), 10**6))


@pytest.mark.parametrize(
    ("size", "time", "window"),
    [
        (10, 0, (0, 10)),
        (10, 9.999, (0, 10)),
        (10, 10, (10, 20)),
        (10, -0.001, (-10, 0)),
        (10, -10, (-10, 0)),
        (0.1, 0.3, (0.3, 0.4)),
        (0.1, 0.7, (0.7, 0.8)),
        (0.1, 1.1, (1.1, 1.2)),
        (1 / 3, 1.0, (1.0, 4 / 3)),
        (1e-9, 3e-9, (3e-9, 4e-9)),
    ],
)
def test_tumbling_windows_start_at_whole_multiples_of_the_size(size, time, window):
    assert TumblingWindow(size).assign_windows(time) == [window]


def test_a_tumbling_window_of_a_tenth_holds_ten_hundredths():
    windows = TumblingWindow(0.1)
    counts = Counter(windows.assign_windows(number / 100)[0] for number in range(-1000, 1000))
    assert set(counts.values()) == {10}
    assert sorted(counts) == [(tenth / 10, (tenth + 1) / 10) for tenth in range(-100, 100)]


@given(STEPS, TIMES)
def test_every_time_is_in_exactly_one_tumbling_window(size, time):
    [(start, end)] = TumblingWindow(size).assign_windows(time)
    assert start <= time < end
    assert TumblingWindow(size).assign_windows(start) == [(start, end)]
    assert TumblingWindow(size).assign_windows(end)[0][0] == end
    assert isclose(end - start, size, rel_tol=1e-6, abs_tol=1e-9)


@given(STEPS, st.lists(TIMES, min_size=2, max_size=20))
def test_what_was_asked_before_makes_no_difference(size, times):
    tumbling, sliding = TumblingWindow(size), SlidingWindow(size, size / 4)
    for time in times:
        assert tumbling.assign_windows(time) == TumblingWindow(size).assign_windows(time)
        assert sliding.assign_windows(time) == SlidingWindow(size, size / 4).assign_windows(time)


def test_sliding_windows_of_an_event():
    assert SlidingWindow(10, 5).assign_windows(12) == [(5, 15), (10, 20)]
    assert SlidingWindow(10, 5).assign_windows(3) == [(-5, 5), (0, 10)]
    assert SlidingWindow(10, 10).assign_windows(12) == [(10, 20)]


def test_a_slide_that_does_not_divide_the_size():
    windows = SlidingWindow(10, 4)
    assert windows.assign_windows(8) == [(0, 10), (4, 14), (8, 18)]
    assert windows.assign_windows(9.99) == [(0, 10), (4, 14), (8, 18)]
    assert windows.assign_windows(10) == [(4, 14), (8, 18)]


def test_a_slide_above_the_size_leaves_gaps():
    windows = SlidingWindow(2, 5)
    assert windows.assign_windows(6.9) == [(5, 7)]
    assert windows.assign_windows(7) == []
    assert windows.assign_windows(9.9) == []
    assert windows.assign_windows(-0.1) == []
    assert windows.assign_windows(10) == [(10, 12)]


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from([1, 2, 10, 100, 3]), st.integers(-3000, 3000))
def test_sliding_windows_are_those_that_contain_the_time(size, slide, unit, ticks):
    """Against brute force with exact fractions."""
    exact_size, exact_slide, time = Fraction(size, unit), Fraction(slide, unit), Fraction(ticks, 2 * unit)
    last = floor(time / exact_slide)
    starts = [exact_slide * index for index in range(last - size // slide - 1, last + 1)]
    expected = [(float(start), float(start + exact_size)) for start in starts if start <= time < start + exact_size]
    assert SlidingWindow(size / unit, slide / unit).assign_windows(float(time)) == expected


@given(STEPS, st.integers(1, 12), TIMES)
def test_every_time_is_in_as_many_windows_as_slides_fit(slide, count, time):
    size = slide * count
    windows = SlidingWindow(size, slide).assign_windows(time)
    assert all(start <= time < end for start, end in windows)
    if Lattice(slide).point(count) == size:
        assert len(windows) == count
    else:  # the product is another double than the exact multiple
        assert abs(len(windows) - count) <= 1


def test_100_events_in_19_sliding_windows_make_1000(env):
    results = []
    processor = StreamProcessor(env, "counts", SlidingWindow(1.0, 0.1), len, results.append)
    for number in range(100, 200):
        processor.process("k", 1, number / 100)
    env.run()
    assert (len(results), sum(result.result for result in results)) == (19, 1000)
    ends = [result.window_end for result in results]
    assert ends == sorted(ends)
    assert [result.result for result in results] == [*range(10, 100, 10), 100, *range(90, 0, -10)]


def test_a_session_of_one_event():
    assert SessionWindow(2).assign_windows(10) == [(10, 12)]
    assert SessionWindow(gap_s=0.5).gap_s == 0.5


@pytest.mark.parametrize("window_type", [TumblingWindow(10), SlidingWindow(10, 5), SessionWindow(2)])
def test_a_window_closes_when_the_watermark_has_reached_its_end(window_type):
    assert isinstance(window_type, WindowType)
    assert not window_type.should_close(10.0, 9.999)
    assert window_type.should_close(10.0, 10.0)
    assert window_type.should_close(10.0, inf)


def test_window_types_say_what_they_were_made_with():
    assert TumblingWindow(10).size_s == 10.0
    sliding = SlidingWindow(size_s=10, slide_s=5)
    assert (sliding.size_s, sliding.slide_s) == (10.0, 5.0)


@pytest.mark.parametrize("nonsense", [0, -1, float("nan"), float("inf"), "10", None, True])
@pytest.mark.parametrize(
    "make", [TumblingWindow, SessionWindow, lambda size: SlidingWindow(size, 1), lambda slide: SlidingWindow(1, slide)]
)
def test_sizes_that_make_no_sense_are_refused(make, nonsense):
    with pytest.raises(ValueError, match="is not a finite number above 0"):
        make(nonsense)


def test_an_event_in_a_million_windows_is_refused():
    with pytest.raises(ValueError, match=r"every event would be in 3600000000 windows\. Give a larger slide_s"):
        SlidingWindow(3600, 1e-6)


def test_times_too_large_to_be_told_apart_are_refused():
    with pytest.raises(
        ValueError, match=r"doubles of this size cannot tell times apart that are 0\.1 s from each other"
    ):
        TumblingWindow(0.1).assign_windows(1e18)


def test_a_window_state_begins_empty():
    state = WindowState(0.0, 10.0)
    assert (state.start, state.end, state.records, state.emitted) == (0.0, 10.0, [], False)
    assert WindowState(0.0, 1.0).records is not state.records


@given(STEPS, st.integers(-(10**6), 10**6))
def test_a_lattice_finds_its_own_points(step, index):
    lattice = Lattice(step)
    point = lattice.point(index)
    assert (lattice.index(point), lattice.index_from(point)) == (index, index)
    assert isclose(point, index * step, rel_tol=1e-9)


@given(STEPS, TIMES)
def test_a_time_lies_between_two_points(step, time):
    lattice = Lattice(step)
    index = lattice.index(time)
    assert lattice.point(index) <= time < lattice.point(index + 1)
    assert lattice.index_from(time) == (index if lattice.point(index) == time else index + 1)
