from math import nan

import pytest
import simpy
from simpy.resources.resource import Preempted

from dynamic_des.errors import ConfigError, ParameterError, ResourceError, UnknownPathError
from dynamic_des.sim.parameters import CapacityConfig, SimParameter
from dynamic_des.sim.registry import SimulationRegistry
from dynamic_des.sim.resources import BaseDynamicResource, DynamicContainer, DynamicResource, DynamicStore


def job(env, lathe, name, log, *, at=0, hold=10, patience=None, **how):
    """Ask at a time, hold, give back; log when it got the unit and how it ended."""
    yield env.timeout(at)
    with lathe.request(**how) as request:
        try:
            got = yield request if patience is None else request | env.timeout(patience)
            if patience is not None and request not in got:
                log.append((env.now, name, "left"))
                return
            log.append((env.now, name, "got"))
            yield env.timeout(hold)
            log.append((env.now, name, "done"))
        except simpy.Interrupt as interrupt:
            log.append((env.now, name, "preempted", interrupt.cause.usage_since))
        except ResourceError:
            log.append((env.now, name, "balked"))


def times(log, what):
    return [(name, at) for at, name, how, *_ in log if how == what]


# -- what it is ------------------------------------------------------------------------------------------------


def test_it_is_simpys_own_resource_with_simpys_names_and_its_own(make_line):
    env = make_line(resources={"lathe": 2})
    lathe = DynamicResource(env, "Line", "lathe")
    assert isinstance(lathe, (BaseDynamicResource, simpy.PriorityResource))
    assert isinstance(lathe, simpy.Resource)
    assert isinstance(lathe, simpy.PreemptiveResource)
    requests = [lathe.request() for _ in range(5)]
    assert (lathe.env, lathe.sim_id, lathe.resource_id, lathe.capacity) == (env, "Line", "lathe", 2)
    assert (lathe.in_use, lathe.count, lathe.users) == (2, 2, requests[:2])
    assert lathe.queue is lathe.put_queue is lathe.queue.items
    assert (len(lathe.queue), lathe.queue[0], list(lathe.queue)) == (3, requests[2], requests[2:])
    assert requests[4] in lathe.queue
    assert requests[0] not in lathe.queue
    assert isinstance(lathe.queue, list)
    assert lathe.get_queue == []
    assert repr(lathe) == "<DynamicResource Line.lathe: 2 of 2 in use, 3 waiting>"


def test_a_request_is_simpys_own_and_of_priority_one(make_line):
    lathe = DynamicResource(make_line(resources={"lathe": 1}), "Line", "lathe")
    request = lathe.request()
    assert type(request) is simpy.resources.resource.PriorityRequest
    assert (request.priority, request.preempt, request.key, request.usage_since) == (1, True, (1, 0, False), 0)
    assert type(lathe.release(request)) is simpy.resources.resource.Release


def test_it_works_in_any_simpy_environment_with_a_registry():
    env = simpy.Environment()
    env.registry = SimulationRegistry(env)
    env.registry.register_sim_parameter(SimParameter("Line", resources={"lathe": CapacityConfig(1, 5)}))
    lathe = DynamicResource(env, "Line", "lathe")
    log = []
    for name in "abc":
        env.process(job(env, lathe, name, log))
    env.run(until=4)
    env.registry.update("Line.resources.lathe.current_cap", 2)
    env.run()
    assert times(log, "got") == [("a", 0), ("b", 4), ("c", 10)]


def test_without_a_registry_it_says_what_to_do():
    with pytest.raises(ConfigError) as error:
        DynamicResource(simpy.Environment(), "Line", "lathe")
    assert str(error.value) == (
        "DynamicResource Line.lathe: Environment has no registry. "
        "Use DynamicRealtimeEnvironment, or set env.registry = SimulationRegistry(env)."
    )


def test_without_its_capacity_it_says_what_to_register(make_line):
    with pytest.raises(UnknownPathError) as error:
        DynamicResource(make_line(resources={"lathe": 1}), "Line", "laht")
    assert str(error.value) == (
        "DynamicResource Line.laht: 'Line.resources.laht.current_cap': no such path. "
        "Did you mean 'Line.resources.lathe.current_cap'? "
        "Register SimParameter(sim_id='Line', resources={'laht': CapacityConfig(current_cap=…, max_cap=…)}) first."
    )
    assert isinstance(error.value.__cause__, UnknownPathError)


# -- capacity --------------------------------------------------------------------------------------------------


def test_growing_grants_all_who_fit_at_once(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    log = []
    for name in "abcdef":
        env.process(job(env, lathe, name, log))
    env.steer((4, "resources.lathe", 4))
    env.run()
    assert times(log, "got") == [("a", 0), ("b", 4), ("c", 4), ("d", 4), ("e", 10), ("f", 14)]


def test_a_waiter_of_the_parameter_finds_the_units_granted(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    seen = []

    def watcher():
        capacity = yield env.registry.get("Line.resources.lathe.current_cap").wait_for_change()
        seen.append((env.now, capacity, lathe.capacity, lathe.in_use, len(lathe.queue)))

    env.process(watcher())
    for name in "abcde":
        env.process(job(env, lathe, name, []))
    env.steer((4, "resources.lathe", 3))
    env.run()
    assert seen == [(4, 3, 3, 3, 2)]


def test_shrinking_lets_busy_units_finish_and_grants_nothing_above_the_capacity(make_line):
    env = make_line(resources={"lathe": 5})
    lathe = DynamicResource(env, "Line", "lathe")
    log = []
    for name, hold in (("a", 10), ("b", 11), ("c", 12), ("d", 13)):
        env.process(job(env, lathe, name, log, hold=hold))
    for name in "ef":
        env.process(job(env, lathe, name, log, at=6, hold=5))
    env.steer((5, "resources.lathe", 2))
    env.run(until=5.5)
    assert (lathe.in_use, lathe.count, lathe.capacity) == (4, 4, 2)
    env.run()
    assert times(log, "done")[:4] == [("a", 10), ("b", 11), ("c", 12), ("d", 13)]
    assert times(log, "got")[4:] == [("e", 12), ("f", 13)]
    assert lathe.in_use == 0


def test_a_capacity_of_zero_grants_nothing_until_it_grows(make_line):
    env = make_line(resources={"lathe": 0})
    lathe = DynamicResource(env, "Line", "lathe")
    log = []
    env.process(job(env, lathe, "a", log))
    env.process(job(env, lathe, "b", log))
    env.steer((3, "resources.lathe", 1), (4, "resources.lathe", 0), (20, "resources.lathe", 1))
    env.run()
    assert log == [(3, "a", "got"), (13, "a", "done"), (20, "b", "got"), (30, "b", "done")]


def test_down_and_up_again_in_one_instant_leaves_all_as_it_was(make_line):
    env = make_line(resources={"lathe": 2})
    lathe = DynamicResource(env, "Line", "lathe")
    log = []
    for name in "abc":
        env.process(job(env, lathe, name, log))
    env.steer((5, "resources.lathe", 0), (5, "resources.lathe", 2))
    env.run()
    assert times(log, "got") == [("a", 0), ("b", 0), ("c", 10)]


def test_a_change_inside_a_process_that_holds_a_unit_grants_at_once(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    log = []

    def foreman():
        with lathe.request() as request:
            yield request
            yield env.timeout(2)
            env.registry.update("Line.resources.lathe.current_cap", 2)
            log.append((env.now, "foreman", lathe.in_use))
            yield env.timeout(2)

    env.process(foreman())
    env.process(job(env, lathe, "a", log, hold=1))
    env.run()
    assert log == [(2, "foreman", 2), (2, "a", "got"), (3, "a", "done")]


def test_two_capacities_change_at_one_instant(make_line):
    env = make_line(resources={"lathe": 1, "mill": 2})
    lathe, mill = DynamicResource(env, "Line", "lathe"), DynamicResource(env, "Line", "mill")
    for part in (lathe, lathe, lathe, mill, mill, mill):
        part.request()
    env.registry.update_many({"Line.resources.lathe.current_cap": 3, "Line.resources.mill.current_cap": 1})
    assert (lathe.in_use, mill.in_use) == (3, 2)


def test_a_refused_capacity_changes_nothing(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    for _ in range(3):
        lathe.request()
    for value in (-1, 0.5, nan, True, "many"):
        assert env.registry.update("Line.resources.lathe.current_cap", value).status == "refused"
    assert (lathe.capacity, lathe.in_use) == (1, 1)


# -- order -----------------------------------------------------------------------------------------------------


def test_smaller_priorities_first_then_in_order_of_arrival(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    log = []
    for name, priority in (("a", 1), ("b", 2), ("c", 1), ("d", 0), ("e", 2), ("f", 1)):
        env.process(job(env, lathe, name, log, hold=1, priority=priority))
    env.run()
    assert times(log, "got") == [("a", 0), ("d", 1), ("c", 2), ("f", 3), ("b", 4), ("e", 5)]


def test_lifo_serves_the_last_to_come_within_a_priority(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe", lifo=True)
    log = []
    for name, at, priority in (("a", 0, 1), ("b", 1, 1), ("c", 2, 2), ("d", 3, 1), ("e", 3, 1), ("f", 4, 2)):
        env.process(job(env, lathe, name, log, at=at, hold=10, priority=priority))
    env.run()
    assert times(log, "got") == [("a", 0), ("e", 10), ("d", 20), ("b", 30), ("f", 40), ("c", 50)]


@pytest.mark.parametrize("lifo", [False, True])
def test_who_gives_up_is_gone_from_among_equals(make_line, lifo):
    env = make_line(resources={"lathe": 0})
    lathe = DynamicResource(env, "Line", "lathe", lifo=lifo)
    requests = [lathe.request() for _ in range(9)]
    for number in (4, 0, 8):
        requests[number].cancel()
    left = [requests[number] for number in (1, 2, 3, 5, 6, 7)]
    assert lathe.queue == (left[::-1] if lifo else left)


def test_reneging_leaves_the_others_in_their_places(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    log = []
    env.process(job(env, lathe, "a", log))
    env.process(job(env, lathe, "b", log, at=1, patience=5))
    env.process(job(env, lathe, "c", log, at=2, patience=20))
    env.run()
    assert log == [(0, "a", "got"), (6, "b", "left"), (10, "a", "done"), (10, "c", "got"), (20, "c", "done")]


def test_priorities_are_anything_that_can_be_compared(make_line):
    lathe = DynamicResource(make_line(resources={"lathe": 0}), "Line", "lathe")
    late, soon = lathe.request(priority=(2, "b")), lathe.request(priority=(1, "z"))
    with pytest.raises(TypeError):
        lathe.request(priority="urgent")
    assert lathe.queue == [soon, late]


# -- preemption ------------------------------------------------------------------------------------------------


def test_the_least_important_user_is_preempted_and_told_why(make_line):
    env = make_line(resources={"lathe": 2})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True)
    causes = []

    def victim():
        with lathe.request(priority=3) as request:
            yield request
            try:
                yield env.timeout(10)
            except simpy.Interrupt as interrupt:
                causes.append(interrupt.cause)

    log = []
    env.process(job(env, lathe, "a", log, priority=2))
    env.process(victim())
    urgent = env.process(job(env, lathe, "urgent", log, at=4, priority=0))
    env.process(job(env, lathe, "equal", log, at=5, priority=2))
    env.run()
    (cause,) = causes
    assert isinstance(cause, Preempted)
    assert (cause.by, cause.usage_since, cause.resource) == (urgent, 0, lathe)
    assert times(log, "got") == [("a", 0), ("urgent", 4), ("equal", 10)]


def test_a_request_that_must_not_preempt_waits(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True)
    log = []
    env.process(job(env, lathe, "a", log, priority=2))
    env.process(job(env, lathe, "patient", log, at=1, priority=0, preempt=False))
    env.run()
    assert times(log, "got") == [("a", 0), ("patient", 10)]


def test_a_resource_that_is_not_preemptive_preempts_nobody(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    log = []
    env.process(job(env, lathe, "a", log, priority=2))
    env.process(job(env, lathe, "urgent", log, at=1, priority=0, preempt=True))
    env.run()
    assert times(log, "got") == [("a", 0), ("urgent", 10)]


def test_after_a_cut_nobody_is_evicted_until_one_eviction_makes_room(make_line):
    env = make_line(resources={"lathe": 4})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True)
    log = []
    for at, name, hold in ((0, "a", 10), (1, "b", 19), (2, "c", 28), (3, "d", 37)):
        env.process(job(env, lathe, name, log, at=at, hold=hold, priority=5))
    env.process(job(env, lathe, "urgent", log, at=6, hold=100, priority=0))
    env.steer((5, "resources.lathe", 2))
    env.run(until=9)
    assert (lathe.in_use, len(lathe.queue)) == (4, 1)
    env.run()
    # at 20 two are left for two units: now one eviction (the last to ask: d) lets urgent in
    assert times(log, "done")[:3] == [("a", 10), ("b", 20), ("c", 30)]
    assert [entry for entry in log if entry[2] == "preempted"] == [(20, "d", "preempted", 3)]
    assert times(log, "got")[4:] == [("urgent", 20)]


def test_growing_back_to_what_is_in_use_lets_the_urgent_one_preempt(make_line):
    env = make_line(resources={"lathe": 3})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True)
    log = []
    for at, name in enumerate("abc"):
        env.process(job(env, lathe, name, log, at=at, hold=50, priority=5))
    env.process(job(env, lathe, "urgent", log, at=6, priority=0))
    env.steer((5, "resources.lathe", 1), (7, "resources.lathe", 2), (8, "resources.lathe", 3))
    env.run()
    assert [entry for entry in log if entry[2] == "preempted"] == [(8, "c", "preempted", 2)]
    assert times(log, "got")[3:] == [("urgent", 8)]


def test_at_a_capacity_of_zero_nobody_is_evicted_for_nothing(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True)
    log = []
    env.process(job(env, lathe, "a", log, priority=5))
    env.process(job(env, lathe, "urgent", log, at=2, priority=0))
    env.steer((1, "resources.lathe", 0))
    env.run()
    assert log == [(0, "a", "got"), (10, "a", "done")]
    assert len(lathe.queue) == 1


def test_a_process_does_not_preempt_itself_nor_one_that_has_ended(make_line):
    env = make_line(resources={"lathe": 2})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True)

    def forgetful():
        yield lathe.request(priority=9)

    def greedy():
        yield lathe.request(priority=5)
        yield env.timeout(1)
        lathe.request(priority=0)
        yield env.timeout(1)

    env.process(forgetful())
    env.process(greedy())
    env.run()
    assert [user.priority for user in lathe.users] == [9, 5]
    assert [request.priority for request in lathe.queue] == [0]


def test_an_update_by_a_user_does_not_preempt_that_user(make_line):
    env = make_line(resources={"lathe": 2})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True)
    log = []

    def foreman():
        with lathe.request(priority=9) as request:
            yield request
            yield env.timeout(5)
            env.registry.update("Line.resources.lathe.current_cap", 2)
            log.append((env.now, "foreman", "goes on"))

    env.process(foreman())
    env.process(job(env, lathe, "a", log, priority=3))
    env.process(job(env, lathe, "urgent", log, at=2, priority=0))
    env.steer((1, "resources.lathe", 1))
    env.run()
    assert log == [
        (0, "a", "got"),
        (5, "foreman", "goes on"),
        (5, "a", "preempted", 0),
        (5, "urgent", "got"),
        (15, "urgent", "done"),
    ]


def test_preemptive_lifo_evicts_the_one_that_asked_first_and_never_an_equal(make_line):
    env = make_line(resources={"lathe": 2})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True, lifo=True)
    log = []
    env.process(job(env, lathe, "a", log, at=0, priority=2, hold=20))
    env.process(job(env, lathe, "b", log, at=1, priority=2, hold=20))
    env.process(job(env, lathe, "equal", log, at=2, priority=2, hold=20))
    env.process(job(env, lathe, "urgent", log, at=3, priority=1, hold=5))
    env.run()
    assert [entry for entry in log if entry[2] == "preempted"] == [(3, "a", "preempted", 0)]
    assert times(log, "got") == [("a", 0), ("b", 1), ("urgent", 3), ("equal", 8)]


# -- bounded queue ---------------------------------------------------------------------------------------------


def test_who_finds_the_queue_full_balks(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe", queue_limit=2)
    log = []
    for number, name in enumerate("abcd"):
        env.process(job(env, lathe, name, log, at=number))
    env.process(job(env, lathe, "e", log, at=11))
    env.run()
    assert times(log, "balked") == [("d", 3)]
    assert times(log, "got") == [("a", 0), ("b", 10), ("c", 20), ("e", 30)]


def test_the_refusal_of_a_full_queue_says_what_to_do(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe", queue_limit=1)
    lathe.request()
    lathe.request()
    refused = lathe.request()
    assert refused.triggered
    assert not refused.ok
    with pytest.raises(ResourceError) as error:
        env.run()
    assert str(error.value) == (
        "Line.lathe: the queue is full, 1 wait already. "
        "Catch ResourceError where the request is yielded, or raise queue_limit."
    )


def test_a_queue_of_zero_places_turns_away_whoever_is_not_served(make_line):
    env = make_line(resources={"lathe": 2})
    lathe = DynamicResource(env, "Line", "lathe", queue_limit=0)
    log = []
    for name in "abc":
        env.process(job(env, lathe, name, log))
    env.process(job(env, lathe, "d", log, at=11))
    env.run()
    assert times(log, "balked") == [("c", 0)]
    assert times(log, "got") == [("a", 0), ("b", 0), ("d", 11)]


def test_a_place_that_is_given_up_can_be_taken_and_the_limit_can_be_moved(make_line):
    env = make_line(resources={"lathe": 0})
    lathe = DynamicResource(env, "Line", "lathe", queue_limit=1)
    first = lathe.request()
    first.cancel()
    second = lathe.request()
    lathe.queue_limit = 2
    third = lathe.request()
    lathe.queue_limit = None
    fourth = lathe.request()
    assert lathe.queue == [second, third, fourth]


def test_the_urgent_one_preempts_though_the_queue_is_full(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe", preemptive=True, queue_limit=1)
    log = []
    env.process(job(env, lathe, "a", log, priority=5))
    env.process(job(env, lathe, "b", log, priority=6))
    env.process(job(env, lathe, "urgent", log, at=1, priority=0))
    env.run()
    assert times(log, "got") == [("a", 0), ("urgent", 1), ("b", 11)]


@pytest.mark.parametrize("limit", [-1, 1.5, True, "2"])
def test_a_limit_that_is_no_whole_number_is_refused(make_line, limit):
    with pytest.raises(ParameterError, match=r"Line\.lathe: queue_limit is .*\. Give a whole number"):
        DynamicResource(make_line(resources={"lathe": 1}), "Line", "lathe", queue_limit=limit)


def test_simpys_own_limit_raises_at_the_request(make_line):
    lathe = DynamicResource(make_line(resources={"lathe": 1}), "Line", "lathe")
    lathe.put_queue.maxlen = 1
    lathe.request()
    waiting = lathe.request()
    with pytest.raises(RuntimeError, match=r"Cannot append event\. Queue is full: maxlen is 1\. Raise it\."):
        lathe.request()
    assert lathe.queue == [waiting]


# -- release ---------------------------------------------------------------------------------------------------


def test_release_without_a_request_releases_the_oldest_one_of_the_process(make_line):
    env = make_line(resources={"lathe": 3})
    lathe = DynamicResource(env, "Line", "lathe")
    states = []

    def worker():
        yield lathe.request(priority=7)
        yield lathe.request(priority=8)
        lathe.release()
        states.append([user.priority for user in lathe.users])
        yield lathe.release()
        states.append([user.priority for user in lathe.users])

    other = lathe.request(priority=6)
    env.process(worker())
    env.run()
    assert states == [[6, 8], [6]]
    assert lathe.users == [other]


def test_release_of_nothing_held_is_an_error(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    texts = []

    def worker():
        yield env.timeout(1)
        with pytest.raises(ResourceError) as error:
            lathe.release()
        texts.append(str(error.value))

    lathe.request()
    env.process(worker())
    env.run()
    with pytest.raises(ResourceError) as error:
        lathe.release()
    assert texts == [
        "Line.lathe: release() without a request, but process 'worker' holds no unit. Pass the request to release."
    ]
    assert str(error.value) == (
        "Line.lathe: release() without a request, but no process is active. Pass the request to release."
    )


def test_a_second_release_of_the_same_request_changes_nothing(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    first, second, third = (lathe.request() for _ in range(3))
    lathe.release(first)
    lathe.release(first)
    env.run()
    assert (lathe.users, lathe.queue) == ([second], [third])


# -- monitoring, as SimPy's documentation does it --------------------------------------------------------------


def test_a_subclass_sees_every_request_and_release(make_line):
    class Monitored(DynamicResource):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.data = []

        def request(self, *args, **options):
            self.data.append((self.env.now, "request", len(self.queue)))
            return super().request(*args, **options)

        def release(self, *args, **options):
            self.data.append((self.env.now, "release", len(self.queue)))
            return super().release(*args, **options)

    env = make_line(resources={"lathe": 1})
    lathe = Monitored(env, "Line", "lathe")
    env.process(job(env, lathe, "a", []))
    env.process(job(env, lathe, "b", []))
    env.run()
    assert lathe.data == [
        (0, "request", 0),
        (0, "request", 0),
        (10, "release", 1),
        (20, "release", 0),
    ]


def test_a_resource_whose_methods_are_wrapped_is_seen_through_the_wrapper(make_line):
    def patch_resource(resource, pre):  # as SimPy's documentation has it
        def wrapper(function):
            def wrapped(*args, **options):
                pre(resource)
                return function(*args, **options)

            return wrapped

        for name in ("put", "get", "request", "release"):
            setattr(resource, name, wrapper(getattr(resource, name)))

    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    seen = []
    patch_resource(lathe, lambda resource: seen.append((env.now, resource.count, len(resource.queue))))
    env.process(job(env, lathe, "a", []))
    env.process(job(env, lathe, "b", []))
    env.run()
    assert seen == [(0, 0, 0), (0, 1, 0), (10, 1, 1), (20, 1, 0)]


def test_every_event_goes_through_the_schedule_of_the_environment(make_line):
    env = make_line(resources={"lathe": 1}, containers={"tank": 1}, stores={"shelf": 1})
    scheduled, schedule = [], env.schedule
    env.schedule = lambda event, *how: (scheduled.append(type(event).__name__), schedule(event, *how))[1]
    lathe = DynamicResource(env, "Line", "lathe")
    lathe.release(lathe.request())
    DynamicContainer(env, "Line", "tank").put(1)
    shelf = DynamicStore(env, "Line", "shelf")
    shelf.get()
    shelf.put("item")
    env.run()
    assert scheduled == ["PriorityRequest", "Release", "ContainerPut", "StorePut", "StoreGet"]


@pytest.mark.parametrize("hook", ["_do_put", "_do_get", "_trigger_put", "_trigger_get"])
@pytest.mark.parametrize("how", ["overridden", "patched"])
def test_simpys_hooks_are_called_as_simpy_calls_them(make_line, hook, how):
    def run(base, build):
        seen = []

        class Overridden(base):
            pass

        def watch(self, original, event):
            seen.append((self._env.now, type(event).__name__.replace("PriorityR", "R"), len(self.queue)))
            return original(event)

        if how == "overridden":
            setattr(Overridden, hook, lambda self, event: watch(self, getattr(super(Overridden, self), hook), event))
        env = make_line(resources={"lathe": 1})
        lathe = build(Overridden, env)
        if how == "patched":
            original = getattr(lathe, hook)
            setattr(lathe, hook, lambda event: watch(lathe, original, event))
        log = []
        env.process(job(env, lathe, "a", log))
        env.process(job(env, lathe, "b", log, at=3))
        env.process(job(env, lathe, "c", log, at=3, patience=2))
        env.run()
        return seen, log

    ours = run(DynamicResource, lambda cls, env: cls(env, "Line", "lathe"))
    simpys = run(simpy.PriorityResource, lambda cls, env: cls(env, 1))
    assert ours == simpys
    assert len(ours[0]) > 2


def test_a_hook_that_is_patched_in_mid_run_is_called_from_then_on(make_line):
    env = make_line(resources={"lathe": 1})
    lathe = DynamicResource(env, "Line", "lathe")
    log, seen = [], []
    for name in "abc":
        env.process(job(env, lathe, name, log))
    env.run(until=5)
    original = lathe._do_put
    lathe._do_put = lambda event: (seen.append(env.now), original(event))[1]
    env.run()
    assert seen == [10, 20]
    assert times(log, "got") == [("a", 0), ("b", 10), ("c", 20)]


def test_a_subclass_may_rule_the_capacity(make_line):
    class HalfShift(DynamicResource):
        @property
        def capacity(self):
            return super().capacity if self.env.now >= 5 else 1

    env = make_line(resources={"lathe": 3})
    lathe = HalfShift(env, "Line", "lathe")
    log = []
    for name in "abcd":
        env.process(job(env, lathe, name, log, at=0 if name in "ab" else 6, hold=4))
    env.run()
    assert times(log, "got") == [("a", 0), ("b", 4), ("c", 6), ("d", 6)]


# -- as a configuration file names it --------------------------------------------------------------------------


def test_it_is_built_from_the_name_that_a_configuration_file_gives(make_line):
    env = make_line(resources={"lathe": 2, "robot.arm": 3})
    lathe = DynamicResource.from_name(env, "Line.lathe", preemptive=True, queue_limit=4)
    arm = DynamicResource.from_name(env, "Line.robot.arm")
    assert (lathe.sim_id, lathe.resource_id, lathe.preemptive, lathe.queue_limit) == ("Line", "lathe", True, 4)
    assert (arm.sim_id, arm.resource_id, arm.capacity) == ("Line", "robot.arm", 3)


@pytest.mark.parametrize("name", ["lathe", ".lathe", "Line.", "", 7])
def test_a_name_that_names_no_parameter_is_refused(make_line, name):
    with pytest.raises(ConfigError, match=r"does not name a parameter\. Give '<sim_id>\.<name>', such as"):
        DynamicResource.from_name(make_line(resources={"lathe": 2}), name)


def test_an_unknown_name_is_refused_with_what_to_register(make_line):
    with pytest.raises(UnknownPathError, match=r"Plant\.Line\.saw\.current_cap|sim_id='Plant\.Line'"):
        DynamicResource.from_name(make_line(resources={"lathe": 2}), "Plant.Line.saw")
