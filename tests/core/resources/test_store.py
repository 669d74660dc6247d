from math import inf

import pytest
import simpy

from dynamic_des.errors import ResourceError, UnknownPathError
from dynamic_des.sim.resources import BaseDynamicResource, DynamicStore


def producer(env, shelf, item, log, at=0):
    yield env.timeout(at)
    yield shelf.put(item)
    log.append((env.now, "put", item))


def consumer(env, shelf, log, at=0, **choice):
    yield env.timeout(at)
    item = yield shelf.get(**choice)
    log.append((env.now, "got", item))


def test_it_is_simpys_own_store_with_simpys_names_and_its_own(make_line):
    env = make_line(stores={"shelf": 2})
    shelf = DynamicStore(env, "Line", "shelf")
    for cls in (simpy.Store, simpy.PriorityStore, simpy.FilterStore, BaseDynamicResource):
        assert isinstance(shelf, cls)
    puts = [shelf.put(item) for item in "abc"]
    assert all(type(put) is simpy.resources.store.StorePut for put in puts)
    assert (shelf.env, shelf.sim_id, shelf.obj_id, shelf.capacity) == (env, "Line", "shelf", 2)
    assert (shelf.items, shelf.put_queue) == (["a", "b"], puts[2:])
    gets = [shelf.get() for _ in range(4)]
    assert type(gets[0]) is simpy.resources.store.StoreGet
    assert [get.value for get in gets[:2]] == ["a", "b"]
    assert (shelf.items, shelf.get_queue) == ([], gets[2:])
    assert repr(shelf) == "<DynamicStore Line.shelf: 0 of 2>"


def test_growing_lets_in_at_once_all_that_fit(make_line):
    env = make_line(stores={"shelf": 1})
    shelf = DynamicStore(env, "Line", "shelf")
    log = []
    for item in "abcde":
        env.process(producer(env, shelf, item, log))
    env.steer((4, "stores.shelf", 4))
    env.run()
    assert log == [(0, "put", "a"), (4, "put", "b"), (4, "put", "c"), (4, "put", "d")]
    assert shelf.items == ["a", "b", "c", "d"]


def test_growing_serves_gets_that_wait_for_what_waited(make_line):
    env = make_line(stores={"shelf": 0})
    shelf = DynamicStore(env, "Line", "shelf")
    log = []
    for item in "abc":
        env.process(consumer(env, shelf, log))
        env.process(producer(env, shelf, item, log))
    env.steer((4, "stores.shelf", 1))
    env.run()
    assert sorted(log) == sorted((4, what, item) for item in "abc" for what in ("put", "got"))


def test_shrinking_takes_no_item_away_and_holds_up_puts_until_there_is_a_place(make_line):
    env = make_line(stores={"shelf": 4})
    shelf = DynamicStore(env, "Line", "shelf")
    log = []
    for item in "abcd":
        shelf.put(item)
    env.process(producer(env, shelf, "e", log, at=2))
    for at in (3, 4, 5):
        env.process(consumer(env, shelf, log, at=at))
    env.steer((1, "stores.shelf", 2))
    env.run(until=2.5)
    assert (shelf.items, shelf.capacity, len(shelf.put_queue)) == (["a", "b", "c", "d"], 2, 1)
    env.run()
    assert log == [(3, "got", "a"), (4, "got", "b"), (5, "got", "c"), (5, "put", "e")]
    assert shelf.items == ["d", "e"]


def test_who_comes_in_the_instant_of_a_change_does_not_overtake(make_line):
    shelf = DynamicStore(make_line(stores={"shelf": 1}), "Line", "shelf")
    shelf.put("a")
    first = shelf.put("b")
    shelf.get()
    second = shelf.put("c")
    assert (first.triggered, second.triggered, shelf.items) == (True, False, ["b"])

    empty = DynamicStore(make_line(stores={"shelf": 1}), "Line", "shelf")
    early = empty.get()
    empty.put("d")
    late = empty.get()
    assert (early.value, late.triggered) == ("d", False)


def test_an_infinite_capacity_takes_everything(make_line):
    shelf = DynamicStore(make_line(stores={"shelf": inf}), "Line", "shelf")
    for item in range(1000):
        shelf.put(item)
    assert (shelf.capacity, len(shelf.items)) == (inf, 1000)


def test_a_priority_store_gives_the_smallest_item_first(make_line):
    env = make_line(stores={"shelf": 9})
    shelf = DynamicStore(env, "Line", "shelf", priority=True)
    log = []
    for number in (3, 1, 2):
        shelf.put(simpy.PriorityItem(number, {"any": "thing"}))
    for _ in range(3):
        env.process(consumer(env, shelf, log))
    env.run()
    assert [item.priority for _, _, item in log] == [1, 2, 3]


def test_a_priority_store_grows_and_shrinks_too(make_line):
    env = make_line(stores={"shelf": 2})
    shelf = DynamicStore(env, "Line", "shelf", priority=True)
    log = []
    for item in (5, 4, 3, 2, 1):
        env.process(producer(env, shelf, item, log))
    for at in (3, 4, 5):
        env.process(consumer(env, shelf, log, at=at))
    env.steer((1, "stores.shelf", 4), (2, "stores.shelf", 2))
    env.run()
    assert log[:4] == [(0, "put", 5), (0, "put", 4), (1, "put", 3), (1, "put", 2)]
    assert log[4:] == [(3, "got", 2), (4, "got", 3), (5, "got", 4), (5, "put", 1)]
    assert sorted(shelf.items) == [1, 5]


def test_an_item_that_cannot_be_compared_fails_its_put_and_leaves_the_store_whole(make_line):
    env = make_line(stores={"shelf": 9})
    shelf = DynamicStore(env, "Line", "shelf", priority=True)
    texts = []

    def careless():
        for item in (3, 1, 2):
            yield shelf.put(item)
        with pytest.raises(ResourceError) as error:
            yield shelf.put("four")
        texts.append(str(error.value))

    env.process(careless())
    env.run()
    assert texts[0] == (
        "Line.shelf: 'four' cannot be compared with the items of this priority store "
        "('<' not supported between instances of 'str' and 'int'). Wrap items in simpy.PriorityItem."
    )
    assert (sorted(shelf.items), shelf.put_queue) == ([1, 2, 3], [])
    assert [shelf.get().value for _ in range(3)] == [1, 2, 3]


def test_an_item_that_cannot_be_compared_does_not_keep_the_place_from_the_next(make_line):
    env = make_line(stores={"shelf": 2})
    shelf = DynamicStore(env, "Line", "shelf", priority=True)
    for item in (1, 2):
        shelf.put(item)
    bad, good = shelf.put("three"), shelf.put(3)
    bad.defused = True
    shelf.get()
    env.run()
    assert (bad.ok, good.ok, sorted(shelf.items)) == (False, True, [2, 3])


def test_a_filtered_get_takes_the_first_item_it_wants_and_lets_others_pass(make_line):
    env = make_line(stores={"shelf": 9})
    shelf = DynamicStore(env, "Line", "shelf", filter=True)
    log = []
    env.process(consumer(env, shelf, log, filter=lambda item: item == "x"))
    env.process(consumer(env, shelf, log, filter=str.isupper))
    env.process(consumer(env, shelf, log))
    for at, item in ((1, "a"), (2, "b"), (3, "C"), (4, "x")):
        env.process(producer(env, shelf, item, [], at=at))
    env.run()
    assert log == [(1, "got", "a"), (3, "got", "C"), (4, "got", "x")]
    assert shelf.items == ["b"]


def test_a_filtered_get_takes_the_very_item_and_not_an_equal_one(make_line):
    class Part(int):
        pass

    good, bad = Part(1), Part(1)
    shelf = DynamicStore(make_line(stores={"shelf": 9}), "Line", "shelf", filter=True)
    shelf.put(bad)
    shelf.put(good)
    assert shelf.get(lambda part: part is good).value is good
    assert shelf.items[0] is bad


def test_a_store_with_priority_and_filter_gives_the_smallest_of_the_wanted(make_line):
    shelf = DynamicStore(make_line(stores={"shelf": 99}), "Line", "shelf", priority=True, filter=True)
    for item in (8, 3, 6, 1, 4, 7, 2, 5):
        shelf.put(item)
    assert [shelf.get(lambda item: item % 2 == 0).value for _ in range(4)] == [2, 4, 6, 8]
    assert [shelf.get().value for _ in range(4)] == [1, 3, 5, 7]


def test_growing_offers_new_items_to_filtered_gets(make_line):
    env = make_line(stores={"shelf": 1})
    shelf = DynamicStore(env, "Line", "shelf", filter=True)
    log = []
    env.process(consumer(env, shelf, log, filter=lambda item: item == "c"))
    for item in "abc":
        env.process(producer(env, shelf, item, []))
    env.steer((4, "stores.shelf", 3))
    env.run()
    assert (log, shelf.items) == ([(4, "got", "c")], ["a", "b"])


def test_a_filter_for_a_store_without_is_refused(make_line):
    shelf = DynamicStore(make_line(stores={"shelf": 1}), "Line", "shelf")
    with pytest.raises(ResourceError) as error:
        shelf.get(str.isupper)
    assert str(error.value) == (
        "Line.shelf: this store takes no filter, and got <method 'isupper' of 'str' objects>. Make it with filter=True."
    )
    assert shelf.get_queue == []


def test_who_gives_up_leaves_the_queue(make_line):
    shelf = DynamicStore(make_line(stores={"shelf": 0}), "Line", "shelf")
    puts, gets = [shelf.put(item) for item in "abc"], [shelf.get() for _ in range(3)]
    puts[0].cancel()
    gets[2].cancel()
    assert (shelf.put_queue, shelf.get_queue) == (puts[1:], gets[:2])


def test_without_its_capacity_it_says_what_to_register(make_line):
    with pytest.raises(UnknownPathError, match=r"SimParameter\(sim_id='Line', stores=\{'rack': CapacityConfig\("):
        DynamicStore(make_line(stores={"shelf": 3}), "Line", "rack")


def test_it_is_built_from_the_name_that_a_configuration_file_gives(make_line):
    shelf = DynamicStore.from_name(make_line(stores={"shelf": 3}), "Line.shelf", filter=True)
    shelf.put(1)
    assert (shelf.obj_id, shelf.get(lambda item: item == 1).value) == ("shelf", 1)


@pytest.mark.parametrize("hook", ["_do_put", "_do_get", "_trigger_put", "_trigger_get"])
@pytest.mark.parametrize("how", ["overridden", "patched"])
@pytest.mark.parametrize("kind", ["Store", "PriorityStore", "FilterStore"])
def test_simpys_hooks_are_called_as_simpy_calls_them(make_line, hook, how, kind):
    def run(base, build):
        seen, log = [], []

        class Overridden(base):
            pass

        def watch(self, original, event):
            seen.append(
                (self._env.now, type(event).__name__, len(self.items), len(self.put_queue), len(self.get_queue))
            )
            return original(event)

        if how == "overridden":
            setattr(Overridden, hook, lambda self, event: watch(self, getattr(super(Overridden, self), hook), event))
        env = make_line(stores={"shelf": 2})
        shelf = build(Overridden, env)
        if how == "patched":
            original = getattr(shelf, hook)
            setattr(shelf, hook, lambda event: watch(shelf, original, event))
        for at, item in ((0, 5), (0, 4), (0, 3), (3, 1), (4, 2)):
            env.process(producer(env, shelf, item, log, at))
            env.process(consumer(env, shelf, log, at + 1))
        env.run()
        return seen, log

    options = {"priority": kind == "PriorityStore", "filter": kind == "FilterStore"}
    ours = run(DynamicStore, lambda cls, env: cls(env, "Line", "shelf", **options))
    assert ours == run(getattr(simpy, kind), lambda cls, env: cls(env, 2))
    assert len(ours[0]) > 4
