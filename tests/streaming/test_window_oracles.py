"""The stream processor against brute force, on random streams."""

from __future__ import annotations

from math import inf

import simpy
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des_streaming import SessionWindow, SlidingWindow, StreamProcessor, TumblingWindow

KEYS = st.sampled_from("abc")
# (pause before it, key, how much older than the clock)
ARRIVALS = st.lists(st.tuples(st.integers(0, 4), KEYS, st.integers(-3, 25)), max_size=60)


def processed(processor, env, arrivals):
    """Feed arrivals; return what was fed: (clock, key, event time, number)."""
    fed = []

    def model():
        for number, (pause, key, age) in enumerate(arrivals):
            yield env.timeout(pause)
            fed.append((env.now, key, env.now - age, number))
            processor.process(key, number, env.now - age)

    env.process(model())
    env.run()
    return fed


def windows_of(time, size, slide):
    return [(start, start + size) for start in range(-100, 400) if start % slide == 0 and start <= time < start + size]


@given(ARRIVALS, st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.integers(0, 12))
def test_fixed_windows_emit_what_brute_force_says(arrivals, size, slide, interval, lateness):
    env = simpy.Environment()
    results, late = [], []
    processor = StreamProcessor(
        env,
        "p",
        SlidingWindow(size, slide) if size != slide else TumblingWindow(size),
        list,
        lambda result: results.append((env.now, result.window_end, result.key, result.window_start, result.result)),
        lateness,
        "side_output",
        lambda event: late.append(event.value),
        interval,
    )
    fed = processed(processor, env, arrivals)

    expected, expected_late, contents = [], [], {}
    for clock, key, time, number in fed:
        watermark = clock // interval * interval
        windows = windows_of(time, size, slide)
        open_windows = [(start, end) for start, end in windows if end + lateness > watermark]
        if windows and not open_windows:
            expected_late.append(number)
        for start, end in open_windows:
            contents.setdefault((end, key, start), []).append((clock, number))
    for (end, key, start), content in contents.items():
        tick = -(-end // interval) * interval  # the first one that is not before the end
        on_time = [number for clock, number in content if clock <= tick]
        if on_time:
            expected.append((tick, end, key, start, on_time))
        for place, (clock, _) in enumerate(content):
            if clock > tick:
                expected.append((clock, end, key, start, [number for _, number in content[: place + 1]]))
    assert late == expected_late
    assert sorted(results) == sorted(expected)
    on_time_results = [
        (now, end, key, start) for now, end, key, start, _ in results if now == -(-end // interval) * interval
    ]
    assert on_time_results == sorted(on_time_results)
    assert processor.active_windows == 0
    assert not processor._store._states


def sessions_of(events, gap):
    """The sessions of (time, value) pairs: start, end and values, by brute force."""
    sessions = []
    for time, value in sorted(events):
        if sessions and time <= sessions[-1][1]:
            sessions[-1] = (sessions[-1][0], time + gap, {*sessions[-1][2], value})
        else:
            sessions.append((time, time + gap, {value}))
    return sessions


@given(st.lists(st.tuples(KEYS, st.integers(-50, 50))), st.integers(1, 12))
def test_sessions_are_the_same_in_whatever_order_events_come(events, gap):
    env = simpy.Environment()
    results = []
    processor = StreamProcessor(env, "p", SessionWindow(gap), set, results.append, watermark="event")
    for number, (key, time) in enumerate(events):
        processor.process(key, number, time)
    expected = [
        (end, key, start, values)
        for key in "abc"
        for start, end, values in sessions_of([(time, n) for n, (k, time) in enumerate(events) if k == key], gap)
    ]
    assert processor.active_windows == len(expected)
    processor.flush()
    emitted = [(result.window_end, result.key, result.window_start, result.result) for result in results]
    assert emitted == sorted(expected, key=lambda session: session[:2])
    assert not processor._store._sessions


class NaiveSessions:
    """Sessions of one key as a plain list, under an event-time watermark that moves with every event."""

    def __init__(self, gap, slack, lateness):
        self.gap, self.slack, self.lateness = gap, slack, lateness
        self.watermark, self.newest = -inf, -inf
        self.sessions = []  # [start, end, values, emitted]
        self.results, self.late = [], []

    def process(self, time, value):
        touching = [s for s in self.sessions if s[0] <= time + self.gap and time <= s[1]]
        start = min([time, *(s[0] for s in touching)])
        end = max([time + self.gap, *(s[1] for s in touching)])
        if end + self.lateness <= self.watermark:
            self.late.append(value)
        else:
            values = [v for s in sorted(touching, key=lambda s: s[0]) for v in s[2]] + [value]
            merged = [start, end, values, False]
            self.sessions = [s for s in self.sessions if s not in touching] + [merged]
            if end <= self.watermark:
                self.emit(merged)
        self.newest = max(self.newest, time)
        self.watermark = max(self.watermark, self.newest - self.slack)
        for session in sorted(self.sessions):
            if not session[3] and session[1] <= self.watermark:
                self.emit(session)
        self.sessions = [s for s in self.sessions if not s[3] or s[1] + self.lateness > self.watermark]

    def emit(self, session):
        session[3] = True
        self.results.append((session[0], session[1], list(session[2])))


@given(st.lists(st.integers(0, 60), max_size=50), st.integers(1, 8), st.integers(0, 10), st.integers(0, 15))
def test_sessions_with_late_events_are_those_of_a_plain_list(times, gap, slack, lateness):
    env = simpy.Environment()
    results, late = [], []
    processor = StreamProcessor(
        env,
        "p",
        SessionWindow(gap),
        list,
        lambda result: results.append((result.window_start, result.window_end, result.result)),
        lateness,
        "side_output",
        lambda event: late.append(event.value),
        0,
        watermark="event",
        max_out_of_orderness_s=slack,
    )
    naive = NaiveSessions(gap, slack, lateness)
    for number, time in enumerate(times):
        processor.process("k", number, time)
        naive.process(time, number)
        assert processor.active_windows == sum(not session[3] for session in naive.sessions)
    assert results == naive.results
    assert late == naive.late
    assert len(processor._store._sessions.get("k", [])) == len(naive.sessions)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("xyz"), st.integers(-10, 40)), max_size=40),
    st.integers(0, 6),
    st.integers(1, 5),
    st.sampled_from([None, 2, 7]),
)
def test_event_time_watermarks_are_those_of_brute_force(events, slack, interval, idle):
    env = simpy.Environment()
    processor = StreamProcessor(
        env,
        "p",
        TumblingWindow(5),
        len,
        lambda result: None,
        watermark_interval_s=interval,
        watermark="event",
        max_out_of_orderness_s=slack,
        idle_timeout_s=idle,
        sources=("x", "y"),
    )
    fed, seen = [], []

    def model():
        for pause, source, time in events:
            yield env.timeout(pause)
            processor.process("k", 1, time, source)
            fed.append((env.now, source, time))

    def look():
        while env.now < 150:
            yield env.timeout(0.5)
            if env.now % interval:  # between two ticks
                seen.append((env.now, processor.watermark_s))

    env.process(model())
    env.process(look())
    env.run()

    def candidate(clock):
        newest, heard = {"x": -inf, "y": -inf}, {"x": 0, "y": 0}
        for at, source, time in fed:
            if at <= clock:
                newest[source] = max(newest.get(source, -inf), time)
                heard[source] = at
        active = [newest[source] for source in newest if idle is None or heard[source] + idle > clock]
        return (min(active) if active else max(newest.values())) - slack

    best, expected = -inf, {}
    for tick in range(0, 151, interval):
        best = max(best, candidate(tick))
        expected[tick] = best
    for clock, watermark in seen:
        assert watermark == expected[int(clock // interval * interval)]
