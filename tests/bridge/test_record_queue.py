"""A queue of records, in chunks of columns."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_des.bridge.record_queue import RecordQueue

STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "take", "drop"]), st.one_of(st.integers(0, 9), st.integers(900, 2500))),
    max_size=12,
)


def records(first, count):
    return [(seq, seq / 4, seq % 3 > 0, f"part-{seq}", {"n": seq}) for seq in range(first, first + count)]


@settings(deadline=None)
@given(STEPS)
def test_what_comes_first_leaves_first_whatever_the_chunks(steps):
    queue, expected, last = RecordQueue(), deque(), 0
    for step, count in steps:
        if step == "put":
            queue.extend(records(last + 1, count))
            expected += records(last + 1, count)
            last += count
        else:
            gone = [expected.popleft() for _ in range(min(count, len(expected)))]
            if step == "take":
                assert list(queue.take(count)) == gone
            else:
                queue.drop(count)
        assert len(queue) == len(expected)
        if expected:
            assert (queue.first_time, queue.last_time) == (expected[0][1], expected[-1][1])
            until = queue.first_time + 100
            assert queue.while_time(lambda time: time < until, 3000) == sum(one[1] < until for one in expected)  # noqa: B023 - called at once


def test_nothing_is_left_of_a_queue_that_was_cleared():
    queue = RecordQueue()
    queue.extend(records(1, 2000))
    queue.take(1500)
    queue.clear()
    queue.extend(records(7, 2))
    assert list(queue.take(10)) == records(7, 2)
