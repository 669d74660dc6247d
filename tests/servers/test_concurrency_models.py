import pytest

from dynamic_des.errors import ResourceError
from dynamic_des_servers import (
    ConcurrencyModel,
    DynamicConcurrency,
    FixedConcurrency,
    Server,
    WeightedConcurrency,
)

MODELS = [lambda: FixedConcurrency(3), lambda: DynamicConcurrency(3), lambda: WeightedConcurrency(3)]


@pytest.mark.parametrize("make", MODELS)
def test_every_model_keeps_the_protocol(make):
    model = make()
    assert isinstance(model, ConcurrencyModel)
    assert (model.limit, model.active, model.available) == (3, 0, 3)
    assert [model.acquire() for _ in range(4)] == [True, True, True, False]
    assert (model.limit, model.active, model.available, model.has_capacity()) == (3, 3, 0, False)
    model.release()
    assert (model.active, model.available, model.has_capacity()) == (2, 1, True)


@pytest.mark.parametrize("make", MODELS)
def test_asking_for_capacity_takes_none(make):
    model = make()
    for _ in range(10):
        assert model.has_capacity()
    assert model.active == 0


@pytest.mark.parametrize("make", MODELS)
def test_releasing_what_was_not_acquired_is_an_error(make):
    model = make()
    with pytest.raises(ResourceError, match=r"in use. Release once what was acquired"):
        model.release()


@pytest.mark.parametrize("make", MODELS[:2])
def test_models_with_slots_ignore_weights(make):
    model = make()
    assert model.acquire(weight=100)
    assert model.has_capacity(weight=100)
    assert model.active == 1
    model.release(weight=100)
    assert model.active == 0


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "4", None, float("inf"), float("nan")])
@pytest.mark.parametrize("kind", [FixedConcurrency, WeightedConcurrency])
def test_a_number_that_makes_no_sense_is_refused(kind, number):
    with pytest.raises(ValueError, match=rf"{kind.__name__}: \w+: .* is not a whole number, 1 or more. Give one"):
        kind(number)


def test_the_documented_names():
    assert FixedConcurrency(max_concurrent=4).max_concurrent == 4
    pool = WeightedConcurrency(total_capacity=100)
    assert pool.total_capacity == 100
    dynamic = DynamicConcurrency(initial=2, min_limit=1, max_limit=8)
    assert (dynamic.current_limit, dynamic.min_limit, dynamic.max_limit) == (2, 1, 8)
    unbounded = DynamicConcurrency(2)
    assert (unbounded.min_limit, unbounded.max_limit) == (1, None)


# -- weights -------------------------------------------------------------------------------------------------


def test_weights_add_up_to_the_total():
    pool = WeightedConcurrency(100)
    assert pool.acquire(weight=10)
    assert pool.acquire(weight=1)
    assert (pool.available, pool.active, pool.utilization) == (89, 11, 0.11)
    assert pool.has_capacity(89)
    assert not pool.has_capacity(90)
    assert not pool.acquire(90)
    pool.release(10)
    assert pool.acquire(90)
    assert pool.active == 91


@pytest.mark.parametrize("weight", [0, -1, 101, 1.5, True, "2"])
def test_a_weight_of_0_or_above_the_total_is_an_error(weight):
    pool = WeightedConcurrency(100)
    with pytest.raises(ValueError, match=r"WeightedConcurrency: weight"):
        pool.acquire(weight)
    with pytest.raises(ValueError, match=r"WeightedConcurrency: weight"):
        pool.release(weight)
    assert pool.active == 0


def test_there_is_never_capacity_for_a_weight_that_acquire_refuses():
    pool = WeightedConcurrency(100)
    assert not pool.has_capacity(0)
    assert not pool.has_capacity(101)


@pytest.mark.parametrize("weight", [0, 101])
def test_a_request_that_could_never_be_served_is_refused_where_it_is_submitted(env, weight):
    server = Server(env, "db", WeightedConcurrency(100), service_time=1)
    server.submit(weight=100)
    server.submit(weight=100)  # so that the next one would have to wait
    with pytest.raises(ValueError, match=r"weight"):
        server.submit(weight=weight)
    assert server.depth == 1
    env.run()
    assert server.stats.requests_completed == 2


def test_a_request_that_does_not_fit_waits_and_none_is_lost(env, log):
    server = Server(env, "db", WeightedConcurrency(10), service_time=1)
    weights = [6, 5, 4, 10, 1, 9, 3, 3, 3, 7]
    for number, weight in enumerate(weights):
        log.watch(server.submit(number, weight=weight))
    env.run()
    # 6 | 5 4 | 10 | 1 9 | 3 3 3 | 7
    assert [when for _, when, _ in log] == [1, 2, 2, 3, 4, 4, 5, 5, 5, 6]
    assert (server.stats.requests_completed, server.stats.requests_rejected) == (10, 0)


def test_the_weight_can_come_with_the_context(env):
    server = Server(env, "db", WeightedConcurrency(10), service_time=1)
    server.submit(context={"metadata": {"weight": 4}})
    server.submit({"context": {"metadata": {"weight": 3}}})
    assert server.active_requests == 7
    server.submit({"metadata": {"weight": 2}}, weight=1)  # what is said explicitly counts
    assert (server.active_requests, server.utilization, server.has_capacity(2), server.has_capacity(3)) == (
        8,
        0.8,
        True,
        False,
    )


# -- limits that the model changes ---------------------------------------------------------------------------


def test_raising_the_limit_starts_who_waits_at_once(env, log):
    limit = DynamicConcurrency(1)
    server = Server(env, "api", limit, service_time=10)
    for label in "abcde":
        log.watch(server.submit(label))
    env.run(until=3)
    limit.set_limit(4)
    assert (server.active_requests, server.depth, server.concurrency) == (4, 1, 4)  # before anything else happens
    env.run()
    assert log == [("a", 10, "ok"), ("b", 13, "ok"), ("c", 13, "ok"), ("d", 13, "ok"), ("e", 20, "ok")]


def test_after_a_cut_running_work_finishes_and_no_more_starts_than_the_limit(env, log):
    limit = DynamicConcurrency(4)
    times = iter([2, 3, 4, 5, 1, 1])
    server = Server(env, "api", limit, service_time=lambda: next(times))
    for label in "abcdef":
        log.watch(server.submit(label))
    env.run(until=1)
    limit.scale_down(3)
    assert (server.concurrency, server.active_requests, server.available_capacity, server.utilization) == (1, 4, 0, 1.0)
    env.run()
    assert log == [("a", 2, "ok"), ("b", 3, "ok"), ("c", 4, "ok"), ("d", 5, "ok"), ("e", 6, "ok"), ("f", 7, "ok")]


def test_growing_again_while_over_the_limit_starts_only_what_fits(env):
    limit = DynamicConcurrency(4)
    server = Server(env, "api", limit, service_time=10)
    for _ in range(6):
        server.submit()
    limit.set_limit(1)
    limit.set_limit(3)
    assert (server.active_requests, server.depth) == (4, 2)
    limit.set_limit(5)
    assert (server.active_requests, server.depth) == (5, 1)


def test_scaling_is_clamped_to_the_bounds():
    limit = DynamicConcurrency(4, min_limit=2, max_limit=6)
    limit.scale_up(10)
    assert limit.current_limit == 6
    limit.scale_down(10)
    assert limit.current_limit == 2
    limit.scale_up()
    assert limit.limit == 3
    limit.scale_down()
    assert limit.limit == 2
    limit.set_limit(-5)
    assert limit.limit == 2
    limit.set_limit(100)
    assert limit.limit == 6


def test_a_lowest_limit_of_0_lets_a_server_stand_still(env, log):
    limit = DynamicConcurrency(1, min_limit=0)
    server = Server(env, "api", limit, service_time=1)
    limit.set_limit(0)
    log.watch(server.submit("a"))
    env.run(until=5)
    assert (server.depth, server.utilization) == (1, 0.0)
    limit.scale_up()
    env.run()
    assert log == [("a", 6, "ok")]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((0,), "initial: 0 is not a whole number, 1 or more"),
        ((1, 2), "initial: 1 is not a whole number, 2 or more"),
        ((5, 1, 4), "initial 5 is above max_limit 4"),
        ((5, 6, 4), "max_limit: 4 is not a whole number, 6 or more"),
        ((5, -1), "min_limit: -1 is not a whole number, 0 or more"),
        ((2.5,), "initial: 2.5 is not a whole number"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(arguments, what):
    with pytest.raises(ValueError, match=rf"DynamicConcurrency: {what}"):
        DynamicConcurrency(*arguments)


@pytest.mark.parametrize("wish", [2.5, True, "3", None, float("nan"), float("inf")])
def test_a_limit_that_is_no_whole_number_is_refused(wish):
    limit = DynamicConcurrency(4)
    with pytest.raises(ValueError, match=r"is not a whole number"):
        limit.set_limit(wish)
    assert limit.limit == 4


@pytest.mark.parametrize("scale", ["scale_up", "scale_down"])
def test_scaling_by_a_negative_amount_is_refused(scale):
    with pytest.raises(ValueError, match=r"amount: -1 is not a whole number, 0 or more"):
        getattr(DynamicConcurrency(4), scale)(-1)


# -- the forms that a concurrency may have -------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, -1, 1.5, True, None, float("nan")])
def test_a_concurrency_below_1_is_refused(env, number):
    with pytest.raises(ValueError, match=r"Server 'api': concurrency: .* is not a whole number, 1 or more"):
        Server(env, "api", concurrency=number)


@pytest.mark.parametrize(
    ("table", "kind", "limit"),
    [
        ({"type": "fixed", "max_concurrent": 3}, FixedConcurrency, 3),
        ({"type": "dynamic", "initial": 2, "max_limit": 8}, DynamicConcurrency, 2),
        ({"type": "weighted", "total_capacity": 50}, WeightedConcurrency, 50),
    ],
)
def test_a_configuration_file_can_give_a_concurrency_as_a_table(env, table, kind, limit):
    server = Server(env, "api", concurrency=table)
    assert type(server.concurrency_model) is kind
    assert server.concurrency == limit


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"type": "dynamik"}, "'dynamik' is no type of concurrency. Did you mean 'dynamic'?"),
        ({"limit": 3}, "None is no type of concurrency. There are fixed, dynamic, weighted."),
        ({"type": "fixed", "max": 3}, "'max'. Give the arguments of FixedConcurrency."),
    ],
)
def test_a_table_that_makes_no_sense_says_what_does(env, table, what):
    with pytest.raises(ValueError, match=r"Server 'api': concurrency: ") as caught:
        Server(env, "api", concurrency=table)
    assert what in str(caught.value)
