from operator import attrgetter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des.sim.resources.queues import ArrivalQueue, NewestFirstQueue, PriorityQueue


def waiting(number, priority=0):
    return SimpleNamespace(number=number, priority=priority, key=(priority, 0, False))


def in_reference_order(queue, events):
    if isinstance(queue, NewestFirstQueue):
        return sorted(events, key=lambda event: (event.priority, -event.number))
    if isinstance(queue, PriorityQueue):
        return sorted(events, key=attrgetter("key"))
    return events


@pytest.mark.parametrize("kind", [ArrivalQueue, PriorityQueue, NewestFirstQueue])
@given(actions=st.lists(st.one_of(st.integers(0, 3), st.floats(0, 1, exclude_max=True)), max_size=60))
def test_who_comes_and_who_gives_up_leaves_the_others_in_order(kind, actions):
    queue, present = kind(), []
    for number, action in enumerate(actions):
        if isinstance(action, int):
            present.append(waiting(number, action))
            queue.append(present[-1])
        elif present:
            queue.remove(present.pop(int(action * len(present))))
        assert queue == in_reference_order(queue, present)


@pytest.mark.parametrize("kind", [ArrivalQueue, PriorityQueue, NewestFirstQueue])
def test_it_is_a_list_and_its_own_items(kind):
    queue = kind()
    events = [waiting(number) for number in range(3)]
    for event in events:
        queue.append(event)
    assert isinstance(queue, list)
    assert queue.items is queue
    assert (len(queue), queue[0] in queue, queue.pop(0) in queue, len(queue)) == (3, True, False, 2)


@pytest.mark.parametrize("kind", [ArrivalQueue, PriorityQueue, NewestFirstQueue])
def test_what_does_not_wait_cannot_be_removed(kind):
    queue = kind()
    gone = waiting(1)
    queue.append(gone)
    queue.append(waiting(2))
    queue.remove(gone)
    for stranger in (gone, waiting(3)):
        with pytest.raises(ValueError, match="not in list"):
            queue.remove(stranger)
    assert len(queue) == 1


@pytest.mark.parametrize("kind", [ArrivalQueue, PriorityQueue, NewestFirstQueue])
@pytest.mark.parametrize("how", ["reversed", "inserted", "key changed"])
def test_whoever_rearranges_it_can_still_give_up(kind, how):
    queue = kind()
    events = [waiting(number, number % 2) for number in range(9)]
    for event in events[:-1]:
        queue.append(event)
    if how == "reversed":
        queue.reverse()
        queue.append(events[8])
    elif how == "inserted":
        queue.insert(3, events[8])
    else:
        queue.append(events[8])
        events[4].priority, events[4].key = 9, (9, 0, False)
    for event in events:
        queue.remove(event)
    assert queue == []


def test_an_event_is_told_from_others_by_identity_only():
    class Equal(SimpleNamespace):
        __hash__ = None

        def __eq__(self, other):
            raise AssertionError("compared")

    for queue in (ArrivalQueue(), PriorityQueue(), NewestFirstQueue()):
        events = [Equal(priority=1, key=(1, 0, False)) for _ in range(100)]
        for event in events:
            queue.append(event)
        queue.remove(events[50])
        queue.remove(events[0])
        queue.remove(events[99])
        assert len(queue) == 97
